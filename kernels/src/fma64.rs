//! `fma64`: the fp64 rate of a card; `cpu`: the same on every advertised thread of the host.
//!
//! Chains ([`crate::chain`]) in double precision: a lane is four pairs, of Philox stream 7; the first steps fill the mantissas.
//! Which other unit could do this? Tensor fp64 units multiply
//! matrices and cannot chain one rounding after another; fp32 pairs cost more than ten operations each. Remaining
//! gain: a relay to a faster machine, since only digests move.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::chain::{self, Lanes};
use crate::key::{Digest, Key};
use crate::philox::{self, stream};

/// Pairs of a lane.
const PAIRS: usize = 4;

/// Computes the leaves of lanes of `total`, each as (key, lane), in the order given.
pub(crate) fn leaves(items: &[(Key, u32)], total: u32, steps: u32) -> Vec<Digest> {
    #[cfg(target_arch = "x86_64")]
    if avx512::available() {
        return chain::leaves(stream::CHAIN, items, (total, steps), avx512::run);
    }
    chain::leaves(stream::CHAIN, items, (total, steps), run)
}

/// Lanes that run side by side here.
pub(crate) fn together() -> usize {
    #[cfg(target_arch = "x86_64")]
    if avx512::available() {
        return avx512::LANES;
    }
    chain::TOGETHER
}

fn run(lanes: &mut Lanes<f64, PAIRS>, steps: u32) {
    #[cfg(target_arch = "x86_64")]
    if philox::avx2::available() {
        return avx2::run(lanes, steps);
    }
    chain::run_portable(lanes, steps);
}

#[cfg(test)]
mod tests;
