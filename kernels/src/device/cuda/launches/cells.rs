//! `vram`: memory is filled with cells once, then every round walks over all of it.

use super::{Launch, launch};
use crate::device::cuda::chunks::{Piece, Table};
use crate::device::cuda::driver::Address;
use crate::key::Key;

const FILL_THREADS: u32 = 256;
/// A warp: walks wait for memory and not for each other.
const WALK_THREADS: u32 = 32;

/// Fills a piece.
pub(in crate::device::cuda) fn fill(table: Table, piece: Piece, hard: u32, key: &Key) -> Launch {
    let [k0, k1] = key.words();
    let arguments = vec![
        table.address.into(),
        table.shift.into(),
        piece.first.into(),
        piece.count.into(),
        hard.into(),
        k0.into(),
        k1.into(),
    ];
    // A piece has at most 2^24 cells.
    launch("gpux_fill", [piece.count.div_ceil(FILL_THREADS.into()) as u32, 1], FILL_THREADS, arguments)
}

/// A walk over all cells.
#[derive(Clone, Copy, Debug)]
pub(in crate::device::cuda) struct Walk {
    pub(in crate::device::cuda) cells: u64,
    pub(in crate::device::cuda) walkers: u32,
    pub(in crate::device::cuda) steps: u32,
}

impl Walk {
    /// A round.
    pub(in crate::device::cuda) fn round(&self, table: Table, key: &Key, leaves: Address) -> Launch {
        let [k0, k1] = key.words();
        let arguments = vec![
            table.address.into(),
            table.shift.into(),
            self.cells.into(),
            self.walkers.into(),
            self.steps.into(),
            k0.into(),
            k1.into(),
            leaves.into(),
        ];
        launch("gpux_walk", [self.walkers.div_ceil(WALK_THREADS), 1], WALK_THREADS, arguments)
    }
}
