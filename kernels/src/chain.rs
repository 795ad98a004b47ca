//! Lanes of fused multiply-add chains: what `fma32` and `fma64` have in common.
//!
//! A lane is some pairs (x, y) with a factor s each; a step is x = fma(s, y, x), then y = fma(-s, x, y), which turns (x, y) on
//! an ellipse: nothing overflows, vanishes or becomes subnormal, and each operation rounds once (IEEE 754, to nearest).
//! First values have 23 random bits of mantissa, index = lane + 2^32 pair of the probe's Philox stream. A unit is a lane;
//! its leaf hashes all x, then all y, as little-endian bits.

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{counter, philox};

/// Lanes that run side by side in one thread, unless a form says otherwise: enough independent chains to hide a multiply-add's
/// latency in registers of any width.
pub(crate) const TOGETHER: usize = 16;

/// A precision.
pub(crate) trait Real: Copy + Default + std::ops::Neg<Output = Self> {
    /// 1 + word / 2^32 by the word's upper 23 bits, which single precision holds exactly.
    fn between_one_and_two(word: u32) -> Self;
    /// Half of it, exactly.
    fn halved(self) -> Self;
    /// self * factor + term, rounded once, in hardware or not.
    fn fused(self, factor: Self, term: Self) -> Self;
    /// Appends the bits, little-endian.
    fn write(self, bytes: &mut Vec<u8>);
}

macro_rules! real {
    ($real:ty) => {
        impl Real for $real {
            fn between_one_and_two(word: u32) -> Self {
                1.0 + (word >> 9) as Self / (1 << 23) as Self
            }

            fn halved(self) -> Self {
                self * 0.5
            }

            fn fused(self, factor: Self, term: Self) -> Self {
                self.mul_add(factor, term)
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_bits().to_le_bytes());
            }
        }
    };
}

real!(f32);
real!(f64);

/// The state of one lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lane<F, const PAIRS: usize> {
    pub(crate) x: [F; PAIRS],
    pub(crate) y: [F; PAIRS],
    pub(crate) s: [F; PAIRS],
}

impl<F: Real, const PAIRS: usize> Default for Lane<F, PAIRS> {
    fn default() -> Self {
        let none = [F::default(); PAIRS];
        Self { x: none, y: none, s: none }
    }
}

impl<F: Real, const PAIRS: usize> Lane<F, PAIRS> {
    /// The first state; s lies between one half and one.
    pub(crate) fn start(key: &Key, stream: u32, lane: u32) -> Self {
        let mut state = Self::default();
        for pair in 0..PAIRS {
            let index = u64::from(lane) | (pair as u64) << 32;
            let [x, y, s, _] = philox(counter(index, stream), key.words()).map(F::between_one_and_two);
            (state.x[pair], state.y[pair], state.s[pair]) = (x, y, s.halved());
        }
        state
    }

    /// What the leaf hashes.
    pub(crate) fn result(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size_of_val(&self.x) + size_of_val(&self.y));
        self.x.iter().chain(&self.y).for_each(|value| value.write(&mut bytes));
        bytes
    }
}

/// Lanes that run side by side.
pub(crate) type Lanes<F, const PAIRS: usize, const LANES: usize = TOGETHER> = [Lane<F, PAIRS>; LANES];

/// The reference of the chains: plain loops, which every other form must equal.
pub(crate) fn run_portable<F: Real, const PAIRS: usize>(lanes: &mut [Lane<F, PAIRS>], steps: u32) {
    for lane in lanes {
        for _ in 0..steps {
            for ((x, y), s) in lane.x.iter_mut().zip(&mut lane.y).zip(&lane.s) {
                *x = s.fused(*y, *x);
                *y = (-*s).fused(*x, *y);
            }
        }
    }
}

/// Computes the leaves of lanes of `total`, each as (key, lane), in the order given, with `run` for the steps.
pub(crate) fn leaves<F: Real, const PAIRS: usize, const LANES: usize>(
    stream: u32,
    items: &[(Key, u32)],
    (total, steps): (u32, u32),
    run: fn(&mut Lanes<F, PAIRS, LANES>, u32),
) -> Vec<Digest> {
    let mut leaves = Vec::with_capacity(items.len());
    for group in items.chunks(LANES) {
        let mut lanes = [Lane::default(); LANES];
        for (lane, (key, index)) in lanes.iter_mut().zip(group) {
            *lane = Lane::start(key, stream, *index);
        }
        run(&mut lanes, steps);
        let ended = lanes.iter().zip(group);
        leaves.extend(ended.map(|(lane, (_, index))| merkle::unit_leaf(*index, total, &lane.result())));
    }
    leaves
}

#[cfg(test)]
pub(crate) mod tests;
