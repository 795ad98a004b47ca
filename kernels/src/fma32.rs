//! `fma32`: the fp32 rate of a card.
//!
//! As [`crate::fma64`] in single precision: a lane is eight pairs; a step is x = fma(s, y, x), then y = fma(-s, x, y). Each
//! operation rounds once (IEEE 754, to nearest), nothing becomes subnormal, so it is exact on every device. A lane runs at
//! most 2^14 steps under one key: a chain of 2 * 24 bits of state could otherwise fall into a short cycle. A unit is a
//! lane; its leaf hashes the eight x and the eight y as little-endian f32 bits. First values from Philox stream 6, index =
//! lane + 2^32 pair. Which other unit could do this? Tensor cores multiply matrices and cannot round after each operation
//! of a chain; fp64 units could, at a rate that is never above that of fp32. Remaining gain: a relay to a faster card.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, counter, stream};

/// Pairs of a lane: one AVX register.
const PAIRS: usize = 8;
/// Lanes that run side by side, to hide the latency of a multiply-add.
const TOGETHER: usize = 8;

/// The state of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lane {
    x: [f32; PAIRS],
    y: [f32; PAIRS],
    s: [f32; PAIRS],
}

impl Lane {
    fn start(key: &Key, lane: u32) -> Self {
        // 23 bits fill the mantissa; exact, since both factors and the product are representable.
        let fraction = |word: u32| (word >> 9) as f32 / (1 << 23) as f32;
        let mut state = Self::default();
        for pair in 0..PAIRS {
            let index = u64::from(lane) | (pair as u64) << 32;
            let words = philox::philox(counter(index, stream::SINGLE), key.words());
            state.x[pair] = 1.0 + fraction(words[0]);
            state.y[pair] = 1.0 + fraction(words[1]);
            state.s[pair] = 0.5 + fraction(words[2]) * 0.5;
        }
        state
    }

    fn result(&self) -> [u8; 2 * PAIRS * 4] {
        let mut bytes = [0u8; 2 * PAIRS * 4];
        for (four, value) in bytes.chunks_exact_mut(4).zip(self.x.iter().chain(&self.y)) {
            four.copy_from_slice(&value.to_bits().to_le_bytes());
        }
        bytes
    }
}

/// Computes the leaves of lanes of `total`, each as (key, lane), in the order given.
pub(crate) fn leaves(items: &[(Key, u32)], total: u32, steps: u32) -> Vec<Digest> {
    let mut leaves = Vec::with_capacity(items.len());
    for group in items.chunks(TOGETHER) {
        let mut lanes = [Lane::default(); TOGETHER];
        for (lane, (key, index)) in lanes.iter_mut().zip(group) {
            *lane = Lane::start(key, *index);
        }
        run(&mut lanes, steps);
        let ended = lanes.iter().zip(group);
        leaves.extend(ended.map(|(lane, (_, index))| merkle::unit_leaf(*index, total, &lane.result())));
    }
    leaves
}

fn run(lanes: &mut [Lane; TOGETHER], steps: u32) {
    #[cfg(target_arch = "x86_64")]
    if philox::avx2::available() {
        return avx2::run(lanes, steps);
    }
    portable::run(lanes, steps);
}

#[cfg(test)]
mod tests;
