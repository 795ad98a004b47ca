//! How a node's score and verdict came about, in numbers.
//!
//! Owns the picture that `gpux-oracle explain` prints: everything that the fold weighs about one node, with the thresholds
//! beside it. Computes nothing that the fold does not.

use super::claim::RESOURCE_BETS;
use super::entry::{NodeId, ResourceId};
use super::fold::State;
use super::investigation::{Investigation, log_accusation_threshold};
use super::node::{Node, NodeScore, Stage, Standing};
use super::resource::ResourceState;

/// What is known of one resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceEvidence {
    pub resource: ResourceId,
    /// W: the decayed weight of its conclusive probes, in full probes.
    pub weight: f64,
    /// X: the same times x.
    pub weighted: f64,
    /// m0, in basis points.
    pub prior_bps: u16,
    /// E of the first stage.
    pub evidence: f64,
    /// The wealth of each bet behind it: four on the mean, five on the rate.
    pub wealth: [f64; RESOURCE_BETS],
    /// ln of the smaller of both e-values for honesty.
    pub log_honesty: f64,
}

/// The second stage of a suspect or convicted node. Evidence is in natural logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audits {
    /// How often the node was suspect, this time included.
    pub visit: u32,
    /// Audited sessions that count.
    pub audits: u32,
    /// How many owners' evidence is dropped in each bet.
    pub dropped: usize,
    /// The evidence against the node.
    pub log_evidence: f64,
    /// From here on it is convicted.
    pub log_accusation: f64,
    /// The evidence for the node.
    pub log_honesty: f64,
    /// From here on it is cleared.
    pub log_clearance: f64,
}

/// Everything that the fold weighs about one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub score: NodeScore,
    pub standing: Standing,
    /// How many resources it claims, over which what is staked is split.
    pub claims: usize,
    /// How many audit owners saw it, as far as they are counted.
    pub owners: usize,
    pub resources: Vec<ResourceEvidence>,
    /// E against "its sessions are seldom inconclusive".
    pub inconclusive_evidence: f64,
    /// E of the first stage, over all claims.
    pub evidence: f64,
    /// From here on the node is suspect.
    pub suspicion: f64,
    /// What each e-value for honesty must reach for the verdict `honest`, in natural logarithms.
    pub log_honest: f64,
    pub audits: Option<Audits>,
    /// b, in basis points: the share of all weight that may lie, as the next epoch reckons with it.
    pub contamination_bps: u16,
}

impl State {
    /// Explains a node at the end of the last closed epoch, if it was ever probed.
    #[must_use]
    pub fn explain(&self, node: &NodeId) -> Option<Explanation> {
        let (score, node, epoch) = (self.score(node)?, self.node(node)?, self.epoch()?);
        let parameters = self.parameters();
        let resource = |state: &ResourceState| ResourceEvidence {
            resource: state.resource(),
            weight: state.weight(parameters, epoch),
            weighted: state.weighted(parameters, epoch),
            prior_bps: state.prior_bps(),
            evidence: state.evidence(),
            wealth: state.wealth(),
            log_honesty: state.log_honesty(parameters, epoch),
        };
        let audits = match &node.stage {
            Stage::Watched => None,
            Stage::Suspect(visit) => Some(self.audits(node, visit, 1)),
            Stage::Convicted(visit) => Some(self.audits(node, visit, visit.visit())),
        };
        Some(Explanation {
            score,
            standing: node.standing(),
            claims: node.claims.count(),
            owners: node.owners_seen(),
            resources: node.resources().iter().map(resource).collect(),
            inconclusive_evidence: node.inconclusive_evidence(),
            evidence: node.evidence(),
            suspicion: parameters.suspicion_threshold(),
            log_honest: parameters.log_honest_evidence(1),
            audits,
            contamination_bps: self.contamination_bps(),
        })
    }

    fn audits(&self, node: &Node, visit: &Investigation, clearance_visit: u32) -> Audits {
        Audits {
            visit: visit.visit(),
            audits: visit.audits(),
            dropped: visit.dropped(),
            log_evidence: visit.log_evidence(node.claims.count()),
            log_accusation: log_accusation_threshold(self.parameters(), visit.visit()),
            log_honesty: visit.log_honesty(),
            log_clearance: self.parameters().log_honest_evidence(clearance_visit),
        }
    }
}
