//! The plainest walk over memory that we can write: what `ram` is compared with.
//!
//! Lines of 64 bytes, each read at a place that hangs on the line before, eight walks side by side as in the probe. One
//! multiplication and one addition a read, and nothing else.

use std::hint::black_box;

/// Walks side by side in one thread, as many as the probe's.
const WALKS: usize = crate::vram::TOGETHER;
/// Knuth's multiplier (MMIX): the high bits of the state choose the next line.
const FACTOR: u64 = 6_364_136_223_846_793_005;

/// Memory to walk over.
pub(super) struct Lines(Vec<[u64; 8]>);

impl Lines {
    /// Takes so many bytes, and writes each of them.
    pub(super) fn new(bytes: u64) -> Self {
        let mut lines = vec![[0; 8]; (bytes / 64) as usize];
        for (number, line) in (0u64..).zip(&mut lines) {
            *line = [number; 8];
        }
        Self(lines)
    }

    /// Walks so many reads a walk on the calling thread.
    pub(super) fn walk(&self, seed: u64, reads: u32) {
        let lines = self.0.as_slice();
        let count = lines.len() as u128;
        let mut states: [u64; WALKS] = std::array::from_fn(|walk| (seed + walk as u64).wrapping_mul(FACTOR));
        for _ in 0..reads {
            for state in &mut states {
                let at = ((u128::from(*state) * count) >> 64) as usize;
                *state = state.wrapping_mul(FACTOR).wrapping_add(lines[at][0]).rotate_left(17);
            }
        }
        black_box(states);
    }
}
