//! How large a share of all weight may lie: an upper bound from hidden audits.
//!
//! Owns the two sums of audited weight. Audited sessions are drawn after their reports are committed, so they are a fair
//! sample of all weight; what carries no weight moves no score and is not counted. The bound is the upper limit of Clopper
//! and Pearson (1934), a quantile of the beta distribution; before any audit it is 1, and then nobody is accused.

use statrs::function::beta::beta_reg;

use super::entry::Weight;
use super::parameters::Parameters;

/// Weight that was audited, and the part of it that the stamps refuted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Contamination {
    audited: f64,
    disagreed: f64,
    epoch: u64,
}

impl Contamination {
    /// Counts an epoch's audits; both sums are in 64ths of a weight.
    pub(super) fn absorb(&mut self, parameters: &Parameters, epoch: u64, audited: u64, disagreed: u64) {
        let decay = parameters.decay(0.0, epoch.saturating_sub(self.epoch));
        let unit = f64::from(Weight::FULL.in_64ths());
        self.audited = self.audited * decay + audited as f64 / unit;
        self.disagreed = self.disagreed * decay + disagreed as f64 / unit;
        self.epoch = epoch;
    }

    /// b, in basis points: the least share at which as few disagreements as these would be rarer than the parameters'
    /// miss. Rounded up, so that a last bit of the beta function, which platforms may compute differently, does not reach
    /// a published number.
    pub(super) fn bound_bps(&self, parameters: &Parameters) -> u16 {
        let (agreed, disagreed) = ((self.audited - self.disagreed).max(0.0), self.disagreed);
        let level = f64::from(parameters.contamination_level_bps) / 1e4;
        let enough = |bps: u16| agreed > 0.0 && beta_reg(disagreed + 1.0, agreed, f64::from(bps) / 1e4) >= level;
        let (mut low, mut high) = (0_u16, 10_000_u16);
        while high - low > 1 {
            let middle = u16::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(audited: u64, disagreed: u64) -> u16 {
        let parameters = Parameters::production();
        let mut contamination = Contamination::default();
        contamination.absorb(&parameters, 0, audited * 64, disagreed * 64);
        contamination.bound_bps(&parameters)
    }

    #[test]
    fn bound_is_that_of_clopper_and_pearson() {
        assert_eq!(after(0, 0), 10_000, "nothing is known before an audit");
        // Without a disagreement: 1 - 0.01^(1/n).
        assert_eq!(after(100, 0), 451);
        assert_eq!(after(1_000, 0), 46);
        // The 99 % quantile of Beta(6, 95) is 0.12585.
        assert_eq!(after(100, 5), 1_259);
        assert_eq!(after(7, 7), 10_000);
    }

    #[test]
    fn old_audits_fade() {
        let parameters = Parameters::production();
        let mut contamination = Contamination::default();
        contamination.absorb(&parameters, 0, 64_000, 0);
        let fresh = contamination.bound_bps(&parameters);
        contamination.absorb(&parameters, 24 * 60, 0, 0);
        assert!(contamination.bound_bps(&parameters) > 3 * fresh);
    }
}
