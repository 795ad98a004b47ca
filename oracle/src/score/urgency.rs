//! What the fold knows that speaks for probing a node again.
//!
//! Owns the two measures that schedules are made of, each between 0 and 1, and changes nothing. Suspicion enters them and is
//! told in no other way.

use super::entry::{NodeId, ResourceId};
use super::fold::State;
use super::node::{Node, Standing};

/// What speaks for probing a node, at the end of the last closed epoch.
#[derive(Debug)]
pub struct Urgency<'a> {
    state: &'a State,
    node: Option<&'a Node>,
}

impl State {
    /// What speaks for probing a node.
    #[must_use]
    pub fn urgency(&self, node: &NodeId) -> Urgency<'_> {
        Urgency { state: self, node: self.node(node) }
    }
}

impl Urgency<'_> {
    /// Whether all reports together speak against the node.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.node.is_some_and(|node| node.standing() == Standing::Suspect)
    }

    /// `sqrt(p (1 - p))` with p = E / (1 + E): the largest, 0.5, where the evidence says neither. While audits decide about
    /// a node it is open, whatever all reports together say.
    #[must_use]
    pub fn uncertainty(&self) -> f64 {
        match self.node {
            Some(node) if node.standing() == Standing::Watched => {
                let evidence = node.evidence();
                // sqrt(E) / (1 + E), without the square of a large E.
                libm::sqrt(evidence) / (1.0 + evidence)
            }
            Some(_) | None => 0.5,
        }
    }

    /// How much of a resource's last probe is forgotten: 1 if there was none.
    #[must_use]
    pub fn staleness(&self, resource: ResourceId) -> f64 {
        let last = self.node.and_then(|node| node.resource(resource)).map(|state| state.last_epoch());
        match (last, self.state.epoch()) {
            (Some(last), Some(now)) => self.state.parameters().staleness(now.saturating_sub(last)),
            _ => 1.0,
        }
    }
}
