//! A tile's product by `vpdpwssd`: 32 multiply-adds and their accumulation in one instruction.
//!
//! Four rows and four columns are accumulated together: eight loads for sixteen instructions. Exact as the AVX2 form: the
//! instruction does not saturate, and no sum reaches 2^31.
#![allow(unsafe_code)] // Vector intrinsics; entered only after `available`.

use std::arch::x86_64::{
    __m512i, _mm512_dpwssd_epi32, _mm512_load_si512, _mm512_reduce_add_epi32, _mm512_setzero_si512,
};

use super::{Band, Lanes, in_blocks};

const ROWS: usize = 4;
const COLUMNS: usize = 4;

/// Says whether this processor has the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

pub(super) fn accumulate(left: &Band, right: &Band, slice: usize, tile: &mut [i32]) {
    in_blocks(left, right, slice, tile, (entered::<ROWS, COLUMNS>, entered::<1, 1>));
}

fn entered<const R: usize, const C: usize>(a: [&[Lanes]; R], b: [&[Lanes]; C]) -> [[i32; C]; R] {
    // SAFETY: callers of `accumulate` asked `available`.
    unsafe { block(a, b) }
}

/// Multiplies R rows by C rows of the same length.
#[target_feature(enable = "avx512f,avx512vnni")]
fn block<const R: usize, const C: usize>(a: [&[Lanes]; R], b: [&[Lanes]; C]) -> [[i32; C]; R] {
    let mut length = a[0].len();
    for row in a.iter().chain(&b) {
        length = length.min(row.len());
    }
    let mut lanes = [[_mm512_setzero_si512(); C]; R];
    for at in 0..length {
        let mut columns = [_mm512_setzero_si512(); C];
        for j in 0..C {
            columns[j] = load(&b[j][at]);
        }
        for i in 0..R {
            let row = load(&a[i][at]);
            for j in 0..C {
                lanes[i][j] = _mm512_dpwssd_epi32(lanes[i][j], row, columns[j]);
            }
        }
    }
    let mut sums = [[0; C]; R];
    for i in 0..R {
        for j in 0..C {
            sums[i][j] = _mm512_reduce_add_epi32(lanes[i][j]);
        }
    }
    sums
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: `Lanes` is 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(lanes.0.as_ptr().cast()) }
}
