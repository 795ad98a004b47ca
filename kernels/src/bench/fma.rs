//! The fastest loop of multiply-adds that we can write for this machine: what `cpu` is compared with.
//!
//! Sixteen accumulators that do not hang on each other, all in registers: two units with a latency of four cycles (all
//! x86-64 with AVX2 or AVX-512 since Haswell) need eight. It computes nothing that anybody could check.
#![allow(unsafe_code)] // Vector intrinsics; entered only after detection.

use std::hint::black_box;

/// Steps of every accumulator in one turn.
const STEPS: u32 = 1 << 20;

/// Runs one turn on the calling thread; returns its floating-point operations.
pub(super) fn turn() -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512.
        return unsafe { x86::wide() };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { x86::narrow() };
    }
    portable()
}

/// Every accumulator runs towards 1, so that none becomes subnormal or infinite.
const FACTOR: f64 = 0.5;

fn portable() -> u64 {
    const LANES: usize = 32;
    let mut values = black_box([0.25_f64; LANES]);
    for _ in 0..STEPS {
        values.iter_mut().for_each(|value| *value = value.mul_add(FACTOR, FACTOR));
    }
    black_box(values);
    2 * LANES as u64 * u64::from(STEPS)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm256_fmadd_pd, _mm256_set1_pd, _mm512_fmadd_pd, _mm512_set1_pd};
    use std::hint::black_box;

    use super::{FACTOR, STEPS};

    /// Accumulators; with the factor they fit 32 registers.
    const WIDE: usize = 16;
    /// Of sixteen registers one holds the factor.
    const NARROW: usize = 12;

    #[target_feature(enable = "avx512f")]
    pub(super) fn wide() -> u64 {
        let factor = _mm512_set1_pd(FACTOR);
        let mut values = [_mm512_set1_pd(0.25); WIDE];
        for _ in 0..STEPS {
            for value in &mut values {
                *value = _mm512_fmadd_pd(*value, factor, factor);
            }
        }
        black_box(values);
        2 * 8 * WIDE as u64 * u64::from(STEPS)
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn narrow() -> u64 {
        let factor = _mm256_set1_pd(FACTOR);
        let mut values = [_mm256_set1_pd(0.25); NARROW];
        for _ in 0..STEPS {
            for value in &mut values {
                *value = _mm256_fmadd_pd(*value, factor, factor);
            }
        }
        black_box(values);
        2 * 4 * NARROW as u64 * u64::from(STEPS)
    }
}
