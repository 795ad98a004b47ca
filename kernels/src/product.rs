//! Products of integer matrices: what `imma` and `hmma` have in common, and the verifier of both.
//!
//! A round is C = A Bᵗ of n x k integer matrices, both rows along k, exact in int32. A unit is a tile; its leaf hashes the
//! low 16 bits of each value, row by row, little-endian. The two probes differ in their operands: bytes for [`crate::imma`],
//! nine-bit integers for [`crate::hmma`]. Operands are widened to 16 bits, so that one exact multiply-add serves both.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::collections::HashMap;
use std::ops::Range;

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, stream};
use crate::{hmma, imma};

/// Widened values of a vector; rows are padded with zeros to whole vectors, so that no loop has a tail.
const LANES: usize = 32;
/// Vectors of one accumulation in cache: 128 rows of 16 vectors are 128 KiB, a quarter of a usual L2.
const SLICE: usize = 16;

/// What the matrices hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operands {
    /// All 256 values of a signed byte (`imma`).
    Bytes,
    /// -255 to 255, exact in binary16 (`hmma`).
    Halves,
}

/// Which matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Operands {
    /// Values that one Philox block of 16 bytes gives.
    pub(crate) fn values_a_block(self) -> usize {
        match self {
            Self::Bytes => imma::VALUES_A_BLOCK,
            Self::Halves => hmma::VALUES_A_BLOCK,
        }
    }

    /// The Philox stream that a matrix is drawn from.
    pub(crate) fn stream(self, side: Side) -> u32 {
        match (self, side) {
            (Self::Bytes, Side::Left) => stream::LEFT,
            (Self::Bytes, Side::Right) => stream::RIGHT,
            (Self::Halves, Side::Left) => stream::HALF_LEFT,
            (Self::Halves, Side::Right) => stream::HALF_RIGHT,
        }
    }

    /// Turns a row's random bytes into its values; what lies beyond the values stays 0.
    fn widen(self, bytes: &[u8], values: &mut [i16]) {
        match self {
            Self::Bytes => imma::widen(bytes, values),
            Self::Halves => hmma::widen(bytes, values),
        }
    }
}

/// A checked shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    pub(crate) operands: Operands,
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
    pub(crate) fn band(&self, key: &Key, side: Side, band: u32) -> Band {
        let depth = self.k as usize;
        let blocks = depth.div_ceil(self.operands.values_a_block());
        let stride = depth.div_ceil(LANES);
        let rows = self.rows(band);
        let mut band = Band { values: vec![Lanes::default(); rows.len() * stride], rows: rows.len(), stride };
        let mut bytes = vec![0u8; blocks * 16];
        let mut row_values = vec![0i16; stride * LANES];
        for (at, row) in rows.enumerate() {
            let first = u64::from(row) * blocks as u64;
            philox::expand(key.words(), self.operands.stream(side), first, &mut bytes);
            self.operands.widen(&bytes, &mut row_values[..depth]);
            for (slice, values) in row_values.chunks(SLICE * LANES).enumerate() {
                let range = band.place(at, slice);
                for (lanes, values) in band.values[range].iter_mut().zip(values.as_chunks::<LANES>().0) {
                    lanes.0 = *values;
                }
            }
        }
        band
    }

    pub(crate) fn left(&self, key: &Key, band: u32) -> Band {
        self.band(key, Side::Left, band)
    }

    pub(crate) fn right(&self, key: &Key, band: u32) -> Band {
        self.band(key, Side::Right, band)
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

/// Widened values, aligned so that no load crosses a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Lanes([i16; LANES]);

/// Rows of an operand, widened to 16 bits and laid out in slices of [`SLICE`]: all rows of the first slice, then all
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
        self.stride.div_ceil(SLICE)
    }

    fn place(&self, row: usize, slice: usize) -> Range<usize> {
        let depth = (self.stride - slice * SLICE).min(SLICE);
        let from = slice * SLICE * self.rows + row * depth;
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
    if avx512::available() {
        return avx512::accumulate(left, right, slice, tile);
    }
    #[cfg(target_arch = "x86_64")]
    if philox::avx2::available() {
        return avx2::accumulate(left, right, slice, tile);
    }
    portable::accumulate(left, right, slice, tile);
}

/// Goes through a slice in blocks of R rows by C columns, what is left over one by one.
///
/// R rows stay in the first cache while all columns of the slice pass from the second.
#[cfg(target_arch = "x86_64")]
fn in_blocks<const R: usize, const C: usize>(
    left: &Band,
    right: &Band,
    slice: usize,
    tile: &mut [i32],
    (many, one): (Rows<R, C>, Rows<1, 1>),
) {
    let (rows, columns) = (left.rows, right.rows);
    for row in (0..rows).step_by(R) {
        for column in (0..columns).step_by(C) {
            if row + R <= rows && column + C <= columns {
                let a = std::array::from_fn(|i| left.row(row + i, slice));
                let b = std::array::from_fn(|j| right.row(column + j, slice));
                add(tile, columns, (row, column), &many(a, b));
                continue;
            }
            for i in row..(row + R).min(rows) {
                for j in column..(column + C).min(columns) {
                    add(tile, columns, (i, j), &one([left.row(i, slice)], [right.row(j, slice)]));
                }
            }
        }
    }
}

/// Multiplies R rows by C rows of the same length.
#[cfg(target_arch = "x86_64")]
type Rows<const R: usize, const C: usize> = fn([&[Lanes]; R], [&[Lanes]; C]) -> [[i32; C]; R];

#[cfg(target_arch = "x86_64")]
fn add<const R: usize, const C: usize>(tile: &mut [i32], columns: usize, at: (usize, usize), sums: &[[i32; C]; R]) {
    for (i, row) in sums.iter().enumerate() {
        for (j, sum) in row.iter().enumerate() {
            tile[(at.0 + i) * columns + at.1 + j] += sum;
        }
    }
}

#[cfg(test)]
mod tests;
