//! Products of integer matrices as an adversary has them in hand: operands, and tiles of any sum over them. Written from the
//! interface of the kernels and not from gpux-kernels, whose operands are private: a third implementation.

use gpux_kernels::{Digest, Key, Parameters, ProbeId, merkle, philox::philox, probe::Shape};

/// Streams of the operands, left and right.
const IMMA: [u32; 2] = [1, 2];
const HMMA: [u32; 2] = [3, 4];

/// One round's operands, rows along the depth.
#[derive(Debug)]
pub(super) struct Product {
    n: usize,
    k: usize,
    tile: usize,
    left: Vec<i32>,
    right: Vec<i32>,
}

impl Product {
    /// Makes the operands of a round; the shape must be a product's.
    pub(super) fn new(parameters: &Parameters, key: &Key) -> Self {
        let Shape::Product { n, k, tile } = parameters.shape else {
            return Self { n: 0, k: 0, tile: 1, left: Vec::new(), right: Vec::new() };
        };
        let streams = if parameters.probe == ProbeId::Hmma { HMMA } else { IMMA };
        let (n, k, tile) = (n as usize, k as usize, tile as usize);
        let [left, right] = streams.map(|stream| operand((n, k), key, stream, parameters.probe == ProbeId::Hmma));
        Self { n, k, tile, left, right }
    }

    pub(super) fn edge(&self) -> usize {
        self.n.div_ceil(self.tile)
    }

    pub(super) fn units(&self) -> usize {
        self.edge() * self.edge()
    }

    /// Band of rows and band of columns of a unit.
    pub(super) fn bands(&self, unit: usize) -> (usize, usize) {
        (unit / self.edge(), unit % self.edge())
    }

    pub(super) fn depth(&self) -> usize {
        self.k
    }

    /// Rows of the left operand in a unit.
    pub(super) fn lefts(&self, unit: usize) -> Vec<&[i32]> {
        self.rows(&self.left, self.bands(unit).0)
    }

    /// Rows of the right operand in a unit.
    pub(super) fn rights(&self, unit: usize) -> Vec<&[i32]> {
        self.rows(&self.right, self.bands(unit).1)
    }

    fn rows<'a>(&self, matrix: &'a [i32], band: usize) -> Vec<&'a [i32]> {
        let rows = matrix.chunks_exact(self.k.max(1));
        rows.skip(band * self.tile).take(self.tile).collect()
    }

    /// The values of a unit, each made by `sum` from a row of the left and one of the right operand.
    pub(super) fn tile(&self, unit: usize, sum: impl Fn(&[i32], &[i32]) -> i32) -> Vec<i32> {
        let (lefts, rights) = (self.lefts(unit), self.rights(unit));
        let mut values = Vec::with_capacity(lefts.len() * rights.len());
        for left in lefts {
            values.extend(rights.iter().map(|right| sum(left, right)));
        }
        values
    }

    /// The leaf of a unit with these values.
    pub(super) fn leaf(&self, unit: usize, values: &[i32]) -> Digest {
        let bytes: Vec<u8> = values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect();
        merkle::unit_leaf(unit as u32, self.units() as u32, &bytes)
    }
}

/// The honest sum.
pub(super) fn dot(left: &[i32], right: &[i32]) -> i32 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

fn operand((n, k): (usize, usize), key: &Key, stream: u32, halves: bool) -> Vec<i32> {
    let word = |at: usize| {
        let bytes = key.as_bytes();
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let values_a_block = if halves { 8 } else { 16 };
    let blocks = k.div_ceil(values_a_block);
    let mut values = Vec::with_capacity(n * k);
    for row in 0..n {
        let of_block = |block: usize| {
            let index = (row * blocks + block) as u64;
            philox([index as u32, (index >> 32) as u32, stream, 0], [word(0), word(4)])
        };
        let bytes = (0..blocks).flat_map(of_block).flat_map(u32::to_le_bytes);
        if halves {
            let bytes: Vec<u8> = bytes.collect();
            let half = |two: &[u8; 2]| ((u32::from(u16::from_le_bytes(*two)) * 511) >> 16) as i32 - 255;
            values.extend(bytes.as_chunks::<2>().0.iter().take(k).map(half));
        } else {
            values.extend(bytes.take(k).map(|byte| i32::from(byte as i8)));
        }
    }
    values
}
