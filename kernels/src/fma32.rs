//! `fma32`: the fp32 rate of a card.
//!
//! Chains ([`crate::chain`]) in single precision: a lane is eight pairs, of Philox stream 6. A lane runs at most 2^14 steps
//! under one key: a chain of 2 * 24 bits of state could otherwise fall into a short cycle. Which other unit could do this? Tensor cores multiply matrices and cannot round after each operation
//! of a chain; fp64 units could, at a rate that is never above that of fp32. Remaining gain: a relay to a faster card.

#[cfg(target_arch = "x86_64")]
mod avx2;

use crate::chain::{self, Lanes};
use crate::key::{Digest, Key};
use crate::philox::{self, stream};

/// Pairs of a lane.
const PAIRS: usize = 8;

/// Computes the leaves of lanes of `total`, each as (key, lane), in the order given.
pub(crate) fn leaves(items: &[(Key, u32)], total: u32, steps: u32) -> Vec<Digest> {
    chain::leaves(stream::SINGLE, items, (total, steps), run)
}

fn run(lanes: &mut Lanes<f32, PAIRS>, steps: u32) {
    #[cfg(target_arch = "x86_64")]
    if philox::avx2::available() {
        return avx2::run(lanes, steps);
    }
    chain::run_portable(lanes, steps);
}

#[cfg(test)]
mod tests;
