//! `stream` and `link`: passes over blocks of 64 KiB, a block of threads each, and the trips of `link`.

use super::{Launch, launch};
use crate::device::cuda::chunks::{Piece, Table};
use crate::device::cuda::driver::{Address, Argument};
use crate::key::Key;

const THREADS: u32 = 256;

fn with_key(mut arguments: Vec<Argument>, key: &Key, leaves: Address) -> Vec<Argument> {
    arguments.extend(key.quad().map(Argument::U32));
    arguments.push(leaves.into());
    arguments
}

/// Fills a piece.
pub(in crate::device::cuda) fn fill(table: Table, piece: Piece, key: &Key) -> Launch {
    let [k0, k1] = key.words();
    let arguments = vec![table.address.into(), table.shift.into(), piece.first.into(), k0.into(), k1.into()];
    // A piece has at most 2^14 blocks.
    launch("gpux_block_fill", [piece.count as u32, 1], THREADS, arguments)
}

/// A pass in place over all blocks.
pub(in crate::device::cuda) fn pass(table: Table, blocks: u32, key: &Key, leaves: Address) -> Launch {
    let arguments = vec![table.address.into(), table.shift.into(), blocks.into()];
    launch("gpux_stream", [blocks, 1], THREADS, with_key(arguments, key, leaves))
}

/// A pass from one buffer to another; the leaf after the last block's is for the trips.
pub(in crate::device::cuda) fn link((from, to): (Address, Address), blocks: u32, key: &Key, leaves: Address) -> Launch {
    let arguments = vec![from.into(), to.into(), blocks.into(), (blocks + 1).into()];
    launch("gpux_link", [blocks, 1], THREADS, with_key(arguments, key, leaves))
}

/// The card's end of a trip.
pub(in crate::device::cuda) fn trip(state: Address) -> Launch {
    launch("gpux_trip", [1, 1], 1, vec![state.into()])
}
