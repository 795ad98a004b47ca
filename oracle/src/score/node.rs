//! One node: its resources, and where it stands between suspicion, verdict and recovery.
//!
//! Owns the two stages. The first looks at all reports and may at most make a node suspect, which raises how often it
//! is probed and is published nowhere. The second looks at audited sessions alone and is the only way to a verdict; so
//! is the way back. Its invariant: a verdict never comes from the first stage.

use super::claim::{Bounds, RATE_BETS, RESOURCE_BETS, Tally};
use super::detector::Detector;
use super::entry::{Claims, NodeId, ResourceId};
use super::investigation::{INCONCLUSIVE_SHARE, Investigation};
use super::ledger::Owner;
use super::organisation;
use super::parameters::Parameters;
use super::resource::{Batch, Estimate, ResourceState};

/// How many audit owners are remembered at most; no market asks for more.
pub(super) const OWNERS_KEPT: usize = 4;
/// No owner has this number.
const NOBODY: Owner = Owner::MAX;

/// The judgement on a node, numbered as on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// No judgement; every new node.
    Unknown = 0,
    /// Delivers what it advertises.
    Honest = 1,
    /// Does not.
    UnderDelivering = 2,
}

/// What is published of one resource of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceScore {
    pub resource: ResourceId,
    pub estimate: Estimate,
    /// Conclusive probes folded so far.
    pub probes: u32,
    /// The epoch in which the last one was folded.
    pub last_epoch: u64,
}

/// What is published of a node: the minimum over its resources, with the vector. No resource makes up for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeScore {
    pub node: NodeId,
    pub estimate: Estimate,
    pub verdict: Verdict,
    /// Conclusive probes folded so far, over all resources.
    pub probes: u32,
    /// The epoch in which the last one was folded.
    pub last_epoch: u64,
    /// In the order of their numbers; never empty.
    pub resources: Vec<ResourceScore>,
}

/// Where a node stands between suspicion and verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is held against it.
    Watched,
    /// Probed more often; no judgement.
    Suspect,
    /// Convicted by audited sessions.
    Convicted,
}

/// How far a node has come. Nothing of this but the verdict is ever published.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    /// Nothing is held against it.
    Watched,
    /// The first stage fired; audits decide.
    Suspect(Box<Investigation>),
    /// Audits convicted it; audits clear it again.
    Convicted(Box<Investigation>),
}

/// Everything that is remembered of one node.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) claims: Claims,
    pub(super) organisation: Option<organisation::Number>,
    /// In the order of their numbers.
    resources: Vec<ResourceState>,
    pub(super) stage: Stage,
    /// Against "its sessions are seldom inconclusive", over all resources.
    inconclusive: Detector<RATE_BETS>,
    /// How often it was suspect.
    visits: u32,
    /// Audit owners who saw it, as many as are needed, then `NOBODY`.
    owners: [Owner; OWNERS_KEPT],
    /// m0; fixed when it was first probed.
    prior_bps: Option<u16>,
}

impl Node {
    /// A node of which nothing is known.
    pub(super) fn new(id: NodeId, epoch: u64) -> Self {
        Self {
            id,
            claims: Claims::default(),
            organisation: None,
            resources: Vec::new(),
            stage: Stage::Watched,
            inconclusive: Detector::new(epoch),
            visits: 0,
            owners: [NOBODY; OWNERS_KEPT],
            prior_bps: None,
        }
    }

    /// Whether it still needs a prior.
    pub(super) fn lacks_prior(&self) -> bool {
        self.prior_bps.is_none()
    }

    /// Fixes m0.
    pub(super) fn set_prior(&mut self, prior_bps: u16) {
        self.prior_bps = Some(prior_bps);
    }

    /// Folds an epoch's reports about one resource; returns the factors that were bet on.
    pub(super) fn absorb(
        &mut self,
        parameters: &Parameters,
        epoch: u64,
        bounds: &Bounds,
        resource: ResourceId,
        batch: &Batch,
    ) -> [f64; RESOURCE_BETS] {
        self.claims = self.claims.with(resource);
        let prior = self.prior_bps.unwrap_or(parameters.prior_mean_bps);
        let at = self.resources.binary_search_by_key(&resource, ResourceState::resource).unwrap_or_else(|at| {
            self.resources.reserve_exact(self.claims.count() - self.resources.len());
            self.resources.insert(at, ResourceState::new(resource, epoch, prior));
            at
        });
        let state = &mut self.resources[at];
        state.absorb(parameters, epoch, batch);
        state.bet(parameters, epoch, bounds, batch)
    }

    /// What is remembered of a resource.
    pub(super) fn resource(&self, resource: ResourceId) -> Option<&ResourceState> {
        let at = self.resources.binary_search_by_key(&resource, ResourceState::resource).ok()?;
        Some(&self.resources[at])
    }

    /// What is remembered of all resources, in the order of their numbers.
    pub(super) fn resources(&self) -> &[ResourceState] {
        &self.resources
    }

    /// How many audit owners saw it, as far as they are counted.
    pub(super) fn owners_seen(&self) -> usize {
        self.owners.iter().filter(|owner| **owner != NOBODY).count()
    }

    /// Bets on whether the node's sessions of an epoch were conclusive.
    pub(super) fn absorb_inconclusive(&mut self, parameters: &Parameters, epoch: u64, bounds: &Bounds, all: &Tally) {
        self.inconclusive.bet(parameters, epoch, &all.against_conclusive(bounds));
    }

    /// Counts an epoch's audits of one resource, one tally an owner.
    pub(super) fn absorb_audits(
        &mut self,
        parameters: &Parameters,
        epoch: u64,
        resource: ResourceId,
        owners: &[(Owner, Tally)],
    ) {
        for (owner, _) in owners {
            if !self.owners.contains(owner)
                && let Some(place) = self.owners.iter_mut().find(|place| **place == NOBODY)
            {
                *place = *owner;
            }
        }
        match &mut self.stage {
            Stage::Watched => {}
            Stage::Suspect(investigation) | Stage::Convicted(investigation) => {
                investigation.absorb(parameters, epoch, resource, owners);
            }
        }
    }

    /// E of the first stage: what is staked is split over the claims, so that E bounds the error of the whole node.
    pub(super) fn evidence(&self) -> f64 {
        let resources: f64 = self.resources.iter().map(ResourceState::evidence).sum();
        let claims = self.claims.count().max(1) as f64;
        (1.0 - INCONCLUSIVE_SHARE) * resources / claims + INCONCLUSIVE_SHARE * self.inconclusive.evidence()
    }

    /// E against "its sessions are seldom inconclusive".
    pub(super) fn inconclusive_evidence(&self) -> f64 {
        self.inconclusive.evidence()
    }

    /// Where it stands.
    pub(super) fn standing(&self) -> Standing {
        match self.stage {
            Stage::Watched => Standing::Watched,
            Stage::Suspect(_) => Standing::Suspect,
            Stage::Convicted(_) => Standing::Convicted,
        }
    }

    /// Moves between the stages at the end of an epoch in which the node was touched, while so many audit owners are
    /// eligible in the whole network.
    pub(super) fn judge(&mut self, parameters: &Parameters, epoch: u64, eligible: usize) {
        let next = match &self.stage {
            Stage::Watched if self.evidence() >= parameters.suspicion_threshold() => {
                self.visits = self.visits.saturating_add(1);
                let accused = self.accused();
                Stage::Suspect(Box::new(Investigation::open(parameters, epoch, self.visits, eligible, accused)))
            }
            Stage::Suspect(investigation) if investigation.accuses(parameters, self.claims.count()) => {
                Stage::Convicted(Box::new(investigation.recovery(epoch)))
            }
            Stage::Suspect(investigation) if investigation.log_honesty() >= parameters.log_honest_evidence(1) => {
                self.clear(epoch);
                Stage::Watched
            }
            Stage::Convicted(investigation)
                if investigation.log_honesty() >= parameters.log_honest_evidence(investigation.visit()) =>
            {
                self.clear(epoch);
                Stage::Watched
            }
            _ => return,
        };
        self.stage = next;
    }

    /// The published judgement at the end of an epoch.
    pub(super) fn verdict(&self, parameters: &Parameters, epoch: u64) -> Verdict {
        if matches!(self.stage, Stage::Convicted(_)) {
            return Verdict::UnderDelivering;
        }
        let threshold = parameters.log_honest_evidence(1);
        // Every claim must be proven, and by sessions that owners enough have seen.
        let honest = self.owners_seen() >= (parameters.honest_owners_min as usize).min(OWNERS_KEPT)
            && self.resources.len() == self.claims.count()
            && self.resources.iter().all(|state| state.log_honesty(parameters, epoch) >= threshold);
        if honest { Verdict::Honest } else { Verdict::Unknown }
    }

    /// What is published at the end of an epoch, once there is evidence.
    pub(super) fn score(&self, parameters: &Parameters, epoch: u64) -> Option<NodeScore> {
        let verdict = self.verdict(parameters, epoch);
        let resources: Vec<_> = self
            .resources
            .iter()
            .map(|state| ResourceScore {
                resource: state.resource(),
                estimate: state.estimate(parameters, epoch),
                probes: state.probes(),
                last_epoch: state.last_epoch(),
            })
            .collect();
        let least = |bound: fn(&Estimate) -> u16| resources.iter().map(|r| bound(&r.estimate)).min();
        // A convicted node does not outrank those that keep their word, however good its newest sessions are.
        let most = if verdict == Verdict::UnderDelivering { parameters.cleared_mean_bps } else { u16::MAX };
        Some(NodeScore {
            node: self.id,
            estimate: Estimate {
                low_bps: least(|e| e.low_bps)?.min(most),
                score_bps: least(|e| e.score_bps)?.min(most),
                high_bps: least(|e| e.high_bps)?,
            },
            verdict,
            probes: resources.iter().fold(0, |sum, r| sum.saturating_add(r.probes)),
            last_epoch: resources.iter().map(|r| r.last_epoch).max()?,
            resources,
        })
    }

    /// S in basis points, the least over its resources.
    pub(super) fn score_bps(&self, parameters: &Parameters, epoch: u64) -> Option<u16> {
        self.resources.iter().map(|state| state.score_bps(parameters, epoch)).min()
    }

    /// Keeps the intervals that are published at the end of an epoch.
    pub(super) fn settle(&mut self, parameters: &Parameters, epoch: u64) {
        for state in &mut self.resources {
            state.settle(parameters, epoch);
        }
    }

    /// The resources that made the node suspect, which are those that must be cleared; all of them, if it was silence.
    fn accused(&self) -> Vec<ResourceId> {
        let accused: Vec<_> =
            self.resources.iter().filter(|state| state.evidence() >= 1.0).map(ResourceState::resource).collect();
        if accused.is_empty() { self.resources.iter().map(ResourceState::resource).collect() } else { accused }
    }

    fn clear(&mut self, epoch: u64) {
        for state in &mut self.resources {
            state.clear(epoch);
        }
        self.inconclusive = Detector::new(epoch);
    }
}

/// The levy on a convicted node's earnings: what it falls short of q by, even by the upper bound of its interval.
#[must_use]
pub fn levy_bps(parameters: &Parameters, score: &NodeScore) -> u16 {
    if score.verdict != Verdict::UnderDelivering {
        return 0;
    }
    parameters.mean_bps.saturating_sub(score.estimate.high_bps).min(parameters.levy_max_bps)
}
