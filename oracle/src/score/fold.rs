//! The fold: the log in, the scores of all nodes out.
//!
//! Owns the state and the order in which evidence counts. What is logged waits until its epoch closes and is counted once;
//! then the epoch's batches enter the states, in the order of node and resource, judged by what was known before the epoch.
//! What cannot be folded is an error, and what does not count is listed with its reason: nothing is skipped silently. Its
//! invariant: equal logs give equal states, bit for bit.

mod closing;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::contamination::Contamination;
use super::counting::Ignored;
use super::entry::{Announced, BondChanged, Entry, FisherAudited, FisherId, NodeId, OwnerId, ReportId, Weight};
use super::fisher::Fisher;
use super::ledger::Owner;
use super::node::{Node, NodeScore, Stage, Standing};
use super::organisation::Organisations;
use super::parameters::Parameters;
use super::seen::Seen;
use super::trace::{Step, Trace};
use closing::OpenEpoch;

/// The last epoch that states can count; the number after it means none.
const EPOCH_MAX: u64 = u32::MAX as u64 - 1;

/// Why an entry cannot be folded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Epochs only rise: the log is reordered, or two logs are mixed.
    #[error("epoch {epoch} is closed after epoch {last}")]
    Epoch { epoch: u64, last: u64 },
    /// Fishers are audited by owners who registered before.
    #[error("a fisher was audited by an owner who is not registered")]
    Stranger { owner: OwnerId },
    /// No clock can have counted to it.
    #[error("epoch {epoch} is beyond {EPOCH_MAX}")]
    Beyond { epoch: u64 },
}

/// Everything that the log says about the scores so far.
#[derive(Debug, Clone)]
pub struct State {
    parameters: Parameters,
    /// The nodes' numbers by their keys. Keys are chosen by hosts, so their hash is seeded; no order comes from it.
    index: HashTable<u32>,
    hasher: RandomState,
    nodes: Vec<Node>,
    /// The nodes' numbers in the order of their keys.
    sorted: Vec<u32>,
    organisations: Organisations,
    fishers: BTreeMap<FisherId, Fisher>,
    contamination: Contamination,
    /// b, as it was at the end of the last closed epoch.
    contamination_bps: u16,
    owners: BTreeMap<OwnerId, Owner>,
    open: OpenEpoch,
    seen: Seen,
    ignored: Vec<(ReportId, Ignored)>,
    /// The nodes that the last closed epoch touched, by number.
    touched: Vec<u32>,
    trace: Option<Trace>,
    /// The last closed epoch.
    epoch: Option<u64>,
}

/// Folds a whole log.
pub fn fold(parameters: &Parameters, entries: impl IntoIterator<Item = Entry>) -> Result<State, Error> {
    let mut state = State::new(parameters.clone());
    for entry in entries {
        state.apply(&entry)?;
    }
    Ok(state)
}

impl State {
    /// The state of an empty log.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let contamination = Contamination::default();
        Self {
            contamination_bps: contamination.bound_bps(&parameters, 0),
            contamination,
            parameters,
            index: HashTable::new(),
            hasher: RandomState::new(),
            nodes: Vec::new(),
            sorted: Vec::new(),
            organisations: Organisations::default(),
            fishers: BTreeMap::new(),
            owners: BTreeMap::new(),
            open: OpenEpoch::default(),
            seen: Seen::default(),
            ignored: Vec::new(),
            touched: Vec::new(),
            trace: None,
            epoch: None,
        }
    }

    /// The same, with every step of one node's history recorded.
    #[must_use]
    pub fn tracing(parameters: Parameters, node: NodeId) -> Self {
        Self { trace: Some(Trace { node, steps: Vec::new() }), ..Self::new(parameters) }
    }

    /// Reads the next entry of the log.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Error> {
        match entry {
            Entry::Report(report) => {
                let node = self.number(report.node);
                self.open.reports.push((node, *report));
            }
            Entry::Audit(audit) => {
                let node = self.number(audit.node);
                self.open.audits.push((node, *audit));
            }
            Entry::FisherAudited(FisherAudited { fisher, owner, finding }) => {
                let owner = *self.owners.get(owner).ok_or(Error::Stranger { owner: *owner })?;
                self.open.findings.entry(*fisher).or_default().entry(owner).or_default().add(*finding);
            }
            Entry::BondChanged(BondChanged { fisher, bond }) => self.fisher(*fisher).set_bond(*bond),
            Entry::Announced(announced) => self.announce(announced),
            Entry::OwnerRegistered(owner) => {
                let next = self.owners.len() as Owner;
                self.owners.entry(*owner).or_insert(next);
            }
            Entry::EpochClosed(closed) => return self.close(closed.epoch),
        }
        Ok(())
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

    /// The nodes that the last closed epoch brought probes or audits of, in the order of their keys.
    #[must_use]
    pub fn touched(&self) -> Vec<NodeId> {
        let mut touched: Vec<_> = self.touched.iter().map(|node| self.nodes[*node as usize].id).collect();
        touched.sort_unstable();
        touched
    }

    /// The findings of the last closed epoch that did not count, each with the reason.
    #[must_use]
    pub fn ignored(&self) -> &[(ReportId, Ignored)] {
        &self.ignored
    }

    /// The recorded history of the node that is traced.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        self.trace.as_ref().map_or(&[], |trace| &trace.steps)
    }

    /// What a fisher's reports weigh from the end of the last closed epoch on.
    #[must_use]
    pub fn weight(&self, fisher: &FisherId) -> Weight {
        let corrupt = self.corrupt_owners();
        self.fishers.get(fisher).map_or(Weight::ZERO, |fisher| fisher.weight(&self.parameters, corrupt))
    }

    /// What an account has at stake that does not thaw, by the log so far.
    #[must_use]
    pub fn bond(&self, account: &FisherId) -> u128 {
        self.fishers.get(account).map_or(0, Fisher::bond)
    }

    /// The owners of relays who registered so far, in the order of their addresses.
    pub fn owners(&self) -> impl ExactSizeIterator<Item = OwnerId> + '_ {
        self.owners.keys().copied()
    }

    /// The evidence against a fisher and the number of audits that agreed with him.
    #[must_use]
    pub fn fisher_evidence(&self, fisher: &FisherId) -> Option<(f64, u32)> {
        self.fishers.get(fisher).map(|fisher| (fisher.evidence(self.corrupt_owners()), fisher.agreed()))
    }

    /// Whether audits contradict a fisher as much as makes a node suspect: an honest one comes there with probability a1 at most
    /// in each span of bets.
    #[must_use]
    pub fn lies(&self, fisher: &FisherId) -> bool {
        let evidence = self.fisher_evidence(fisher);
        evidence.is_some_and(|(evidence, _)| evidence >= self.parameters.suspicion_threshold())
    }

    /// b: the largest share of all weight that may lie, in basis points, as the next epoch reckons with it.
    #[must_use]
    pub fn contamination_bps(&self) -> u16 {
        self.contamination_bps
    }

    /// E of the first stage: how much says that a node breaks a claim, for whoever schedules probes.
    #[must_use]
    pub fn evidence(&self, node: &NodeId) -> Option<f64> {
        self.node(node).map(Node::evidence)
    }

    /// Where a node stands. Of this only a conviction is ever published.
    #[must_use]
    pub fn standing(&self, node: &NodeId) -> Option<Standing> {
        self.node(node).map(Node::standing)
    }

    /// Nodes to probe more often: suspicion is nothing else, and is published nowhere.
    pub fn suspects(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes.iter().filter(|node| matches!(node.stage, Stage::Suspect(_))).map(|node| node.id)
    }

    /// Inverts the intervals that the last closed epoch touched or that are due, and keeps them. Nothing that is read
    /// afterwards differs; it only comes faster.
    pub fn settle(&mut self) {
        let Some(epoch) = self.epoch else { return };
        for node in &mut self.nodes {
            node.settle(&self.parameters, epoch);
        }
    }

    /// The score of a node at the end of the last closed epoch, if it was ever probed.
    #[must_use]
    pub fn score(&self, node: &NodeId) -> Option<NodeScore> {
        self.node(node)?.score(&self.parameters, self.epoch?)
    }

    /// The scores of all nodes at the end of the last closed epoch, in the order of their keys.
    pub fn scores(&self) -> impl Iterator<Item = NodeScore> + '_ {
        let nodes = self.epoch.map(|epoch| {
            let nodes = self.sorted.iter().map(|node| &self.nodes[*node as usize]);
            nodes.filter_map(move |node| node.score(&self.parameters, epoch))
        });
        nodes.into_iter().flatten()
    }

    pub(super) fn node(&self, node: &NodeId) -> Option<&Node> {
        let hash = self.hasher.hash_one(node);
        let at = self.index.find(hash, |at| self.nodes[*at as usize].id == *node)?;
        Some(&self.nodes[*at as usize])
    }

    /// The number of a node; a new one gets the next.
    fn number(&mut self, id: NodeId) -> u32 {
        let (nodes, hasher) = (&mut self.nodes, &self.hasher);
        let hash = hasher.hash_one(id);
        if let Some(at) = self.index.find(hash, |at| nodes[*at as usize].id == id) {
            return *at;
        }
        let number = nodes.len() as u32;
        nodes.push(Node::new(id, self.epoch.unwrap_or_default()));
        self.index.insert_unique(hash, number, |at| hasher.hash_one(nodes[*at as usize].id));
        number
    }

    fn fisher(&mut self, id: FisherId) -> &mut Fisher {
        self.fishers.entry(id).or_insert_with(Fisher::new)
    }

    /// k: how many of the owners may be corrupt.
    fn corrupt_owners(&self) -> usize {
        self.parameters.corrupt_owners(self.owners.len())
    }

    fn announce(&mut self, announced: &Announced) {
        let number = self.number(announced.node);
        let node = &mut self.nodes[number as usize];
        // A claim that was made once stays staked on: taking it back must not raise what is staked on the others.
        node.claims = node.claims.union(announced.claims);
        let organisation = announced.organisation.map(|id| self.organisations.number(id));
        if node.organisation != organisation {
            if let Some(former) = node.organisation {
                self.organisations.leave(former, number);
            }
            if let Some(organisation) = organisation {
                self.organisations.join(organisation, number);
            }
            node.organisation = organisation;
        }
    }
}
