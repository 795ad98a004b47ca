//! Fishers: what their word weighs, from their bond and from hidden audits of their sessions.
//!
//! Owns every fisher's bond and the evidence against him. An audit compares what he reported with the stamps of a relay
//! that timed the same session, so a host that toggles its speed cannot make him look like a liar; and evidence is kept
//! by the relay's owner and the k that say most are left out, so corrupt owners cannot either. Weight is linear in the
//! bond, so splitting a bond among names gains nothing, and nil before enough agreeing audits, so a fresh name moves
//! nothing.

use super::claim::{RATE_BETS, rate_factors};
use super::entry::{Finding, Weight};
use super::ledger::{Ledger, Owner};
use super::parameters::Parameters;

/// Bets on a fisher start anew after so many audits: short ones find a liar with a good name soon, long ones find him who
/// lies seldom. The bets before are kept until the next start, so that nobody is without a record.
const SPANS: [u32; 2] = [64, 512];

/// One fisher.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fisher {
    /// His bond that does not thaw, in the token's smallest unit.
    bond: u128,
    /// Audits that agreed with him.
    agreed: u32,
    /// For each span the bets of now and those before.
    trials: [[Trial; 2]; SPANS.len()],
}

/// Bets on a fisher from one start on.
#[derive(Debug, Clone, PartialEq, Default)]
struct Trial {
    audits: u32,
    /// Against "at most the share f0 of his reports differs from the stamps".
    disagrees: Ledger<RATE_BETS>,
    /// Against "he is seldom inconclusive".
    inconclusive: Ledger<RATE_BETS>,
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

    /// How many there were.
    fn count(&self) -> u32 {
        self.agreed.saturating_add(self.disagreed).saturating_add(self.inconclusive)
    }
}

impl Trial {
    fn absorb(&mut self, parameters: &Parameters, owner: Owner, found: &Findings, root: f64) {
        let share = |count: u32| f64::from(count) / f64::from(found.count());
        let (lies, silent) = (share(found.disagreed), share(found.inconclusive));
        // An audit that says nothing is no disagreement.
        self.disagrees.enter(owner, rate_factors(lies, 1.0 - lies, parameters.disagreement_rate()), root);
        let factors = rate_factors(silent, 1.0 - silent, parameters.inconclusive_rate());
        self.inconclusive.enter(owner, factors, root);
        self.audits = self.audits.saturating_add(found.count());
    }

    /// The average wealth of its bets.
    fn evidence(&self, dropped: usize) -> f64 {
        if self.audits == 0 {
            return 1.0;
        }
        let logs = [self.disagrees.kept(dropped), self.inconclusive.kept(dropped)];
        logs.iter().flatten().map(|log| libm::exp(*log)).sum::<f64>() / (2 * RATE_BETS) as f64
    }
}

impl Fisher {
    /// A fisher of whom nothing is known.
    pub(super) fn new() -> Self {
        Self { bond: 0, agreed: 0, trials: Default::default() }
    }

    /// Notes a change of his bond.
    pub(super) fn set_bond(&mut self, bond: u128) {
        self.bond = bond;
    }

    /// His bond that does not thaw.
    pub(super) fn bond(&self) -> u128 {
        self.bond
    }

    /// Counts an epoch's audits, by owner: together they are one bet an epoch, as for nodes.
    pub(super) fn absorb(&mut self, parameters: &Parameters, found: &[(Owner, Findings)]) {
        let root = 1.0 / found.len().max(1) as f64;
        for (span, [now, before]) in SPANS.into_iter().zip(&mut self.trials) {
            if now.audits >= span {
                *before = std::mem::take(now);
            }
            for trial in [now, before] {
                for (owner, found) in found {
                    trial.absorb(parameters, *owner, found, root);
                }
            }
        }
        self.agreed = found.iter().fold(self.agreed, |sum, (_, found)| sum.saturating_add(found.agreed));
    }

    /// E_f: the evidence against him, without the `dropped` owners that say most. An average of wealths that started at 1.
    pub(super) fn evidence(&self, dropped: usize) -> f64 {
        let trials = self.trials.iter().flatten();
        trials.map(|trial| trial.evidence(dropped)).sum::<f64>() / self.trials.as_flattened().len() as f64
    }

    /// Audits that agreed with him.
    pub(super) fn agreed(&self) -> u32 {
        self.agreed
    }

    /// w = min(1, bond / B) / max(1, E), rounded down to 64ths (design/scoring.md section 10).
    pub(super) fn weight(&self, parameters: &Parameters, dropped: usize) -> Weight {
        if self.agreed < parameters.audits_min {
            return Weight::ZERO;
        }
        let full = parameters.weight(self.bond).in_64ths();
        let weight = f64::from(full) / self.evidence(dropped).max(1.0);
        Weight::from_64ths(weight as u32).unwrap_or(Weight::FULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 40 owners eight are left out.
    const DROPPED: usize = 8;

    fn bonded() -> Fisher {
        let mut fisher = Fisher::new();
        fisher.set_bond(Parameters::production().full_weight_bond);
        fisher
    }

    /// The owners take turns as a beacon would choose.
    fn owner(at: u32) -> Owner {
        (at.wrapping_mul(2_654_435_761) >> 16) % 40
    }

    /// One audit an epoch.
    fn audit(fisher: &mut Fisher, at: u32, finding: Finding) {
        let mut found = Findings::default();
        found.add(finding);
        fisher.absorb(&Parameters::production(), &[(owner(at), found)]);
    }

    fn audited(agreed: u32, disagreed: u32) -> Fisher {
        let mut fisher = bonded();
        for epoch in 0..agreed + disagreed {
            // Disagreements are spread evenly.
            let lies = epoch * disagreed / (agreed + disagreed) != (epoch + 1) * disagreed / (agreed + disagreed);
            audit(&mut fisher, epoch, if lies { Finding::Disagrees } else { Finding::Agrees });
        }
        fisher
    }

    fn weight(fisher: &Fisher) -> Weight {
        fisher.weight(&Parameters::production(), DROPPED)
    }

    #[test]
    fn a_fresh_fisher_weighs_nothing_and_an_honest_one_everything() {
        assert_eq!(weight(&audited(19, 0)), Weight::ZERO);
        assert_eq!(weight(&audited(20, 0)), Weight::FULL);
        assert_eq!(weight(&audited(990, 10)), Weight::FULL, "1 % of mistakes are no lies");
    }

    #[test]
    fn a_liar_loses_his_weight() {
        assert_eq!(weight(&audited(80, 40)), Weight::ZERO);
        assert_eq!(weight(&audited(450, 50)), Weight::ZERO, "who lies in a tenth is found too");
        for history in [100, 500, 1_000, 1_023] {
            let mut milked = audited(history, 0);
            let mut lies = 0;
            while weight(&milked) != Weight::ZERO {
                audit(&mut milked, lies, Finding::Disagrees);
                lies += 1;
            }
            assert!(lies <= 20, "a good name protects for {lies} audits");
        }
    }

    /// The numbers of docs/method/audits.md: five owners in turn, of whom one is left out.
    #[test]
    fn the_worked_example_of_the_page() {
        let parameters = Parameters::production();
        let mut fisher = bonded();
        let mut weights = Vec::new();
        for epoch in 0..26 {
            let mut found = Findings::default();
            found.add(if epoch < 20 { Finding::Agrees } else { Finding::Disagrees });
            fisher.absorb(&parameters, &[(epoch % 5, found)]);
            weights.push(fisher.weight(&parameters, 1).in_64ths());
        }
        assert_eq!(weights[18..], [0, 64, 64, 64, 45, 7, 1, 1]);
    }

    #[test]
    fn a_fifth_of_the_owners_cannot_silence_a_fisher() {
        let mut fisher = audited(100, 0);
        for epoch in 0..2_000 {
            let corrupt = owner(epoch) < 8;
            audit(&mut fisher, epoch, if corrupt { Finding::Disagrees } else { Finding::Agrees });
            assert_eq!(weight(&fisher), Weight::FULL);
        }
    }

    #[test]
    fn a_fisher_who_is_often_silent_loses_his_weight() {
        let mut fisher = audited(100, 0);
        for epoch in 100..300 {
            audit(&mut fisher, epoch, if epoch % 3 == 0 { Finding::Inconclusive } else { Finding::Agrees });
        }
        assert_eq!(weight(&fisher), Weight::ZERO);
    }

    #[test]
    fn splitting_a_bond_gains_no_weight() {
        let weight = |bond| {
            let mut fisher = audited(30, 0);
            fisher.set_bond(bond);
            weight(&fisher).in_64ths()
        };
        for parts in [2_u32, 3, 7, 16] {
            let bond = 1_000_000_000 / u128::from(parts);
            assert!(weight(bond) * parts <= weight(1_000_000_000));
        }
    }
}
