//! The fold: the log in, the scores of all nodes out.
//!
//! Owns the order in which evidence counts. Reports wait until their epoch closes and are counted once each; then
//! the epoch's batches enter the states, in the order of node and resource. Nothing fails here: a report that
//! comes twice, too late or without weight changes nothing. Its invariant: equal logs give equal states, bit for bit.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::entry::{Entry, FoldedReport, NodeId, ReportId, ResourceId, Weight};
use super::parameters::Parameters;
use super::resource::{Batch, Estimate, ResourceState};

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

/// Everything that the log says about the scores so far.
#[derive(Debug, Clone)]
pub struct State {
    parameters: Parameters,
    nodes: BTreeMap<NodeId, BTreeMap<ResourceId, ResourceState>>,
    /// Reports of the open epoch.
    pending: Vec<FoldedReport>,
    /// Reports that were counted, as long as a second copy would still be in time.
    seen: HashSet<ReportId>,
    /// The same by the epoch of their counting, so that they can be forgotten.
    seen_by_epoch: VecDeque<(u64, Vec<ReportId>)>,
    /// The nodes that the last closed epoch touched.
    touched: Vec<NodeId>,
    /// The last closed epoch.
    epoch: Option<u64>,
}

/// Folds a whole log.
pub fn fold(parameters: &Parameters, entries: impl IntoIterator<Item = Entry>) -> State {
    let mut state = State::new(parameters.clone());
    for entry in entries {
        state.apply(&entry);
    }
    state
}

impl State {
    /// The state of an empty log.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            parameters,
            nodes: BTreeMap::new(),
            pending: Vec::new(),
            seen: HashSet::new(),
            seen_by_epoch: VecDeque::new(),
            touched: Vec::new(),
            epoch: None,
        }
    }

    /// Reads the next entry of the log.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Report(report) => self.pending.push(*report),
            Entry::EpochClosed(closed) => self.close(closed.epoch),
        }
    }

    /// The last closed epoch.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The constants that this state was folded with.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The nodes that the last closed epoch brought probes of, in order.
    #[must_use]
    pub fn touched(&self) -> &[NodeId] {
        &self.touched
    }

    /// Inverts the intervals that the last closed epoch touched or that are due, and keeps them. Nothing that is read
    /// afterwards differs; it only comes faster.
    pub fn settle(&mut self) {
        let Some(epoch) = self.epoch else { return };
        for resource in self.nodes.values_mut().flat_map(BTreeMap::values_mut) {
            resource.settle(&self.parameters, epoch);
        }
    }

    /// The score of a node at the end of the last closed epoch, if it was ever probed.
    #[must_use]
    pub fn score(&self, node: &NodeId) -> Option<NodeScore> {
        self.node_score(*node, self.nodes.get(node)?)
    }

    /// The scores of all nodes at the end of the last closed epoch, in the order of their keys.
    pub fn scores(&self) -> impl Iterator<Item = NodeScore> + '_ {
        self.nodes.iter().filter_map(|(node, resources)| self.node_score(*node, resources))
    }

    /// Ends an epoch. One that does not come after the last is no epoch; its reports wait for the next.
    fn close(&mut self, epoch: u64) {
        if self.epoch.is_some_and(|last| epoch <= last) {
            return;
        }
        self.epoch = Some(epoch);
        self.count_pending(epoch);
        self.forget(epoch);
    }

    /// Counts the reports of the open epoch, each once.
    fn count_pending(&mut self, epoch: u64) {
        let mut pending = std::mem::take(&mut self.pending);
        let oldest = epoch.saturating_sub(u64::from(self.parameters.report_window_epochs));
        let mut ids = Vec::with_capacity(pending.len());
        pending.retain(|report| {
            let counts = report.weight != Weight::ZERO
                && (oldest..=epoch).contains(&report.epoch)
                && self.seen.insert(report.report);
            if counts {
                ids.push(report.report);
            }
            counts
        });
        // Within a resource the order is free: a batch is a sum of integers.
        pending.sort_unstable_by(|a, b| a.node.cmp(&b.node).then(a.resource.cmp(&b.resource)));
        self.touched.clear();
        for group in pending.chunk_by(|a, b| (a.node, a.resource) == (b.node, b.resource)) {
            let mut batch = Batch::default();
            for report in group {
                batch.add(report);
            }
            let resources = self.nodes.entry(group[0].node).or_default();
            let state = resources.entry(group[0].resource).or_insert_with(|| ResourceState::new(epoch));
            state.absorb(&self.parameters, epoch, &batch);
            self.touched.push(group[0].node);
        }
        self.touched.dedup();
        self.seen_by_epoch.push_back((epoch, ids));
    }

    /// Forgets the ids of reports of which a second copy would come too late to count.
    fn forget(&mut self, epoch: u64) {
        let window = u64::from(self.parameters.report_window_epochs);
        while self.seen_by_epoch.front().is_some_and(|(counted, _)| counted.saturating_add(window) < epoch) {
            let (_, ids) = self.seen_by_epoch.pop_front().unwrap_or_default();
            for id in ids {
                self.seen.remove(&id);
            }
        }
    }

    fn node_score(&self, node: NodeId, resources: &BTreeMap<ResourceId, ResourceState>) -> Option<NodeScore> {
        let epoch = self.epoch?;
        let resources: Vec<_> = resources
            .iter()
            .map(|(resource, state)| ResourceScore {
                resource: *resource,
                estimate: state.estimate(&self.parameters, epoch),
                probes: state.probes(),
                last_epoch: state.last_epoch(),
            })
            .collect();
        let least = |bound: fn(&Estimate) -> u16| resources.iter().map(|r| bound(&r.estimate)).min();
        Some(NodeScore {
            node,
            estimate: Estimate {
                low_bps: least(|e| e.low_bps)?,
                score_bps: least(|e| e.score_bps)?,
                high_bps: least(|e| e.high_bps)?,
            },
            // Verdicts come from e-processes over audited sessions; a score alone never makes one.
            verdict: Verdict::Unknown,
            probes: resources.iter().fold(0, |sum, r| sum.saturating_add(r.probes)),
            last_epoch: resources.iter().map(|r| r.last_epoch).max()?,
            resources,
        })
    }
}
