//! `stream`: bandwidth of a card's memory.
//!
//! All usable memory is filled with blocks; a round is one pass over all of them, in place, on top of every pass before it,
//! the warm-up first. The next pass's key is the root over this pass's accumulators, so passes cannot be fused, and a full
//! hash a pass would be hash-bound. A unit is a block; its leaf hashes the accumulator (u64, little-endian). The verifier
//! replays the drawn blocks through all passes, some 16,384 mixes each. Which other unit could do this? None moves more
//! bytes. Remaining gain: while a session is younger than about twelve passes, mixing a word anew from its fill is as fast
//! as reading it; a session of 9 s has some 180 passes, so 6 % of its time.

use crate::block;
use crate::key::{Digest, Key};
use crate::merkle;

/// Computes the leaf of a block of `total` after `passes`, which begin at the fill.
pub(crate) fn leaf(fill: &Key, unit: u32, total: u32, passes: &[Key]) -> Digest {
    merkle::unit_leaf(unit, total, &block::replayed(fill, unit.into(), passes).to_le_bytes())
}

/// Memory that is passed over: the work of `stream` on this machine.
#[derive(Debug)]
pub(crate) struct Memory {
    fill: Key,
    blocks: Vec<block::Quads>,
    /// The passes made since the fill.
    pub(crate) passes: Vec<Key>,
}

impl Memory {
    /// Fills `count` blocks.
    pub(crate) fn new(fill: Key, count: u32) -> Self {
        let mut memory = Self { fill, blocks: vec![block::Quads::new(); count as usize], passes: Vec::new() };
        memory.refill();
        memory
    }

    /// Goes back to the fill.
    pub(crate) fn refill(&mut self) {
        self.passes.clear();
        for (index, block) in (0u64..).zip(&mut self.blocks) {
            *block = block::filled(&self.fill, index);
        }
    }

    /// Makes a pass.
    pub(crate) fn pass(&mut self, key: &Key) {
        let mut new = vec![[0; 4]; crate::block::BLOCK_BYTES / 16];
        for block in &mut self.blocks {
            block::pass(key, block, &mut new);
            std::mem::swap(block, &mut new);
        }
        self.passes.push(*key);
    }

    /// Returns all leaves of the last pass.
    pub(crate) fn leaves(&self) -> Vec<Digest> {
        let total = self.blocks.len() as u32;
        let leaf = |(unit, block): (u32, &block::Quads)| {
            merkle::unit_leaf(unit, total, &block::accumulator(block).to_le_bytes())
        };
        (0..).zip(&self.blocks).map(leaf).collect()
    }
}
