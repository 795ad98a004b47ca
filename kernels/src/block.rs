//! Blocks of 64 KiB: what `stream` passes over and what `link` sends.
//!
//! A block is filled by Philox (stream 14, counter = block * 4,096 + 16-byte quad) under the fill key. A pass replaces each
//! word: quad q takes the words of quad q + turn (mod 4,096), each is mixed with the pass's key and its own place, and the
//! block's accumulator sums all new words with odd weights. Integer only; every word moves the accumulator, and a pass's
//! words follow from all passes before it, so that nothing short of p mixes a word yields pass p without memory.

use crate::key::Key;
use crate::philox::{self, stream};

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 64 << 10;
const QUADS: usize = BLOCK_BYTES / 16;
/// 2^32 divided by the golden ratio: places apart stay apart.
const PLACE: u32 = 0x9E37_79B9;

/// A block's words, by quad.
pub(crate) type Quads = Vec<[u32; 4]>;

/// Fills a block.
pub(crate) fn filled(fill: &Key, block: u64) -> Quads {
    let mut bytes = vec![0u8; BLOCK_BYTES];
    philox::expand(fill.words(), stream::BLOCK, block * QUADS as u64, &mut bytes);
    let words = |quad: &[u8; 16]| -> [u32; 4] {
        std::array::from_fn(|word| {
            let at = word * 4;
            u32::from_le_bytes([quad[at], quad[at + 1], quad[at + 2], quad[at + 3]])
        })
    };
    bytes.as_chunks::<16>().0.iter().map(words).collect()
}

/// The finaliser of MurmurHash3 (Appleby, public domain): every bit of the word moves every bit of the result.
fn mix(mut word: u32) -> u32 {
    word = (word ^ (word >> 16)).wrapping_mul(0x85EB_CA6B);
    word = (word ^ (word >> 13)).wrapping_mul(0xC2B2_AE35);
    word ^ (word >> 16)
}

/// Passes over a block: from `old` into `new`, both of [`QUADS`] quads.
pub(crate) fn pass(key: &Key, old: &[[u32; 4]], new: &mut [[u32; 4]]) {
    let keys = key.quad();
    let turn = keys[0] as usize % QUADS;
    let (before, after) = old.split_at(turn);
    let turned = after.iter().chain(before);
    for ((quad, new), old) in (0u32..).zip(new).zip(turned) {
        for (word, value) in (0u32..).zip(new.iter_mut()) {
            let place = (4 * quad + word).wrapping_mul(PLACE);
            *value = mix((old[word as usize] ^ keys[word as usize]).wrapping_add(place));
        }
    }
}

/// Sums a block's words with odd weights: any word that differs moves the sum.
pub(crate) fn accumulator(quads: &[[u32; 4]]) -> u64 {
    let words = (0u64..).zip(quads.as_flattened());
    words.fold(0u64, |sum, (place, word)| sum.wrapping_add(u64::from(*word).wrapping_mul(2 * place + 1)))
}

/// Recomputes a block's accumulator after all of `passes`, which begin at the fill.
pub(crate) fn replayed(fill: &Key, block: u64, passes: &[Key]) -> u64 {
    let mut quads = filled(fill, block);
    let mut other = vec![[0; 4]; QUADS];
    for key in passes {
        pass(key, &quads, &mut other);
        std::mem::swap(&mut quads, &mut other);
    }
    accumulator(&quads)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_pass_follows_its_definition(seed: [u8; 32], block in 0u64..1 << 40) {
            let (fill, key) = (Key::fill(&seed, 0), Key::first(&seed, 1));
            let old = filled(&fill, block);
            let mut new = vec![[0; 4]; QUADS];
            pass(&key, &old, &mut new);
            let [k0, k1, k2, k3] = key.quad();
            let mut sum = 0u64;
            for j in 0..4 * QUADS {
                let (quad, word) = (j / 4, j % 4);
                let from = old[(quad + (k0 % 4_096) as usize) % 4_096][word];
                let value = mix((from ^ [k0, k1, k2, k3][word]).wrapping_add((j as u32).wrapping_mul(PLACE)));
                prop_assert_eq!(new[quad][word], value);
                sum = sum.wrapping_add(u64::from(value).wrapping_mul(2 * j as u64 + 1));
            }
            prop_assert_eq!(accumulator(&new), sum);
            prop_assert_eq!(replayed(&fill, block, &[key]), sum);
        }
    }

    #[test]
    fn order_of_passes_and_every_word_matter() {
        let fill = Key::fill(&[1; 32], 0);
        let (one, other) = (Key::first(&[2; 32], 0), Key::first(&[3; 32], 0));
        assert_ne!(replayed(&fill, 5, &[one, other]), replayed(&fill, 5, &[other, one]));
        assert_ne!(replayed(&fill, 5, &[one]), replayed(&fill, 6, &[one]));
        let mut quads = filled(&fill, 0);
        let sum = accumulator(&quads);
        for quad in [0, 1, QUADS - 1] {
            quads[quad][3] ^= 1 << 31;
            assert_ne!(accumulator(&quads), sum);
            quads[quad][3] ^= 1 << 31;
        }
    }

    #[test]
    fn the_mixer_is_murmurs() {
        // fmix32 of the public reference: 0 is its fixed point, 1 gives 0x514E28B7.
        assert_eq!((mix(0), mix(1)), (0, 0x514E_28B7));
    }
}
