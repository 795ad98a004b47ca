//! `imma`: the int8 tensor rate, and with it the class of a card.
//!
//! A round is C = A Bᵗ of int8 matrices (n x k each, all 256 values, both rows along k), exact in int32: k * 128² <
//! 2^31 for k < 131,072. A unit is a tile; its leaf hashes the low 16 bits of each value, row by row, little-endian.
//! Row r of A is Philox stream 1 from counter r * ceil(k / 16) on, row c of Bᵗ the same of stream 2. Which other unit
//! could do this? CUDA cores by dp4a, slower on every card with tensor cores; int4 units were dropped after Ampere
//! and would need four products. Remaining gain: one Strassen level, 8/7 in products, less its additions.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use std::collections::HashMap;
use std::ops::Range;

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, stream};

/// Widened values of a vector; rows are padded with zeros to whole vectors, so that no loop has a tail.
const LANES: usize = 16;
/// Vectors of one accumulation in cache: 128 rows of 32 vectors are 128 KiB, a quarter of a usual L2.
const DEPTH: usize = 32;

/// A checked shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) n: u32,
    pub(crate) k: u32,
    pub(crate) tile: u32,
}

impl Product {
    fn edge(&self) -> u32 {
        self.n.div_ceil(self.tile)
    }

    pub(crate) fn units(&self) -> u32 {
        self.edge() * self.edge()
    }

    /// Returns the bands of A and B of which a unit is the product.
    pub(crate) fn bands(&self, unit: u32) -> (u32, u32) {
        (unit / self.edge(), unit % self.edge())
    }

    fn rows(&self, band: u32) -> Range<u32> {
        band * self.tile..((band + 1) * self.tile).min(self.n)
    }

    /// Generates a band of an operand.
    pub(crate) fn band(&self, key: &Key, side: u32, band: u32) -> Band {
        let blocks = self.k.div_ceil(16);
        let stride = (self.k as usize).div_ceil(LANES);
        let rows = self.rows(band);
        let mut band = Band { values: vec![Lanes::default(); rows.len() * stride], rows: rows.len(), stride };
        let mut bytes = vec![0u8; blocks as usize * 16];
        for (at, row) in rows.enumerate() {
            philox::expand(key.words(), side, u64::from(row) * u64::from(blocks), &mut bytes);
            bytes[self.k as usize..].fill(0);
            for (slice, narrow) in bytes.chunks(DEPTH * LANES).enumerate() {
                let range = band.place(at, slice);
                for (wide, sixteen) in band.values[range].iter_mut().zip(narrow.as_chunks::<LANES>().0) {
                    wide.0 = sixteen.map(|byte| i16::from(byte as i8));
                }
            }
        }
        band
    }

    pub(crate) fn left(&self, key: &Key, band: u32) -> Band {
        self.band(key, stream::LEFT, band)
    }

    pub(crate) fn right(&self, key: &Key, band: u32) -> Band {
        self.band(key, stream::RIGHT, band)
    }

    /// Computes the leaf of a unit from its bands.
    pub(crate) fn leaf(&self, unit: u32, left: &Band, right: &Band) -> Digest {
        let mut bytes = Vec::with_capacity(left.rows * right.rows * 2);
        for value in multiply(left, right) {
            bytes.extend((value as u16).to_le_bytes());
        }
        merkle::unit_leaf(unit, self.units(), &bytes)
    }

    /// Recomputes the leaves of units of different rounds, each as (key, unit), in the order given.
    ///
    /// Units that share a band are computed one after another, so that at most one band of each operand is held.
    pub(crate) fn leaves(&self, items: &[(Key, u32)]) -> Vec<Digest> {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|&at| (*items[at].0.as_bytes(), items[at].1));
        let mut leaves = vec![Digest::default(); items.len()];
        let mut left: Option<((Key, u32), Band)> = None;
        let mut rights: HashMap<(Key, u32), Band> = HashMap::new();
        for at in order {
            let (key, unit) = items[at];
            let (row, column) = self.bands(unit);
            if left.as_ref().is_none_or(|(held, _)| *held != (key, row)) {
                left = Some(((key, row), self.left(&key, row)));
            }
            if rights.len() >= RIGHT_BANDS_HELD && !rights.contains_key(&(key, column)) {
                rights.clear();
            }
            let right = rights.entry((key, column)).or_insert_with(|| self.right(&key, column));
            if let Some((_, left)) = &left {
                leaves[at] = self.leaf(unit, left, right);
            }
        }
        leaves
    }
}

/// Right bands kept while units are recomputed: at most 8 * 128 * 16,384 * 2 bytes = 32 MiB.
const RIGHT_BANDS_HELD: usize = 8;

/// Sixteen widened values, aligned so that no load crosses a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
pub(crate) struct Lanes([i16; LANES]);

/// Rows of an operand, widened to 16 bits and laid out in slices of [`DEPTH`]: all rows of the first slice, then all
/// of the second.
///
/// Row after row at a power of two would put all rows into the same few sets of the cache.
#[derive(Debug)]
pub(crate) struct Band {
    values: Vec<Lanes>,
    rows: usize,
    stride: usize,
}

impl Band {
    fn slices(&self) -> usize {
        self.stride.div_ceil(DEPTH)
    }

    fn place(&self, row: usize, slice: usize) -> Range<usize> {
        let depth = (self.stride - slice * DEPTH).min(DEPTH);
        let from = slice * DEPTH * self.rows + row * depth;
        from..from + depth
    }

    fn row(&self, row: usize, slice: usize) -> &[Lanes] {
        &self.values[self.place(row, slice)]
    }
}

/// Multiplies two bands: int32, row by row.
fn multiply(left: &Band, right: &Band) -> Vec<i32> {
    let mut tile = vec![0i32; left.rows * right.rows];
    for slice in 0..left.slices() {
        accumulate(left, right, slice, &mut tile);
    }
    tile
}

fn accumulate(left: &Band, right: &Band, slice: usize, tile: &mut [i32]) {
    #[cfg(target_arch = "x86_64")]
    if philox::avx2::available() {
        return avx2::accumulate(left, right, slice, tile);
    }
    portable::accumulate(left, right, slice, tile);
}

#[cfg(test)]
mod tests;
