//! The choices of a variant: BLAKE3's extendable output, so that everybody makes the same ones.

/// A stream of choices. One a module, so that a module's text depends on nothing but variant, level and probe.
pub(super) struct Random {
    stream: blake3::OutputReader,
    block: [u8; BLOCK_BYTES],
    /// How much of the block is spent.
    spent: usize,
}

/// Choices take few bytes each, and the stream computes at least a block of 64 for any.
const BLOCK_BYTES: usize = 4_096;

impl Random {
    /// The choices of a variant about one subject.
    pub(super) fn new(variant: &[u8; 32], subject: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("gpux/variant/1");
        hasher.update(variant).update(subject.as_bytes());
        Self { stream: hasher.finalize_xof(), block: [0; BLOCK_BYTES], spent: BLOCK_BYTES }
    }

    /// The next bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    fn byte(&mut self) -> u8 {
        if self.spent == BLOCK_BYTES {
            self.stream.fill(&mut self.block);
            self.spent = 0;
        }
        self.spent += 1;
        self.block[self.spent - 1]
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        // Below the limit, so it fits.
        ((u128::from(u32::from_le_bytes(self.bytes())) * limit as u128) >> 32) as usize
    }

    /// One of a list.
    pub(super) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    /// Puts a list into another order (Fisher-Yates).
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }

    /// Characters of an alphabet of ASCII.
    pub(super) fn letters(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).filter_map(|_| alphabet.get(self.below(alphabet.len()))).map(|&letter| char::from(letter)).collect()
    }
}
