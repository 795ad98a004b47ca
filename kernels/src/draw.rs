//! Which units of a session are opened.
//!
//! `BLAKE3-derive("gpux/draw/1", s ‖ head after ROOT)` read as an endless stream of little-endian u64 u; each gives
//! `floor(u * N / 2^64)`; repeats are skipped. The fisher is bound to s by HELLO and the node to its head by its
//! signature, so neither side chooses the set. The bias of the map is below N / 2^64.

use std::collections::HashSet;

use crate::key::Digest;

/// The most units that a session opens; bounds the verifier's work.
pub const DRAWN_MAX: u32 = 256;

/// Draws `count` different units of `n` (all of them, in order, when `count >= n`; at most [`DRAWN_MAX`]).
pub fn draw(secret: &[u8; 32], head_after_root: &Digest, n: u64, count: u32) -> Vec<u64> {
    let count = u64::from(count.min(DRAWN_MAX));
    if count >= n {
        return (0..n).collect();
    }
    let mut hasher = blake3::Hasher::new_derive_key("gpux/draw/1");
    hasher.update(secret).update(head_after_root);
    let mut stream = hasher.finalize_xof();
    let mut seen = HashSet::new();
    let mut drawn = Vec::with_capacity(count as usize);
    // count < n, so a new unit comes with probability at least 1 / n a turn and the loop ends: at most DRAWN_MAX units
    // are asked for, and n > 256 or a coupon collector's n ln n turns are needed.
    while (drawn.len() as u64) < count {
        let mut word = [0u8; 8];
        stream.fill(&mut word);
        let unit = ((u128::from(u64::from_le_bytes(word)) * u128::from(n)) >> 64) as u64;
        if seen.insert(unit) {
            drawn.push(unit);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn drawn_units_are_different_in_range_and_as_many_as_asked(secret: [u8; 32], head: [u8; 32], n in 0u64..5_000, count in 0u32..300) {
            let drawn = draw(&secret, &head, n, count);
            let distinct: HashSet<_> = drawn.iter().collect();
            prop_assert_eq!(drawn.len() as u64, n.min(u64::from(count.min(DRAWN_MAX))));
            prop_assert_eq!(distinct.len(), drawn.len());
            prop_assert!(drawn.iter().all(|unit| *unit < n));
        }
    }

    #[test]
    fn draw_is_uniform_over_the_units() {
        // 16 cells, 16,000 draws: chi-square with 15 degrees of freedom stays below 44.3 (p = 1e-4).
        let mut cells = [0u32; 16];
        for turn in 0u32..4_000 {
            let mut secret = [0u8; 32];
            secret[..4].copy_from_slice(&turn.to_le_bytes());
            for unit in draw(&secret, &[7; 32], 1 << 20, 4) {
                cells[(unit >> 16) as usize] += 1;
            }
        }
        let chi: f64 = cells.iter().map(|&seen| (f64::from(seen) - 1_000.0).powi(2) / 1_000.0).sum();
        assert!(chi < 44.3, "chi-square {chi}");
    }

    #[test]
    fn secret_and_head_both_move_the_draw() {
        let base = draw(&[1; 32], &[2; 32], 1 << 40, 8);
        assert_ne!(base, draw(&[3; 32], &[2; 32], 1 << 40, 8));
        assert_ne!(base, draw(&[1; 32], &[3; 32], 1 << 40, 8));
        assert_eq!(base, draw(&[1; 32], &[2; 32], 1 << 40, 8));
    }
}
