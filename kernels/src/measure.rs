//! From work and times to a ratio.
//!
//! Pure arithmetic over what the fisher's clock measured. Never subtracts anything that a host can delay. Invariant:
//! the lower ratio is never above, the upper never below, what was measured (scoring.md section 1).

use std::time::Duration;

/// The denominator of a [`Ratio`].
pub const RATIO_ONE: u8 = 64;

/// x in 64ths: what is written in reports and folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Rounded down: counts for the node.
    pub lower: u8,
    /// Rounded up: counts against the node.
    pub upper: u8,
}

impl Ratio {
    /// The ratio of a host's failure after OPEN.
    pub const ZERO: Self = Self { lower: 0, upper: 0 };

    /// Quantises x, clipped to 0..=1: good leases never pay for bad ones. What is not a number counts as 0.
    pub fn new(x: f64) -> Self {
        let x = if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) };
        let scaled = x * f64::from(RATIO_ONE);
        Self { lower: libm::floor(scaled) as u8, upper: libm::ceil(scaled) as u8 }
    }

    /// Quantises measured over expected; an expectation that is not positive gives 0.
    pub fn of(measured: f64, expected: f64) -> Self {
        if expected > 0.0 { Self::new(measured / expected) } else { Self::ZERO }
    }
}

/// Returns the rate of a window in work units a second; a window without length has none.
pub fn rate(work: u128, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { work as f64 / seconds } else { 0.0 }
}

/// Returns the median of window rates, the lower middle of an even number; `None` without windows.
///
/// Rates that are not numbers count as 0.
pub fn median(rates: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = rates.iter().map(|rate| if rate.is_nan() { 0.0 } else { *rate }).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// Returns x of a memory probe: the smaller of size held over size claimed and walk rate over expected rate.
///
/// The walk is latency-bound, so that on-card memory of every model walks at about the same rate: a smaller card shows
/// its size, and memory that is recomputed or fetched from the host shows its rate.
pub fn memory_x(size: (f64, f64), walk: (f64, f64)) -> f64 {
    let ratio = |(measured, expected): (f64, f64)| if expected > 0.0 { measured / expected } else { 0.0 };
    ratio(size).min(ratio(walk))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ratio_rounds_outwards_and_is_clipped() {
        assert_eq!(Ratio::new(0.36), Ratio { lower: 23, upper: 24 });
        assert_eq!(Ratio::new(0.5), Ratio { lower: 32, upper: 32 });
        assert_eq!(Ratio::new(1.7), Ratio { lower: 64, upper: 64 });
        assert_eq!(Ratio::new(-1.0), Ratio::ZERO);
        assert_eq!(Ratio::new(f64::NAN), Ratio::ZERO);
        assert_eq!(Ratio::of(5.0, 0.0), Ratio::ZERO);
    }

    #[test]
    fn median_ignores_the_best_window() {
        assert_eq!(median(&[1.0, 9.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(1.0));
        assert_eq!(median(&[f64::NAN, 3.0, 3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn memory_is_the_worse_of_size_and_rate() {
        assert_eq!(memory_x((12.0, 24.0), (9.0, 10.0)), 0.5);
        assert_eq!(memory_x((24.0, 24.0), (2.0, 10.0)), 0.2);
        assert_eq!(memory_x((24.0, 0.0), (2.0, 10.0)), 0.0);
    }

    proptest! {
        #[test]
        fn lower_never_exceeds_upper(x in -2.0f64..3.0) {
            let ratio = Ratio::new(x);
            prop_assert!(ratio.lower <= ratio.upper && ratio.upper <= RATIO_ONE && ratio.upper - ratio.lower <= 1);
        }
    }
}
