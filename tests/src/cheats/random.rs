//! Randomness that a seed decides: the same seed gives the same sessions, draws and choices on every machine.

use gpux_kernels::Digest;

/// An endless stream of bytes.
#[derive(Debug)]
pub(super) struct Random(blake3::OutputReader);

impl Random {
    /// The stream of one purpose in one run.
    pub(super) fn new(seed: &Digest, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("gpux/cheats/1");
        hasher.update(seed).update(purpose.as_bytes());
        Self(hasher.finalize_xof())
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }

    /// A number in (0, 1).
    pub(super) fn share(&mut self) -> f64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        // 53 bits are what a double holds; half a step keeps the ends out.
        ((u64::from_le_bytes(bytes) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

/// The seed of one run of one row.
pub(super) fn run_seed(seed: u64, row: &str, run: u64) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/cheats-run/1");
    hasher.update(&seed.to_le_bytes()).update(&run.to_le_bytes()).update(row.as_bytes());
    *hasher.finalize().as_bytes()
}
