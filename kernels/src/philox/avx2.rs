//! Eight Philox counters side by side in AVX2 registers.
//!
//! A word lives in the low half of a 64-bit lane and whatever stands in the high half is ignored: `vpmuludq` reads low
//! halves only and gives high and low result at once, so a round is two multiplications, two shifts and four
//! exclusive-ors for four counters, without a shuffle. Two such groups hide the latency. Invariant: equal to
//! [`super::philox`] in every word.
#![allow(unsafe_code)] // Vector intrinsics; every function is entered only after `available`.

use std::arch::x86_64::{
    __m256i, _mm256_blend_epi32, _mm256_lddqu_si256, _mm256_mul_epu32, _mm256_permute2x128_si256, _mm256_set1_epi64x,
    _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};

use super::{MULTIPLIERS, WEYL};

/// Counters that run side by side.
pub(crate) const LANES: usize = 8;
const GROUPS: usize = 2;

/// Says whether this processor has the instructions that all vector code of this crate uses.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The ten round keys, spread over lanes.
#[derive(Clone, Copy)]
pub(crate) struct RoundKeys([[__m256i; 2]; 10]);

/// The four words of eight counters.
#[derive(Clone, Copy)]
pub(crate) struct Blocks(pub(crate) [[__m256i; GROUPS]; 4]);

#[target_feature(enable = "avx2")]
pub(crate) fn round_keys(key: [u32; 2]) -> RoundKeys {
    let mut keys = [[_mm256_set1_epi64x(0); 2]; 10];
    for (round, pair) in (0u32..).zip(keys.iter_mut()) {
        for half in 0..2 {
            pair[half] = _mm256_set1_epi64x(i64::from(key[half].wrapping_add(WEYL[half].wrapping_mul(round))));
        }
    }
    RoundKeys(keys)
}

#[target_feature(enable = "avx2")]
fn load(lanes: &[u64; LANES]) -> [__m256i; GROUPS] {
    // SAFETY: eight u64 are two unaligned 32-byte loads, both inside the array.
    unsafe { [_mm256_lddqu_si256(lanes.as_ptr().cast()), _mm256_lddqu_si256(lanes.as_ptr().add(4).cast())] }
}

#[target_feature(enable = "avx2")]
pub(crate) fn start(indices: &[u64; LANES], stream: u32) -> Blocks {
    let low = load(indices);
    let high = [_mm256_srli_epi64::<32>(low[0]), _mm256_srli_epi64::<32>(low[1])];
    Blocks([low, high, [_mm256_set1_epi64x(i64::from(stream)); GROUPS], [_mm256_set1_epi64x(0); GROUPS]])
}

/// Computes the next blocks from blocks that are read as counters.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn blocks(counters: Blocks, keys: &RoundKeys) -> Blocks {
    let m0 = _mm256_set1_epi64x(i64::from(MULTIPLIERS[0]));
    let m1 = _mm256_set1_epi64x(i64::from(MULTIPLIERS[1]));
    let [mut x, mut y, mut z, mut w] = counters.0;
    for [k0, k1] in &keys.0 {
        for g in 0..GROUPS {
            let p0 = _mm256_mul_epu32(x[g], m0);
            let p1 = _mm256_mul_epu32(z[g], m1);
            x[g] = _mm256_xor_si256(_mm256_xor_si256(y[g], *k0), _mm256_srli_epi64::<32>(p1));
            z[g] = _mm256_xor_si256(_mm256_xor_si256(w[g], *k1), _mm256_srli_epi64::<32>(p0));
            y[g] = p1;
            w[g] = p0;
        }
    }
    Blocks([x, y, z, w])
}

/// Returns the bytes of eight blocks, one after another, little-endian.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn bytes(blocks: &Blocks) -> [u8; 16 * LANES] {
    let mut out = [0u8; 16 * LANES];
    let [x, y, z, w] = blocks.0;
    for g in 0..GROUPS {
        // The low halves of x and y make the first 8 bytes of each of four blocks, those of z and w the last.
        let first = _mm256_blend_epi32::<0b1010_1010>(x[g], _mm256_slli_epi64::<32>(y[g]));
        let last = _mm256_blend_epi32::<0b1010_1010>(z[g], _mm256_slli_epi64::<32>(w[g]));
        let even = _mm256_unpacklo_epi64(first, last);
        let odd = _mm256_unpackhi_epi64(first, last);
        let (low, high) = out[g * 64..(g + 1) * 64].split_at_mut(32);
        // SAFETY: both halves are 32 bytes; the stores are unaligned.
        unsafe {
            _mm256_storeu_si256(low.as_mut_ptr().cast(), _mm256_permute2x128_si256::<0x20>(even, odd));
            _mm256_storeu_si256(high.as_mut_ptr().cast(), _mm256_permute2x128_si256::<0x31>(even, odd));
        }
    }
    out
}

pub(crate) fn expand(key: [u32; 2], stream: u32, first: u64, out: &mut [u8]) {
    // SAFETY: callers asked `available`.
    unsafe { expand_lanes(key, stream, first, out) }
}

#[target_feature(enable = "avx2")]
fn expand_lanes(key: [u32; 2], stream: u32, first: u64, out: &mut [u8]) {
    let keys = round_keys(key);
    let mut index = first;
    for chunk in out.chunks_mut(16 * LANES) {
        let mut indices = [0; LANES];
        for (lane, counter) in (0u64..).zip(&mut indices) {
            *counter = index.wrapping_add(lane);
        }
        let bytes = bytes(&blocks(start(&indices, stream), &keys));
        chunk.copy_from_slice(&bytes[..chunk.len()]);
        index = index.wrapping_add(LANES as u64);
    }
}
