//! The chains by AVX-512: two lanes in one register, twenty lanes side by side, all of their state in registers.
//!
//! Two units with a latency of four cycles need eight chains in flight, and some to spare, since work is given to the units before
//! it is known when they are free: eight reach 83 % of the rate of a loop without dependences, ten 97 %. Ten are all that 32
//! registers hold, and only if s is not kept a second time with its sign turned, as the compiler would.
#![allow(unsafe_code)] // Vector intrinsics and one instruction; entered only after `available`.

use std::arch::asm;
use std::arch::x86_64::{
    __m512d, _mm256_loadu_pd, _mm256_storeu_pd, _mm512_castpd256_pd512, _mm512_castpd512_pd256, _mm512_extractf64x4_pd,
    _mm512_fmadd_pd, _mm512_insertf64x4,
};

use super::PAIRS;
use crate::chain::Lanes;

const REGISTERS: usize = 10;
/// Lanes whose x, y and s fit the registers.
pub(super) const LANES: usize = 2 * REGISTERS;

/// Says whether this processor has the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
}

pub(super) fn run(lanes: &mut Lanes<f64, PAIRS, LANES>, steps: u32) {
    // SAFETY: callers asked `available`.
    unsafe { run_lanes(lanes, steps) }
}

#[target_feature(enable = "avx512f")]
fn run_lanes(lanes: &mut Lanes<f64, PAIRS, LANES>, steps: u32) {
    let mut x: [__m512d; REGISTERS] = std::array::from_fn(|at| load(&lanes[2 * at].x, &lanes[2 * at + 1].x));
    let mut y: [__m512d; REGISTERS] = std::array::from_fn(|at| load(&lanes[2 * at].y, &lanes[2 * at + 1].y));
    let s: [__m512d; REGISTERS] = std::array::from_fn(|at| load(&lanes[2 * at].s, &lanes[2 * at + 1].s));
    for _ in 0..steps {
        for at in 0..REGISTERS {
            x[at] = _mm512_fmadd_pd(s[at], y[at], x[at]);
        }
        for at in 0..REGISTERS {
            y[at] = minus_product(s[at], x[at], y[at]);
        }
    }
    for (at, [low, high]) in lanes.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        store(x[at], &mut low.x, &mut high.x);
        store(y[at], &mut low.y, &mut high.y);
    }
}

/// fma(-s, x, y).
#[target_feature(enable = "avx512f")]
#[inline]
fn minus_product(s: __m512d, x: __m512d, mut y: __m512d) -> __m512d {
    // SAFETY: an instruction of AVX-512F on registers alone; it raises no exception, since all are masked by default.
    unsafe {
        asm!(
            "vfnmadd231pd {y}, {s}, {x}",
            y = inout(zmm_reg) y,
            s = in(zmm_reg) s,
            x = in(zmm_reg) x,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    y
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(low: &[f64; PAIRS], high: &[f64; PAIRS]) -> __m512d {
    // SAFETY: four f64 of arrays of four, unaligned.
    let (low, high) = unsafe { (_mm256_loadu_pd(low.as_ptr()), _mm256_loadu_pd(high.as_ptr())) };
    _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(low), high)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(register: __m512d, low: &mut [f64; PAIRS], high: &mut [f64; PAIRS]) {
    // SAFETY: four f64 into arrays of four, unaligned.
    unsafe {
        _mm256_storeu_pd(low.as_mut_ptr(), _mm512_castpd512_pd256(register));
        _mm256_storeu_pd(high.as_mut_ptr(), _mm512_extractf64x4_pd::<1>(register));
    }
}
