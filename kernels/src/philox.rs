//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): seed to words.
//!
//! A counter-based generator, so that any operand byte and any memory cell can be computed alone. The scalar form is
//! the reference; the AVX2 form runs eight counters side by side and gives the same words. Counter = (index low,
//! index high, stream, 0): a stream a purpose, so that no word serves twice.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;

/// Streams: one a purpose.
pub(crate) mod stream {
    /// Rows of the left operand of `imma`.
    pub(crate) const LEFT: u32 = 1;
    /// Columns of the right operand of `imma`.
    pub(crate) const RIGHT: u32 = 2;
    /// Rows of the left operand of `hmma`.
    pub(crate) const HALF_LEFT: u32 = 3;
    /// Columns of the right operand of `hmma`.
    pub(crate) const HALF_RIGHT: u32 = 4;
    /// Chains of `fma32`: index = (lane, pair).
    pub(crate) const SINGLE: u32 = 6;
    /// Chains of `fma64`: index = (lane, pair).
    pub(crate) const CHAIN: u32 = 7;
    /// Cells of `vram`.
    pub(crate) const CELL: u32 = 11;
    /// First states of `vram` walkers.
    pub(crate) const WALKER: u32 = 12;
    /// Chains of `dp4a`: index = (lane, group).
    pub(crate) const DOT: u32 = 13;
    /// Words of `stream` and `link` blocks.
    pub(crate) const BLOCK: u32 = 14;
    /// Bytes of `disk` pages.
    pub(crate) const PAGE: u32 = 15;
    /// First states of `disk` walkers.
    pub(crate) const READER: u32 = 16;
    /// Bytes of `net` transfers.
    pub(crate) const TRANSFER: u32 = 17;
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Computes one block of four words.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..10 {
        let p0 = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let p1 = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        c = [(p1 >> 32) as u32 ^ c[1] ^ k[0], p1 as u32, (p0 >> 32) as u32 ^ c[3] ^ k[1], p0 as u32];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

pub(crate) fn counter(index: u64, stream: u32) -> [u32; 4] {
    [index as u32, (index >> 32) as u32, stream, 0]
}

/// Fills `out` with the blocks `first`, `first + 1`, ... of a stream, 16 bytes each; a last partial block is cut.
pub(crate) fn expand(key: [u32; 2], stream: u32, first: u64, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if avx2::available() {
        return avx2::expand(key, stream, first, out);
    }
    expand_portable(key, stream, first, out);
}

pub(crate) fn expand_portable(key: [u32; 2], stream: u32, first: u64, out: &mut [u8]) {
    for (index, block) in (first..).zip(out.chunks_mut(16)) {
        let words = philox(counter(index, stream), key);
        let mut bytes = [0u8; 16];
        for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
            four.copy_from_slice(&word.to_le_bytes());
        }
        block.copy_from_slice(&bytes[..block.len()]);
    }
}

#[cfg(test)]
mod tests;
