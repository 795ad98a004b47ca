//! The measured ratio x = clip(y / (a c), 0, 1) in 64ths.
//!
//! Owns the rounding of x: down in `lower` (the score and the lower bound use it), up in `upper` (the upper bound uses
//! it), so that quantising never favours either side. An inconclusive probe is the whole range, 0 to 64: it may be the
//! host's fault or not, so it pulls the lower bound down, leaves the upper one up, and is absent from the score.

/// The number of steps between 0 and 1.
pub(super) const STEPS: u8 = 64;

/// x as two integers in 64ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio64 {
    lower: u8,
    upper: u8,
}

/// Why two integers are no ratio.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A bound is above one, or the lower bound above the upper.
    #[error("ratio {lower}/64 to {upper}/64 is not inside 0 to 1")]
    Range { lower: u32, upper: u32 },
    /// The bounds are further apart than rounding makes them, and the probe is not inconclusive either.
    #[error("ratio {lower}/64 to {upper}/64 is neither a measurement nor inconclusive")]
    Wide { lower: u32, upper: u32 },
}

impl Ratio64 {
    /// A failure of the host after OPEN.
    pub const ZERO: Self = Self { lower: 0, upper: 0 };
    /// What was promised, or more.
    pub const ONE: Self = Self { lower: STEPS, upper: STEPS };
    /// A probe that was assigned and says nothing.
    pub const INCONCLUSIVE: Self = Self { lower: 0, upper: STEPS };

    /// Checks two integers that came from outside.
    pub fn new(lower: u32, upper: u32) -> Result<Self, Error> {
        if lower > upper || upper > u32::from(STEPS) {
            return Err(Error::Range { lower, upper });
        }
        if upper - lower > 1 && (lower, upper) != (0, u32::from(STEPS)) {
            return Err(Error::Wide { lower, upper });
        }
        let narrow = |value: u32| u8::try_from(value).expect("checked to be at most 64");
        Ok(Self { lower: narrow(lower), upper: narrow(upper) })
    }

    /// Clips and quantises a measured ratio. What is not a number says nothing.
    #[must_use]
    pub fn of(x: f64) -> Self {
        if x.is_nan() {
            return Self::INCONCLUSIVE;
        }
        let scaled = x.clamp(0.0, 1.0) * f64::from(STEPS);
        Self { lower: libm::floor(scaled) as u8, upper: libm::ceil(scaled) as u8 }
    }

    /// x rounded down, in 64ths.
    #[must_use]
    pub fn lower(self) -> u8 {
        self.lower
    }

    /// x rounded up, in 64ths.
    #[must_use]
    pub fn upper(self) -> u8 {
        self.upper
    }

    /// Whether the probe said nothing.
    #[must_use]
    pub fn is_inconclusive(self) -> bool {
        self == Self::INCONCLUSIVE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantising_brackets_the_measurement() {
        assert_eq!(Ratio64::of(0.36), Ratio64::new(23, 24).unwrap());
        assert_eq!(Ratio64::of(0.5), Ratio64::new(32, 32).unwrap());
        assert_eq!(Ratio64::of(1.7), Ratio64::ONE);
        assert_eq!(Ratio64::of(-0.1), Ratio64::ZERO);
        assert!(Ratio64::of(f64::NAN).is_inconclusive());
    }

    #[test]
    fn foreign_ratios_are_refused() {
        assert_eq!(Ratio64::new(64, 65), Err(Error::Range { lower: 64, upper: 65 }));
        assert_eq!(Ratio64::new(3, 2), Err(Error::Range { lower: 3, upper: 2 }));
        assert_eq!(Ratio64::new(u32::MAX, u32::MAX), Err(Error::Range { lower: u32::MAX, upper: u32::MAX }));
        assert_eq!(Ratio64::new(1, 64), Err(Error::Wide { lower: 1, upper: 64 }));
        assert_eq!(Ratio64::new(0, 64), Ok(Ratio64::INCONCLUSIVE));
    }
}
