//! The second stage: what audited sessions say of a suspect node, and when it may be accused or cleared.
//!
//! Owns the log-wealth of every bet, kept apart for each owner of a relay. In each bet the k largest positive sums are
//! dropped before they are added. If at most k owners are corrupt, what is left is at most the sum of the honest
//! owners alone, whose exponential is a supermartingale while the claim holds; so no share of liars need be
//! assumed, and the bound of Ville holds for any behaviour of the corrupt. Clearing drops the k largest as well, so
//! corrupt owners cannot clear a cheat either.

use std::collections::BTreeMap;

use super::claim::{Bounds, HONEST_RATE_BETS, MEAN_BETS, RATE_BETS, RESOURCE_BETS, Tally};
use super::entry::ResourceId;
use super::parameters::Parameters;

/// The share of what is staked against a node that bets on inconclusive sessions; the rest is split among its resources.
pub(super) const INCONCLUSIVE_SHARE: f64 = 0.05;

/// An owner of relays, by his number in the fold.
pub(super) type Owner = u32;

/// The log-wealth that one owner's audits of one resource made.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sums {
    against: [f64; RESOURCE_BETS],
    silent: [f64; RATE_BETS],
    for_mean: [f64; MEAN_BETS],
    for_rate: [f64; HONEST_RATE_BETS],
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
    sums: BTreeMap<(ResourceId, Owner), Sums>,
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
        let dropped = (owners as u64 * u64::from(parameters.corrupt_owners_bps)).div_ceil(10_000) as usize;
        Self { visit, dropped, since: epoch, accused, sums: BTreeMap::new(), audits: 0 }
    }

    /// The same visit after its verdict: fresh bets, for the recovery.
    pub(super) fn recovery(&self, epoch: u64) -> Self {
        Self { since: epoch, sums: BTreeMap::new(), audits: 0, ..self.clone() }
    }

    /// Counts an epoch's audits of one resource, one tally an owner. Sessions of one epoch may depend on each other: with
    /// n owners each factor enters as its n-th root, and by Hölder's inequality the product's expectation is at most 1.
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
        for (owner, tally) in owners {
            let sums = self.sums.entry((resource, *owner)).or_default();
            add(&mut sums.against, tally.against(&bounds), root);
            add(&mut sums.silent, tally.against_conclusive(&bounds), root);
            add(&mut sums.for_mean, tally.for_mean(parameters.cleared_mean()), root);
            add(&mut sums.for_rate, tally.for_rate(parameters.cleared_rate()), root);
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
        let mut logs = Vec::new();
        let resource_share = (1.0 - INCONCLUSIVE_SHARE) / (claims.max(1) * RESOURCE_BETS) as f64;
        let mut resources: Vec<_> = self.sums.keys().map(|(resource, _)| *resource).collect();
        resources.dedup();
        for resource in resources {
            let kept = self.kept(resource, |sums| &sums.against);
            logs.extend(kept.map(|log| log + libm::log(resource_share)));
        }
        // Whether a session was conclusive is a claim on the node, so an owner's resources count together.
        let silent = self.kept_of(self.sums.iter().map(|((_, owner), sums)| (*owner, sums.silent)));
        logs.extend(silent.map(|log| log + libm::log(INCONCLUSIVE_SHARE / RATE_BETS as f64)));
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
            let mean = self.kept(*resource, |sums| &sums.for_mean).map(|log| log - libm::log(MEAN_BETS as f64));
            let rate = self.kept(*resource, |sums| &sums.for_rate).map(|log| log - libm::log(HONEST_RATE_BETS as f64));
            log_sum(&mean).min(log_sum(&rate))
        };
        self.accused.iter().map(honesty).fold(f64::INFINITY, f64::min)
    }

    /// Each bet's log-wealth against or for a resource without the k largest positive sums of single owners.
    fn kept<const K: usize>(&self, resource: ResourceId, bets: impl Fn(&Sums) -> &[f64; K]) -> [f64; K] {
        let range = (resource, Owner::MIN)..=(resource, Owner::MAX);
        self.kept_of(self.sums.range(range).map(|((_, owner), sums)| (*owner, *bets(sums))))
    }

    fn kept_of<const K: usize>(&self, sums: impl Iterator<Item = (Owner, [f64; K])>) -> [f64; K] {
        let mut owners = BTreeMap::<Owner, [f64; K]>::new();
        for (owner, sums) in sums {
            let total = owners.entry(owner).or_insert([0.0; K]);
            for (total, sum) in total.iter_mut().zip(sums) {
                *total += sum;
            }
        }
        std::array::from_fn(|bet| {
            let mut sums: Vec<f64> = owners.values().map(|sums| sums[bet]).collect();
            sums.sort_unstable_by(|a, b| b.total_cmp(a));
            let kept = sums.iter().enumerate().filter(|(at, sum)| *at >= self.dropped || **sum <= 0.0);
            kept.map(|(_, sum)| sum).sum()
        })
    }
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            against: [0.0; RESOURCE_BETS],
            silent: [0.0; RATE_BETS],
            for_mean: [0.0; MEAN_BETS],
            for_rate: [0.0; HONEST_RATE_BETS],
        }
    }
}

/// ln(pi^2 v^2 / (6 a2)).
pub(super) fn log_accusation_threshold(parameters: &Parameters, visit: u32) -> f64 {
    let visit = f64::from(visit.max(1));
    libm::log(std::f64::consts::PI * std::f64::consts::PI * visit * visit / (6.0 * parameters.accusation_error()))
}

fn add<const K: usize>(sums: &mut [f64; K], factors: [f64; K], root: f64) {
    for (sum, factor) in sums.iter_mut().zip(factors) {
        *sum += root * libm::log(factor);
    }
}

/// The logarithm of a sum of exponentials, in the order given.
fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + libm::log(logs.iter().map(|log| libm::exp(log - largest)).sum::<f64>())
}
