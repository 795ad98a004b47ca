//! How large a share of all weight may lie: an upper bound from hidden audits.
//!
//! Owns the sums of audited weight, by the owner whose relay audited. Audited sessions are drawn after their reports are
//! committed, so they are a fair sample of all weight; what carries no weight moves no score and is not counted. The
//! bound is the upper limit of Clopper and Pearson (1934), a quantile of the beta distribution; before any audit it is 1,
//! and then nobody is accused. Corrupt owners may call honest reports lies, which would blind the first stage: the k
//! owners that refute the largest shares count as the next one does (Winsorising; what it hides of real lies is less than
//! the bound's margin while there are fewer than 400 owners). They may also hide lies that they saw: so the bound is
//! divided by 1 - c. It carries no verdict: the first stage alone uses it.

use std::collections::BTreeMap;

use statrs::function::beta::beta_reg;

use super::entry::Weight;
use super::ledger::Owner;
use super::parameters::Parameters;

/// Weight that was audited, and the part of it that the stamps refuted, by owner; in full weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Contamination {
    owners: BTreeMap<Owner, Audited>,
    epoch: u64,
}

/// One owner's audits; in 64ths when they are counted, in full weights when they are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Audited {
    pub(super) weight: f64,
    pub(super) refuted: f64,
}

impl Contamination {
    /// Counts an epoch's audits.
    pub(super) fn absorb(&mut self, parameters: &Parameters, epoch: u64, found: &BTreeMap<Owner, Audited>) {
        let decay = parameters.decay(0.0, epoch.saturating_sub(self.epoch));
        for audited in self.owners.values_mut() {
            audited.weight *= decay;
            audited.refuted *= decay;
        }
        let unit = f64::from(Weight::FULL.in_64ths());
        for (owner, new) in found {
            let audited = self.owners.entry(*owner).or_default();
            audited.weight += new.weight / unit;
            audited.refuted += new.refuted / unit;
        }
        self.epoch = epoch;
    }

    /// b, in basis points: the least share at which as few disagreements as these would be rarer than the parameters'
    /// miss. Rounded up, so that a last bit of the beta function, which platforms may compute differently, does not reach
    /// a published number. `corrupt` is k.
    pub(super) fn bound_bps(&self, parameters: &Parameters, corrupt: usize) -> u16 {
        let (audited, disagreed) = self.winsorised(corrupt);
        let agreed = (audited - disagreed).max(0.0);
        let level = f64::from(parameters.contamination_level_bps) / 1e4;
        let enough = |bps: u16| agreed > 0.0 && beta_reg(disagreed + 1.0, agreed, f64::from(bps) / 1e4) >= level;
        let (mut low, mut high) = (0_u16, 10_000_u16);
        while high - low > 1 {
            let middle = u16::midpoint(low, high);
            if enough(middle) { high = middle } else { low = middle }
        }
        let seen = 10_000 - u32::from(parameters.corrupt_owners_bps.min(9_999));
        u16::try_from((u32::from(high) * 10_000).div_ceil(seen)).unwrap_or(u16::MAX).min(10_000)
    }

    /// The audited weight, and how much of it counts as refuted.
    fn winsorised(&self, corrupt: usize) -> (f64, f64) {
        let share = |audited: &Audited| audited.refuted / audited.weight.max(f64::MIN_POSITIVE);
        let mut owners: Vec<_> = self.owners.values().map(|audited| (share(audited), audited.weight)).collect();
        owners.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let most = owners.get(corrupt).map_or(0.0, |(share, _)| *share);
        let sum =
            |(weights, refuted), (share, weight): &(f64, f64)| (weights + weight, refuted + weight * share.min(most));
        owners.iter().fold((0.0, 0.0), sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// b after so many audits by each of 40 owners, of which these refuted so many.
    fn after(audited: u32, refuted: &[u32], corrupt: usize) -> u16 {
        let parameters = Parameters { corrupt_owners_bps: 0, ..Parameters::production() };
        let found = (0..40).map(|owner| {
            let refuted = refuted.get(owner as usize).copied().unwrap_or_default();
            (owner, Audited { weight: f64::from(audited * 64), refuted: f64::from(refuted * 64) })
        });
        let mut contamination = Contamination::default();
        contamination.absorb(&parameters, 0, &found.collect());
        contamination.bound_bps(&parameters, corrupt)
    }

    #[test]
    fn bound_is_that_of_clopper_and_pearson() {
        assert_eq!(after(0, &[], 0), 10_000, "nothing is known before an audit");
        // Without a disagreement: 1 - 0.01^(1/n).
        assert_eq!(after(25, &[], 0), 46);
        // The 99 % quantile of Beta(6, 195) is 0.0643.
        assert_eq!(after(5, &[5], 0), 643);
        assert_eq!(after(5, &[5; 40], 0), 10_000);
    }

    #[test]
    fn corrupt_owners_neither_raise_it_nor_hide_lies() {
        let honest = after(100, &[2; 40], 8);
        let mut slandered = [2; 40];
        slandered[..8].copy_from_slice(&[100; 8]);
        assert_eq!(after(100, &slandered, 8), honest);
        assert!(after(100, &slandered, 7) > honest, "a ninth part is beyond what is promised");
        let parameters = Parameters::production();
        let mut contamination = Contamination::default();
        let found = BTreeMap::from([(0, Audited { weight: 64_000.0, refuted: 0.0 })]);
        contamination.absorb(&parameters, 0, &found);
        // 0.0046 of what honest owners would have seen is 0.8 of.
        assert_eq!(contamination.bound_bps(&parameters, 0), 58);
    }

    #[test]
    fn old_audits_fade() {
        let parameters = Parameters::production();
        let mut contamination = Contamination::default();
        contamination.absorb(&parameters, 0, &BTreeMap::from([(0, Audited { weight: 64_000.0, refuted: 0.0 })]));
        let fresh = contamination.bound_bps(&parameters, 0);
        contamination.absorb(&parameters, 24 * 60, &BTreeMap::new());
        assert!(contamination.bound_bps(&parameters, 0) > 3 * fresh);
    }
}
