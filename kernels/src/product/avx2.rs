//! A tile's product by `vpmaddwd`: sixteen multiply-adds an instruction on operands that were widened once.
//!
//! Four rows and two columns are accumulated together: six loads for eight multiplications, so that loads do not
//! bound the loop. Exact: a pair of products is at most 2 * 255², and the whole sum stays below 2^31.
#![allow(unsafe_code)] // Vector intrinsics; entered only after `available`.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_shuffle_epi32, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_load_si256, _mm256_madd_epi16, _mm256_setzero_si256,
};

use super::{Band, Lanes, in_blocks};

const ROWS: usize = 4;
const COLUMNS: usize = 2;

pub(super) fn accumulate(left: &Band, right: &Band, slice: usize, tile: &mut [i32]) {
    in_blocks(left, right, slice, tile, (entered::<ROWS, COLUMNS>, entered::<1, 1>));
}

fn entered<const R: usize, const C: usize>(a: [&[Lanes]; R], b: [&[Lanes]; C]) -> [[i32; C]; R] {
    // SAFETY: callers of `accumulate` asked `available`.
    unsafe { block(a, b) }
}

/// Multiplies R rows by C rows of the same length.
///
/// Plain loops: a closure handed to a library function would not be inlined under this function's instructions.
#[target_feature(enable = "avx2")]
fn block<const R: usize, const C: usize>(a: [&[Lanes]; R], b: [&[Lanes]; C]) -> [[i32; C]; R] {
    let mut length = a[0].len();
    for row in a.iter().chain(&b) {
        length = length.min(row.len());
    }
    let mut lanes = [[_mm256_setzero_si256(); C]; R];
    for at in 0..length {
        for half in 0..2 {
            let mut columns = [_mm256_setzero_si256(); C];
            for j in 0..C {
                columns[j] = load(&b[j][at], half);
            }
            for i in 0..R {
                let row = load(&a[i][at], half);
                for j in 0..C {
                    lanes[i][j] = _mm256_add_epi32(lanes[i][j], _mm256_madd_epi16(row, columns[j]));
                }
            }
        }
    }
    let mut sums = [[0; C]; R];
    for i in 0..R {
        for j in 0..C {
            sums[i][j] = total(lanes[i][j]);
        }
    }
    sums
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(lanes: &Lanes, half: usize) -> __m256i {
    let (halves, _) = lanes.0.as_chunks::<16>();
    // SAFETY: a half of `Lanes` is 32 bytes, aligned to 32 since the whole is aligned to 64.
    unsafe { _mm256_load_si256(halves[half].as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn total(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}
