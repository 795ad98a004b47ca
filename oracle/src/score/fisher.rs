//! Fishers: what their word weighs, from their bond and from hidden audits of their sessions.
//!
//! Owns every fisher's bond and the evidence against him. An audit compares what he reported with the stamps of a relay
//! that timed the same session, so a host that toggles its speed cannot make him look like a liar. Weight is linear in the
//! bond, so splitting a bond among names gains nothing, and nil before enough agreeing audits, so a fresh name moves
//! nothing.

use super::claim::{RATE_BETS, rate_factors};
use super::detector::Detector;
use super::entry::{Finding, Weight};
use super::parameters::Parameters;

/// One fisher.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fisher {
    /// His bond that does not thaw, in the token's smallest unit.
    bond: u128,
    /// Audits that agreed with him.
    agreed: u32,
    /// Against "at most the share f0 of his reports differs from the stamps".
    disagrees: Detector<RATE_BETS>,
    /// Against "he is seldom inconclusive".
    inconclusive: Detector<RATE_BETS>,
}

/// What an epoch's audits of one fisher found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Findings {
    pub(super) agreed: u32,
    pub(super) disagreed: u32,
    pub(super) inconclusive: u32,
}

impl Findings {
    /// Counts one audit.
    pub(super) fn add(&mut self, finding: Finding) {
        let count = match finding {
            Finding::Agrees => &mut self.agreed,
            Finding::Disagrees => &mut self.disagreed,
            Finding::Inconclusive => &mut self.inconclusive,
        };
        *count = count.saturating_add(1);
    }
}

impl Fisher {
    /// A fisher of whom nothing is known.
    pub(super) fn new(epoch: u64) -> Self {
        Self { bond: 0, agreed: 0, disagrees: Detector::new(epoch), inconclusive: Detector::new(epoch) }
    }

    /// Notes a change of his bond.
    pub(super) fn set_bond(&mut self, bond: u128) {
        self.bond = bond;
    }

    /// Counts an epoch's audits: one factor an epoch, as for nodes.
    pub(super) fn absorb(&mut self, parameters: &Parameters, epoch: u64, found: &Findings) {
        let audits = found.agreed.saturating_add(found.disagreed).saturating_add(found.inconclusive);
        if audits == 0 {
            return;
        }
        let share = |count: u32| f64::from(count) / f64::from(audits);
        let (lies, silent) = (share(found.disagreed), share(found.inconclusive));
        // An audit that says nothing is no disagreement.
        self.disagrees.bet(parameters, epoch, &rate_factors(lies, 1.0 - lies, parameters.disagreement_rate()));
        self.inconclusive.bet(parameters, epoch, &rate_factors(silent, 1.0 - silent, parameters.inconclusive_rate()));
        self.agreed = self.agreed.saturating_add(found.agreed);
    }

    /// E_f: the evidence against him.
    pub(super) fn evidence(&self) -> f64 {
        f64::midpoint(self.disagrees.evidence(), self.inconclusive.evidence())
    }

    /// Audits that agreed with him.
    pub(super) fn agreed(&self) -> u32 {
        self.agreed
    }

    /// w = min(1, bond / B) / max(1, E), rounded down to 64ths (design/scoring.md section 10).
    pub(super) fn weight(&self, parameters: &Parameters) -> Weight {
        if self.agreed < parameters.audits_min {
            return Weight::ZERO;
        }
        let full = parameters.weight(self.bond).in_64ths();
        let weight = f64::from(full) / self.evidence().max(1.0);
        Weight::from_64ths(weight as u32).unwrap_or(Weight::FULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audited(agreed: u32, disagreed: u32) -> Fisher {
        let parameters = Parameters::production();
        let mut fisher = Fisher::new(0);
        fisher.set_bond(parameters.full_weight_bond);
        for epoch in 0..agreed + disagreed {
            // Disagreements are spread evenly.
            let lies = epoch * disagreed / (agreed + disagreed) != (epoch + 1) * disagreed / (agreed + disagreed);
            let mut found = Findings::default();
            found.add(if lies { Finding::Disagrees } else { Finding::Agrees });
            fisher.absorb(&parameters, u64::from(epoch), &found);
        }
        fisher
    }

    #[test]
    fn a_fresh_fisher_weighs_nothing_and_an_honest_one_everything() {
        let parameters = Parameters::production();
        assert_eq!(audited(19, 0).weight(&parameters), Weight::ZERO);
        assert_eq!(audited(20, 0).weight(&parameters), Weight::FULL);
        assert_eq!(audited(990, 10).weight(&parameters), Weight::FULL, "1 % of mistakes are no lies");
    }

    #[test]
    fn a_liar_loses_his_weight() {
        let parameters = Parameters::production();
        assert_eq!(audited(40, 10).weight(&parameters), Weight::ZERO);
        let mut milked = audited(500, 0);
        for epoch in 500..506 {
            let mut found = Findings::default();
            found.add(Finding::Disagrees);
            milked.absorb(&parameters, epoch, &found);
        }
        assert_eq!(milked.weight(&parameters), Weight::ZERO, "a good name does not protect for long");
    }

    #[test]
    fn a_fisher_who_is_often_silent_loses_his_weight() {
        let parameters = Parameters::production();
        let mut fisher = audited(100, 0);
        for epoch in 100..160 {
            let mut found = Findings::default();
            found.add(if epoch % 3 == 0 { Finding::Inconclusive } else { Finding::Agrees });
            fisher.absorb(&parameters, epoch, &found);
        }
        assert_eq!(fisher.weight(&parameters), Weight::ZERO);
    }

    #[test]
    fn splitting_a_bond_gains_no_weight() {
        let parameters = Parameters::production();
        let weight = |bond| {
            let mut fisher = audited(30, 0);
            fisher.set_bond(bond);
            fisher.weight(&parameters).in_64ths()
        };
        for parts in [2_u32, 3, 7, 16] {
            let bond = 1_000_000_000 / u128::from(parts);
            assert!(weight(bond) * parts <= weight(1_000_000_000));
        }
    }
}
