//! `dp4a`: the int8 rate of CUDA cores, for cards without tensor cores.
//!
//! A lane is four groups of four words a, b, c, d; a step is, for each group, c += a·b, d += b·c, a += c·d, b += d·a, where ·
//! is the sum of the four products of signed bytes and words wrap: exact everywhere, and each line can be undone, so that
//! no state is lost. A unit is a lane; its leaf hashes the sixteen words, group by group, little-endian. First values from
//! Philox stream 13, index = lane + 2^32 group. Which other unit could do this? Tensor cores multiply matrices and cannot
//! chain; the fp32 units need four multiply-adds and the unpacking of bytes for each instruction. Remaining gain: a relay.

use crate::key::{Digest, Key};
use crate::merkle;
use crate::philox::{self, counter, stream};

const GROUPS: usize = 4;
/// Lanes that run side by side: wide enough for the compiler's vectors.
const TOGETHER: usize = 8;
const CHAINS: usize = GROUPS * TOGETHER;

/// One word of every chain that runs side by side, chain = lane * GROUPS + group.
type Words = [u32; CHAINS];

/// sum + the products of the four signed bytes, wrapping.
fn dot(a: u32, b: u32, sum: u32) -> u32 {
    let signed = |word: u32, byte: u32| ((word << (24 - 8 * byte)) as i32) >> 24;
    // Four products of at most 2^14 stay far below 2^31; only the last addition may wrap.
    let products = signed(a, 0) * signed(b, 0)
        + signed(a, 1) * signed(b, 1)
        + signed(a, 2) * signed(b, 2)
        + signed(a, 3) * signed(b, 3);
    sum.wrapping_add(products as u32)
}

fn add_dots(a: &Words, b: &Words, sum: &mut Words) {
    for chain in 0..CHAINS {
        sum[chain] = dot(a[chain], b[chain], sum[chain]);
    }
}

/// Computes the leaves of lanes of `total`, each as (key, lane), in the order given.
pub(crate) fn leaves(items: &[(Key, u32)], total: u32, steps: u32) -> Vec<Digest> {
    let mut leaves = Vec::with_capacity(items.len());
    for group in items.chunks(TOGETHER) {
        let [mut a, mut b, mut c, mut d] = start(group);
        for _ in 0..steps {
            add_dots(&a, &b, &mut c);
            add_dots(&b, &c, &mut d);
            add_dots(&c, &d, &mut a);
            add_dots(&d, &a, &mut b);
        }
        for (lane, (_, index)) in group.iter().enumerate() {
            let chains = lane * GROUPS..(lane + 1) * GROUPS;
            let words = chains.flat_map(|chain| [a[chain], b[chain], c[chain], d[chain]]);
            let result: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
            leaves.push(merkle::unit_leaf(*index, total, &result));
        }
    }
    leaves
}

fn start(items: &[(Key, u32)]) -> [Words; 4] {
    let mut words = [[0; CHAINS]; 4];
    for (lane, (key, index)) in items.iter().enumerate() {
        for group in 0..GROUPS {
            let index = u64::from(*index) | (group as u64) << 32;
            let block = philox::philox(counter(index, stream::DOT), key.words());
            for (word, value) in words.iter_mut().zip(block) {
                word[lane * GROUPS + group] = value;
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_dot_is_the_sum_of_signed_products(a: u32, b: u32, sum: u32) {
            let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
            let exact: i64 = products.map(|(a, b)| i64::from(a as i8) * i64::from(b as i8)).sum();
            prop_assert_eq!(dot(a, b, sum), (i64::from(sum) + exact) as u32);
        }

        #[test]
        fn a_lane_does_not_depend_on_its_neighbours(seed: [u8; 32], lanes in 1u32..20, steps in 1u32..30) {
            let key = Key::first(&seed, 3);
            let items: Vec<_> = (0..lanes).map(|lane| (key, lane)).collect();
            let alone: Vec<_> = items.iter().flat_map(|item| leaves(&[*item], lanes, steps)).collect();
            prop_assert_eq!(leaves(&items, lanes, steps), alone);
        }
    }

    #[test]
    fn known_dots() {
        assert_eq!(dot(0x0403_0201, 0x0101_0101, 5), 15);
        assert_eq!(dot(0x8080_8080, 0x8080_8080, 0), 65_536);
        assert_eq!(dot(0x0000_00FF, 0x0000_0001, 0), u32::MAX);
    }

    #[test]
    fn a_lane_follows_the_definition() {
        let (key, lane, steps) = (Key::first(&[8; 32], 1), 6u32, 9);
        let mut result = Vec::new();
        for group in 0..GROUPS as u64 {
            let [mut a, mut b, mut c, mut d] =
                philox::philox(counter(u64::from(lane) | group << 32, stream::DOT), key.words());
            for _ in 0..steps {
                c = dot(a, b, c);
                d = dot(b, c, d);
                a = dot(c, d, a);
                b = dot(d, a, b);
            }
            result.extend([a, b, c, d].iter().flat_map(|word| word.to_le_bytes()));
        }
        assert_eq!(leaves(&[(key, lane)], 11, steps), vec![merkle::unit_leaf(lane, 11, &result)]);
    }
}
