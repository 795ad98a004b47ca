//! How a score came about: the recorded history of one node.
//!
//! Owns the steps that `explain` prints. Nothing is computed from them, so that a state that records and one that does not
//! give equal scores.

use super::claim::RESOURCE_BETS;
use super::entry::{FoldedReport, NodeId, ResourceId};

/// One step of a node's history, for whoever asks how a score came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub epoch: u64,
    pub resource: ResourceId,
    /// The reports of the epoch that count.
    pub reports: Vec<FoldedReport>,
    /// b, in basis points, by which the bounds were widened.
    pub contamination_bps: u16,
    /// What each bet was multiplied by: four on the mean, five on the rate.
    pub factors: [f64; RESOURCE_BETS],
    /// The wealth of each bet afterwards.
    pub wealth: [f64; RESOURCE_BETS],
}

/// The recorded history of one node.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub(super) node: NodeId,
    pub(super) steps: Vec<Step>,
}
