//! What was drawn and is to be done, in the order of its starts. Invariant: a turn is given out once, no two at the same time are
//! about the same node, and none is given out after its span.
use gpux_kernels::probe::ProbeId;
use gpux_proto::evidence::Assignment;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};
use tracing::debug;

/// One assigned session.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// What the report shows.
    pub assignment: Assignment,
    /// The node.
    pub node: [u8; 32],
    /// The probe.
    pub probe: ProbeId,
    /// The earliest start, by wall time.
    pub start: Duration,
    /// From then on it is too late.
    pub end: Duration,
}

/// Turns that wait.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: BTreeMap<(Duration, u64, u32), Turn>,
    /// Nodes whose turn it is: two rentals of one fisher at once would measure each other.
    held: HashSet<[u8; 32]>,
}

impl Queue {
    /// Adds a turn.
    pub fn add(&mut self, turn: Turn) {
        self.waiting.insert((turn.start, turn.assignment.epoch, turn.assignment.slot), turn);
    }

    /// Gives out the turn with the earliest start whose node is free; drops those whose time is over.
    pub fn take(&mut self, now: Duration) -> Option<Turn> {
        let before = self.waiting.len();
        self.waiting.retain(|_, turn| turn.end > now);
        if self.waiting.len() < before {
            debug!(skipped = before - self.waiting.len(), "assignments were not reached in time");
        }
        let key = *self.waiting.iter().find(|(_, turn)| !self.held.contains(&turn.node))?.0;
        let turn = self.waiting.remove(&key)?;
        self.held.insert(turn.node);
        Some(turn)
    }

    /// Ends a node's turn.
    pub fn release(&mut self, node: &[u8; 32]) {
        self.held.remove(node);
    }
}
