//! Seeded randomness: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), the same
//! on every machine.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Stream(u64);

impl Stream {
    /// The stream of a seed and of the names of what it is for.
    pub(super) fn of(seed: u64, names: &[u64]) -> Self {
        let start = Self(seed);
        names.iter().fold(start, |mut stream, name| Self(stream.draw() ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93)))
    }

    /// 64 bits.
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of so many, none more likely than another.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number around a mean, never further away than the spread; the sum of two even ones.
    pub(super) fn around(&mut self, mean: f64, spread: f64) -> f64 {
        mean + spread * (self.unit() + self.unit() - 1.0)
    }
}
