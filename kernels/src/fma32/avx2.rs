//! The chains by AVX2: a lane's pairs in one register, eight lanes side by side.
//!
//! Sixteen registers hold x and y of eight lanes; s is read from memory by the multiply-add itself. Same bits as the
//! reference: one rounding an operation, `vfnmadd` being fma(-s, x, y).
#![allow(unsafe_code)] // Vector intrinsics; entered only after `available`.

use std::arch::x86_64::{__m256, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_storeu_ps};

use super::PAIRS;
use crate::chain::{Lane, Lanes};

/// Lanes whose state fits the registers.
const EIGHT: usize = 8;

pub(super) fn run(lanes: &mut Lanes<f32, PAIRS>, steps: u32) {
    for eight in lanes.as_chunks_mut::<EIGHT>().0 {
        // SAFETY: callers asked `available`.
        unsafe { run_eight(eight, steps) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn run_eight(lanes: &mut [Lane<f32, PAIRS>; EIGHT], steps: u32) {
    // SAFETY: eight f32 of an array of as many, unaligned.
    let load = |values: &[f32; PAIRS]| unsafe { _mm256_loadu_ps(values.as_ptr()) };
    let mut x: [__m256; EIGHT] = std::array::from_fn(|lane| load(&lanes[lane].x));
    let mut y: [__m256; EIGHT] = std::array::from_fn(|lane| load(&lanes[lane].y));
    let s: [__m256; EIGHT] = std::array::from_fn(|lane| load(&lanes[lane].s));
    for _ in 0..steps {
        for lane in 0..EIGHT {
            x[lane] = _mm256_fmadd_ps(s[lane], y[lane], x[lane]);
        }
        for lane in 0..EIGHT {
            y[lane] = _mm256_fnmadd_ps(s[lane], x[lane], y[lane]);
        }
    }
    for (at, lane) in lanes.iter_mut().enumerate() {
        // SAFETY: eight f32 into arrays of as many, unaligned.
        unsafe {
            _mm256_storeu_ps(lane.x.as_mut_ptr(), x[at]);
            _mm256_storeu_ps(lane.y.as_mut_ptr(), y[at]);
        }
    }
}
