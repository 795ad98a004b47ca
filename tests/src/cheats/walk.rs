//! Walks over memory as an adversary makes them: any map of addresses, any part of a cell. Written from the definition of
//! `vram` (kernels/src/vram.rs), whose inside is private.

use gpux_kernels::{Digest, Key, merkle, philox::philox, probe::Shape};

use super::{prover::Round, worker::Work};

/// Streams of cells and of walkers' first states.
const CELL: u32 = 11;
const WALKER: u32 = 12;
/// Bytes of a cell.
pub(super) const CELL_BYTES: usize = 64;

/// One round of walks.
#[derive(Debug)]
pub(super) struct Walk {
    fill: Key,
    key: Key,
    pub(super) cells: u64,
    walkers: u32,
    steps: u32,
    hard: u32,
}

impl Walk {
    /// The walks of a round; the shape must be a walk's.
    pub(super) fn new(work: &Work, round: &Round) -> Self {
        let fill = Key::fill(&work.seed, round.device);
        let cells = work.cells[round.device as usize];
        let Shape::Walk { walkers, steps, hard, .. } = work.parameters.shape else {
            return Self { fill, key: round.key, cells, walkers: 0, steps: 0, hard: 0 };
        };
        Self { fill, key: round.key, cells, walkers, steps, hard }
    }

    /// The leaves of all walkers, who read the cell `at(index)` and fold its first `bytes` bytes.
    pub(super) fn leaves(&self, at: impl Fn(u64) -> u64, bytes: usize) -> Vec<Digest> {
        let walk = |walker| {
            let words = block(&self.key, u64::from(walker), WALKER);
            let mut state = u64::from(words[1]) << 32 | u64::from(words[0]);
            for _ in 0..self.steps {
                let index = ((u128::from(state) * u128::from(self.cells)) >> 64) as u64;
                state = step(state, &self.cell(at(index))[..bytes / 4]);
            }
            merkle::unit_leaf(walker, self.walkers, &state.to_le_bytes())
        };
        (0..self.walkers).map(walk).collect()
    }

    fn cell(&self, index: u64) -> [u32; CELL_BYTES / 4] {
        let mut cell = [0; CELL_BYTES / 4];
        let mut words = [index as u32, (index >> 32) as u32, CELL, 0];
        for call in 0..self.hard {
            words = philox(words, words_of(&self.fill));
            let left = (self.hard - 1 - call) as usize;
            if left < 4 {
                cell[(3 - left) * 4..(4 - left) * 4].copy_from_slice(&words);
            }
        }
        cell
    }
}

fn words_of(key: &Key) -> [u32; 2] {
    let (words, _) = key.as_bytes().as_chunks::<4>();
    [u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])]
}

fn block(key: &Key, index: u64, stream: u32) -> [u32; 4] {
    philox([index as u32, (index >> 32) as u32, stream, 0], words_of(key))
}

fn step(state: u64, words: &[u32]) -> u64 {
    let folded = words.chunks_exact(2).fold(0u64, |folded, pair| {
        (folded ^ (u64::from(pair[1]) << 32 | u64::from(pair[0]))).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    // SplitMix64's finaliser.
    let mut z = state.wrapping_add(folded);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cheats::{
        prover::Prover,
        stage::{Claim, Stage},
    };

    /// Walks as the cheats do, without cheating.
    struct Own;

    impl Prover for Own {
        fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
            Walk::new(work, round).leaves(|index| index, CELL_BYTES)
        }
    }

    #[test]
    fn the_adversarys_own_walk_is_right_where_it_does_not_cheat() {
        let played = Stage::new(Claim::of(gpux_kernels::ProbeId::Vram)).unwrap().play(&[1; 32], Own);
        assert!(played.passed, "{played:?}");
    }
}
