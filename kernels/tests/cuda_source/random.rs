//! What a case draws: sizes, keys and schedules.

use gpux_kernels::Key;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same cases on every machine.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(case: u64) -> Self {
        Self(case)
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Draws from a range, both ends included.
    pub(crate) fn between(&mut self, least: u32, most: u32) -> u32 {
        least + (self.draw() % u64::from(most - least + 1)) as u32
    }

    pub(crate) fn key(&mut self) -> Key {
        Key::first(&self.seed(), 0)
    }

    pub(crate) fn fill_key(&mut self) -> Key {
        Key::fill(&self.seed(), 0)
    }

    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for eight in seed.chunks_exact_mut(8) {
            eight.copy_from_slice(&self.draw().to_le_bytes());
        }
        seed
    }
}

/// The first four little-endian words of a key, as arguments of a kernel.
pub(crate) fn key_words(key: &Key) -> [u64; 4] {
    std::array::from_fn(|word| {
        let bytes = key.as_bytes();
        u64::from(u32::from_le_bytes([bytes[word * 4], bytes[word * 4 + 1], bytes[word * 4 + 2], bytes[word * 4 + 3]]))
    })
}
