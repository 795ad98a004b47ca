//! The second stage: what audited sessions say of a suspect node, and when it may be accused or cleared.
//!
//! Owns the ledgers of every bet against and for the node, from which the k owners that say most are left out (`ledger`):
//! corrupt owners can neither accuse an honest node nor clear a cheat.

use std::collections::BTreeMap;

use super::claim::{Bounds, HONEST_RATE_BETS, MEAN_BETS, RATE_BETS, RESOURCE_BETS, SHARES, Tally};
use super::entry::ResourceId;
use super::ledger::{Ledger, Owner, log_sum};
use super::parameters::Parameters;

/// The share of what is staked against a node that bets on inconclusive sessions; the rest is split among its resources.
pub(super) const INCONCLUSIVE_SHARE: f64 = 0.05;

/// What the audits of one resource say.
#[derive(Debug, Clone, PartialEq, Default)]
struct Sums {
    against: Ledger<RESOURCE_BETS>,
    silent: Ledger<RATE_BETS>,
    for_mean: Ledger<MEAN_BETS>,
    for_rate: Ledger<HONEST_RATE_BETS>,
}

/// One visit: from suspicion to clearing, or to a verdict and the recovery from it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Investigation {
    /// v: how often the node was suspect, this time included.
    visit: u32,
    /// k: how many owners' evidence is dropped.
    dropped: usize,
    /// Audited sessions count if they began after this epoch.
    since: u64,
    /// The resources that must be cleared.
    accused: Vec<ResourceId>,
    resources: BTreeMap<ResourceId, Sums>,
    audits: u32,
}

impl Investigation {
    /// A visit that begins at the end of an epoch, while so many owners are eligible in the whole network.
    pub(super) fn open(
        parameters: &Parameters,
        epoch: u64,
        visit: u32,
        owners: usize,
        accused: Vec<ResourceId>,
    ) -> Self {
        let dropped = parameters.corrupt_owners(owners);
        Self { visit, dropped, since: epoch, accused, resources: BTreeMap::new(), audits: 0 }
    }

    /// The same visit after its verdict: fresh bets, for the recovery.
    pub(super) fn recovery(&self, epoch: u64) -> Self {
        Self { since: epoch, resources: BTreeMap::new(), audits: 0, accused: self.accused.clone(), ..*self }
    }

    /// Counts an epoch's audits of one resource, one tally an owner.
    pub(super) fn absorb(
        &mut self,
        parameters: &Parameters,
        epoch: u64,
        resource: ResourceId,
        owners: &[(Owner, Tally)],
    ) {
        if epoch <= self.since || owners.is_empty() {
            return;
        }
        let bounds = Bounds::contaminated(parameters, 0.0);
        let root = 1.0 / owners.len() as f64;
        let sums = self.resources.entry(resource).or_default();
        for (owner, tally) in owners {
            sums.against.enter(*owner, tally.against(&bounds), root);
            sums.silent.enter(*owner, tally.against_conclusive(&bounds), root);
            sums.for_mean.enter(*owner, tally.for_mean(parameters.cleared_mean()), root);
            sums.for_rate.enter(*owner, tally.for_rate(parameters.cleared_rate()), root);
        }
        self.audits = self.audits.saturating_add(u32::try_from(owners.len()).unwrap_or(u32::MAX));
    }

    /// v: how often the node was suspect, this time included.
    pub(super) fn visit(&self) -> u32 {
        self.visit
    }

    /// How many audits count.
    pub(super) fn audits(&self) -> u32 {
        self.audits
    }

    /// How many owners' evidence is dropped in each bet.
    pub(super) fn dropped(&self) -> usize {
        self.dropped
    }

    /// ln E of the second stage, over a node's number of claimed resources.
    pub(super) fn log_evidence(&self, claims: usize) -> f64 {
        let resource_share = (1.0 - INCONCLUSIVE_SHARE) / claims.max(1) as f64;
        // Whether a session was conclusive is a claim on the node, so an owner's resources count together.
        let (mut logs, mut silent) = (Vec::new(), Ledger::default());
        for sums in self.resources.values() {
            let bets = sums.against.kept(self.dropped).into_iter().zip(SHARES);
            logs.extend(bets.map(|(log, share)| log + libm::log(resource_share * share)));
            silent.extend(&sums.silent);
        }
        logs.extend(silent.kept(self.dropped).map(|log| log + libm::log(INCONCLUSIVE_SHARE / RATE_BETS as f64)));
        log_sum(&logs)
    }

    /// Whether the evidence allows to accuse: E >= pi^2 v^2 / (6 a2). Over all visits the chances of a false accusation
    /// sum to a2, since the sum of 6 / (pi^2 v^2) is 1.
    pub(super) fn accuses(&self, parameters: &Parameters, claims: usize) -> bool {
        self.log_evidence(claims) >= log_accusation_threshold(parameters, self.visit)
    }

    /// The smaller of both e-values for honesty, in logarithms, of the accused resource that is cleared least.
    pub(super) fn log_honesty(&self) -> f64 {
        let honesty = |resource: &ResourceId| {
            // Without an audit no bet was won: the log of wealth 1.
            let Some(sums) = self.resources.get(resource) else { return 0.0 };
            let mean = sums.for_mean.kept(self.dropped).map(|log| log - libm::log(MEAN_BETS as f64));
            let rate = sums.for_rate.kept(self.dropped).map(|log| log - libm::log(HONEST_RATE_BETS as f64));
            log_sum(&mean).min(log_sum(&rate))
        };
        self.accused.iter().map(honesty).fold(f64::INFINITY, f64::min)
    }
}

/// ln(pi^2 v^2 / (6 a2)).
pub(super) fn log_accusation_threshold(parameters: &Parameters, visit: u32) -> f64 {
    let visit = f64::from(visit.max(1));
    libm::log(std::f64::consts::PI * std::f64::consts::PI * visit * visit / (6.0 * parameters.accusation_error()))
}
