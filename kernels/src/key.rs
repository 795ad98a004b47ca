//! The keys from which every round of a probe is computed.
//!
//! `key_0 = BLAKE3-derive("gpux/key/1", seed ‖ device)` and `key_{r+1} = BLAKE3-derive("gpux/next-key/1", key_r ‖
//! root_r)` (evidence.md, Formats; the derivation contexts separate the domains). So no round can be computed before
//! the one before it, and any round can be recomputed alone from its key. Memory is filled under
//! `BLAKE3-derive("gpux/fill/1", fill seed ‖ device)`: were the fill the same on all devices, one card could answer
//! the walks of every card that its owner claims. Integers are little-endian.

use std::fmt;

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

/// What a round, or a fill of memory, is computed from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// Wraps bytes that came over a wire.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that travel.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives the key of a device's first round in a window from the window's seed.
    pub fn first(seed: &[u8; 32], device: u32) -> Self {
        Self::derive("gpux/key/1", seed, &device.to_le_bytes())
    }

    /// Derives the key of the round after this one, whose root is `root`.
    pub fn next(&self, root: &Digest) -> Self {
        Self::derive("gpux/next-key/1", &self.0, root)
    }

    /// Derives the key under which a device's memory is filled for a session.
    pub fn fill(fill_seed: &[u8; 32], device: u32) -> Self {
        Self::derive("gpux/fill/1", fill_seed, &device.to_le_bytes())
    }

    /// Derives the key of the round that nobody sees: caches, clocks and code are warm before the timed part. A probe whose
    /// rounds build upon each other counts it as the first.
    pub fn warm_up(fill_seed: &[u8; 32], device: u32) -> Self {
        Self::derive("gpux/warm-up/1", fill_seed, &device.to_le_bytes())
    }

    /// Returns the Philox key: the first 8 bytes as two little-endian words.
    pub(crate) fn words(&self) -> [u32; 2] {
        let [first, second, ..] = self.quad();
        [first, second]
    }

    /// Returns the first 16 bytes as four little-endian words: the key of a pass over memory.
    pub(crate) fn quad(&self) -> [u32; 4] {
        std::array::from_fn(|word| {
            let at = word * 4;
            u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
        })
    }

    fn derive(context: &str, first: &[u8], second: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(first).update(second);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:02x}{:02x}{:02x}{:02x}..)", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}
