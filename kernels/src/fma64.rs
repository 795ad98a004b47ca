//! `fma64`: the fp64 rate of a card; `cpu`: the same on every advertised thread of the host.
//!
//! A lane is four pairs; a step is x = fma(s, y, x), then y = fma(-s, x, y), which turns (x, y) on an ellipse:
//! nothing overflows, vanishes or becomes subnormal, every mantissa bit is used, and IEEE round-to-nearest makes it
//! exact everywhere. A unit is a lane; its leaf hashes x and y of the four pairs as little-endian f64 bits. First
//! values from Philox stream 7, index = lane + 2^32 pair. Which other unit could do this? Tensor fp64 units multiply
//! matrices and cannot chain one rounding after another; fp32 pairs cost more than ten operations each. Remaining
//! gain: a relay to a faster machine, since only digests move.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, counter, stream};

/// Pairs of a lane.
const PAIRS: usize = 4;
/// Lanes that run side by side: 8 * 2 dependent multiply-adds hide a latency of 4 at two a cycle.
const TOGETHER: usize = 8;

/// The state of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lane {
    x: [f64; PAIRS],
    y: [f64; PAIRS],
    s: [f64; PAIRS],
}

impl Lane {
    fn start(key: &Key, lane: u32) -> Self {
        // 23 bits of mantissa, as in single precision: the first steps fill the rest.
        let fraction = |word: u32| f64::from(word >> 9) / f64::from(1 << 23);
        let mut state = Self::default();
        for pair in 0..PAIRS {
            let index = u64::from(lane) | (pair as u64) << 32;
            let words = philox::philox(counter(index, stream::CHAIN), key.words());
            state.x[pair] = 1.0 + fraction(words[0]);
            state.y[pair] = 1.0 + fraction(words[1]);
            state.s[pair] = 0.5 + fraction(words[2]) * 0.5;
        }
        state
    }

    fn result(&self) -> [u8; 2 * PAIRS * 8] {
        let mut bytes = [0u8; 2 * PAIRS * 8];
        for (eight, value) in bytes.chunks_exact_mut(8).zip(self.x.iter().chain(&self.y)) {
            eight.copy_from_slice(&value.to_bits().to_le_bytes());
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
        leaves
            .extend(lanes.iter().zip(group).map(|(lane, (_, index))| merkle::unit_leaf(*index, total, &lane.result())));
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
