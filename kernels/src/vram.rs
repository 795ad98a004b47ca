//! `vram`: size and residency of a card's memory; `ram`: the same of the host's.
//!
//! All usable memory is filled with 64-byte cells, each the last four of `hard` sequential Philox calls (stream 11,
//! under the device's fill key). Walkers then read cells one after another, each address depending on all bytes of
//! the cell before. A unit is a walker's segment of `steps` reads; its leaf hashes the end state (u64,
//! little-endian). The verifier recomputes the cells that were read, one by one, so it checks memory of any size
//! without holding any.
//!
//! x = min(size over claimed size, walk rate over expected rate). Few walkers, so that the walk is bound by the latency
//! of a read, which is about the same for on-card memory of every model: a 3060 sold as a 3090 shows 12/24 GB = 0.5
//! and not the ratio of their bandwidths. What is not resident shows in the rate: a cell recomputed costs about ten
//! reads, one fetched from the host about three.
//! Which other unit could do this? None: the walk is dependent. Remaining gain: up to 3 % of the fill recomputed.

pub(crate) mod ahead;
#[cfg(target_arch = "x86_64")]
mod avx2;

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, counter, stream};

/// Bytes of a cell.
pub(crate) const CELL_BYTES: usize = 64;
/// Walks that run side by side in one thread.
pub(crate) const TOGETHER: usize = 8;
/// Groups of them that take turns, so that a cell which one announces has come when it is that group's turn again.
const GROUPS: usize = 4;
/// Walks that one thread holds at once.
pub(crate) const ABREAST: usize = GROUPS * TOGETHER;

/// A cell's words.
pub(crate) type Cell = [u32; 16];

/// How cells are filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) key: Key,
    pub(crate) hard: u32,
    /// Cells that the device says it holds; at least 1.
    pub(crate) cells: u64,
}

impl Fill {
    /// Computes a cell.
    pub(crate) fn cell(&self, index: u64) -> Cell {
        let mut cell = Cell::default();
        let mut block = counter(index, stream::CELL);
        for call in 0..self.hard {
            block = philox::philox(block, self.key.words());
            let left = self.hard - 1 - call;
            if left < 4 {
                let at = (3 - left as usize) * 4;
                cell[at..at + 4].copy_from_slice(&block);
            }
        }
        cell
    }

    /// Computes eight cells side by side.
    pub(crate) fn cells_together(&self, indices: &[u64; TOGETHER]) -> [Cell; TOGETHER] {
        #[cfg(target_arch = "x86_64")]
        if philox::avx2::available() {
            return avx2::cells(self, indices);
        }
        indices.map(|index| self.cell(index))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Maps a state to a cell's index, uniformly.
fn index(state: u64, cells: u64) -> u64 {
    ((u128::from(state) * u128::from(cells)) >> 64) as u64
}

/// Walks on: every bit of the cell enters the state.
fn step(state: u64, cell: &Cell) -> u64 {
    let folded = cell.chunks_exact(2).fold(0u64, |folded, pair| {
        (folded ^ (u64::from(pair[1]) << 32 | u64::from(pair[0]))).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    mix(state.wrapping_add(folded))
}

fn start(key: &Key, walker: u32) -> u64 {
    let words = philox::philox(counter(u64::from(walker), stream::WALKER), key.words());
    u64::from(words[1]) << 32 | u64::from(words[0])
}

/// Where a walk reads.
pub(crate) trait Source {
    /// Walks on with each of eight walks over `cells`.
    fn walk_on(&self, states: &mut [u64; TOGETHER], cells: u64);
}

impl Source for Fill {
    fn walk_on(&self, states: &mut [u64; TOGETHER], cells: u64) {
        let read = self.cells_together(&states.map(|state| index(state, cells)));
        for (state, cell) in states.iter_mut().zip(&read) {
            *state = step(*state, cell);
        }
    }
}

/// A cell as it lies in memory: on one cache line, and not across two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Held(pub(crate) Cell);

/// Memory that is filled, in whole or in part; what it does not hold it recomputes.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) fill: Fill,
    pub(crate) held: Vec<Held>,
}

impl Source for Memory {
    fn walk_on(&self, states: &mut [u64; TOGETHER], cells: u64) {
        for state in states {
            let at = index(*state, cells);
            *state = match self.held.get(at as usize) {
                Some(Held(cell)) => step(*state, cell),
                None => step(*state, &self.fill.cell(at)),
            };
            // Folding a cell takes about as long as reading one: while the other walks fold theirs, this one's next cell comes.
            if let Some(Held(next)) = self.held.get(index(*state, cells) as usize) {
                ahead::announce(next);
            }
        }
    }
}

/// Fills a part of memory that begins at cell `first`.
pub(crate) fn fill(fill: &Fill, first: u64, part: &mut [Held]) {
    for (group, chunk) in (0u64..).zip(part.chunks_mut(TOGETHER)) {
        let from = first + group * TOGETHER as u64;
        let cells = fill.cells_together(&std::array::from_fn(|lane| from + lane as u64));
        for (held, cell) in chunk.iter_mut().zip(cells) {
            *held = Held(cell);
        }
    }
}

/// Computes the leaves of segments of `total` walkers, each as (key, walker), in the order given.
pub(crate) fn leaves(source: &impl Source, cells: u64, items: &[(Key, u32)], walk: (u32, u32)) -> Vec<Digest> {
    let (total, steps) = walk;
    let mut leaves = Vec::with_capacity(items.len());
    for group in items.chunks(ABREAST) {
        // Lanes without a walker repeat the first one: they read the same cells and touch no other memory.
        let mut states = [[group.first().map_or(0, |(key, walker)| start(key, *walker)); TOGETHER]; GROUPS];
        for (state, (key, walker)) in states.as_flattened_mut().iter_mut().zip(group) {
            *state = start(key, *walker);
        }
        let states = &mut states[..group.len().div_ceil(TOGETHER)];
        for _ in 0..steps {
            for states in &mut *states {
                source.walk_on(states, cells);
            }
        }
        let ends = states.as_flattened().iter().zip(group);
        leaves.extend(ends.map(|(state, (_, walker))| merkle::unit_leaf(*walker, total, &state.to_le_bytes())));
    }
    leaves
}

#[cfg(test)]
mod tests;
