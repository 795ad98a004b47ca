//! `imma` and `hmma`: two operands are expanded from the key, then multiplied.

use super::{Launch, launch};
use crate::device::cuda::driver::Address;
use crate::key::Key;
use crate::product::{Operands, Side};

/// Rows and columns of a tile, whatever the shape.
pub(in crate::device::cuda) const TILE: u32 = 128;
/// Threads of a block of either kernel.
const THREADS: u32 = 256;
/// What one thread expands, and what a pitch is counted in.
const BLOCK_BYTES: u64 = 16;
/// A step of the product reads 128 bytes of a row, so that rows are padded to as much.
const PITCH_BLOCKS: u32 = 8;

/// A product whose tiles are [`TILE`] wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::device::cuda) struct Product {
    pub(in crate::device::cuda) operands: Operands,
    pub(in crate::device::cuda) n: u32,
    pub(in crate::device::cuda) k: u32,
}

/// Where both operands and the leaves lie.
#[derive(Clone, Copy, Debug)]
pub(in crate::device::cuda) struct Places {
    pub(in crate::device::cuda) left: Address,
    pub(in crate::device::cuda) right: Address,
    pub(in crate::device::cuda) leaves: Address,
}

impl Product {
    /// Blocks from one row to the next.
    fn pitch(&self) -> u32 {
        self.k.div_ceil(self.operands.values_a_block() as u32).next_multiple_of(PITCH_BLOCKS)
    }

    /// Rows, up to the last tile's end.
    fn rows(&self) -> u32 {
        self.n.next_multiple_of(TILE)
    }

    /// The bytes of one operand, at most 512 MiB.
    pub(in crate::device::cuda) fn operand_bytes(&self) -> u64 {
        u64::from(self.rows()) * u64::from(self.pitch()) * BLOCK_BYTES
    }

    /// A round: left, right, product.
    pub(in crate::device::cuda) fn launches(&self, key: &Key, places: Places) -> [Launch; 3] {
        let (expand, multiply) = match self.operands {
            Operands::Bytes => ("gpux_expand_i8", "gpux_imma"),
            Operands::Halves => ("gpux_expand_f16", "gpux_hmma"),
        };
        let (pitch, [k0, k1]) = (self.pitch(), key.words());
        let expanded = |side, to: Address| {
            let sizes = [self.n, self.k, pitch, self.operands.stream(side), k0, k1];
            let arguments = [to.into()].into_iter().chain(sizes.map(Into::into));
            launch(expand, [pitch.div_ceil(THREADS), self.rows()], THREADS, arguments.collect())
        };
        let Places { left, right, leaves } = places;
        let edge = self.n.div_ceil(TILE);
        let arguments = vec![left.into(), right.into(), self.n.into(), pitch.into(), leaves.into()];
        [expanded(Side::Left, left), expanded(Side::Right, right), launch(multiply, [edge, edge], THREADS, arguments)]
    }
}
