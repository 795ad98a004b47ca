//! Eight cells side by side by AVX2; equal to [`Fill::cell`] in every word.
#![allow(unsafe_code)] // Vector intrinsics; entered only after `available`.

use super::{Cell, Fill, TOGETHER};
use crate::philox::{avx2, stream};

pub(super) fn cells(fill: &Fill, indices: &[u64; TOGETHER]) -> [Cell; TOGETHER] {
    // SAFETY: callers asked `available`.
    unsafe { cells_lanes(fill, indices) }
}

#[target_feature(enable = "avx2")]
fn cells_lanes(fill: &Fill, indices: &[u64; TOGETHER]) -> [Cell; TOGETHER] {
    let keys = avx2::round_keys(fill.key.words());
    let mut blocks = avx2::start(indices, stream::CELL);
    for _ in 4..fill.hard {
        blocks = avx2::blocks(blocks, &keys);
    }
    let mut cells = [Cell::default(); TOGETHER];
    for at in (0..16).step_by(4) {
        blocks = avx2::blocks(blocks, &keys);
        let bytes = avx2::bytes(&blocks);
        for (cell, block) in cells.iter_mut().zip(bytes.as_chunks::<16>().0) {
            for (word, four) in cell[at..at + 4].iter_mut().zip(block.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*four);
            }
        }
    }
    cells
}
