//! The tree over a round's leaves: each launch reduces runs of 512 nodes to one each, until one is left.

use super::{Launch, launch};
use crate::device::cuda::driver::Address;

pub(super) const KERNEL: &str = "gpux_tree";
/// Nodes that a block reduces to one, two a thread.
const NODES: u32 = 512;
/// Bytes of a node.
pub(in crate::device::cuda) const NODE_BYTES: u64 = 32;

/// Counts of nodes after each launch.
fn levels(leaves: u32) -> impl Iterator<Item = u32> {
    let above = |count: &u32| (*count > 1).then(|| count.div_ceil(NODES));
    std::iter::successors(above(&leaves), above)
}

/// The bytes that all levels above the leaves take.
pub(in crate::device::cuda) fn nodes_bytes(leaves: u32) -> u64 {
    levels(leaves).map(u64::from).sum::<u64>() * NODE_BYTES
}

/// Returns the launches and where they leave the top: the leaf itself where there is only one.
pub(in crate::device::cuda) fn reduction(leaves: Address, count: u32, nodes: Address) -> (Vec<Launch>, Address) {
    let (mut from, mut below, mut to) = (leaves, count, nodes);
    let mut launches = Vec::new();
    for above in levels(count) {
        launches.push(launch(KERNEL, [above, 1], NODES / 2, vec![from.into(), below.into(), to.into()]));
        (from, below, to) = (to, above, to.plus(u64::from(above) * NODE_BYTES));
    }
    (launches, from)
}
