//! How much speaks for probing one claim (design/scoring.md section 11).
//!
//! Owns the formula `stake * sqrt(p (1 - p)) + staleness` and its rounding to millionths. Uses `libm` alone, so that
//! every machine computes the same.

use crate::score::{ResourceId, Urgency};

/// By how much a suspect is probed more often; bounded, so that suspicion cannot blind the market for all others.
const SUSPECT_MULTIPLE: f64 = 4.0;
/// A stake in thousandths: within a factor of 4 of the median, so that a price draws neither no probes nor all.
const STAKE_MILLI_MIN: u128 = 250;
const STAKE_MILLI_MAX: u128 = 4_000;

/// A node's capacity to earn beside the median node's, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stake(u32);

impl Stake {
    /// What `earns` is beside `median`, both in token units a second.
    pub(super) fn beside(median: u128, earns: u128) -> Self {
        let milli = earns.saturating_mul(1_000) / median.max(1);
        // At most 4,000.
        Self(milli.clamp(STAKE_MILLI_MIN, STAKE_MILLI_MAX) as u32)
    }
}

/// The index of a claim in millionths; at least 1.
pub(super) fn index(stake: Stake, urgency: &Urgency<'_>, resource: ResourceId) -> u32 {
    let open = f64::from(stake.0) / 1e3 * urgency.uncertainty() + urgency.staleness(resource);
    let multiple = if urgency.is_suspect() { SUSPECT_MULTIPLE } else { 1.0 };
    // At most 4 * (4 * 0.5 + 1) = 12, far inside a u32; a cast of anything else saturates.
    (libm::floor(open * multiple * 1e6) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stake_is_its_share_of_the_median_within_a_factor_of_four() {
        let beside = |earns| Stake::beside(1_000, earns).0;
        assert_eq!(
            [0, 249, 250, 1_500, 4_000, 4_001, u128::MAX].map(beside),
            [250, 250, 250, 1_500, 4_000, 4_000, 4_000]
        );
        assert_eq!(Stake::beside(0, 0).0, 250);
    }
}
