//! The fold: the log in, the scores of all nodes out.
//!
//! Owns the order in which evidence counts. What is logged waits until its epoch closes and is counted once; then
//! the epoch's batches enter the states, in the order of node and resource, judged by what was known before the epoch.
//! What cannot be folded is an error, and what does not count is listed with its reason: nothing is skipped silently. Its
//! invariant: equal logs give equal states, bit for bit.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::claim::{Bounds, RESOURCE_BETS, Tally};
use super::contamination::{Audited, Contamination};
use super::entry::{
    Announced, BondChanged, Entry, FisherAudited, FisherId, FoldedAudit, FoldedReport, NodeId, OwnerId, ReportId,
    ResourceId, Weight,
};
use super::fisher::{Findings, Fisher};
use super::ledger::Owner;
use super::node::{Node, NodeScore, Stage, Standing};
use super::organisation::{self, Organisations};
use super::parameters::Parameters;
use super::resource::Batch;

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

/// Why a finding in the log does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Its fisher had no weight.
    #[error("its fisher had no weight")]
    Weightless,
    /// It was counted before.
    #[error("it was counted before")]
    Repeated,
    /// Its epoch lies too far back.
    #[error("its epoch lies too far back")]
    Late,
    /// Its epoch has not come yet.
    #[error("its epoch has not come yet")]
    Early,
    /// Its relay's owner is not registered.
    #[error("its relay's owner is not registered")]
    Stranger,
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

/// What the open epoch brought so far.
#[derive(Debug, Clone, Default)]
struct OpenEpoch {
    reports: Vec<(u32, FoldedReport)>,
    audits: Vec<(u32, FoldedAudit)>,
    findings: BTreeMap<FisherId, BTreeMap<Owner, Findings>>,
}

/// Reports that were counted, as long as a second copy would still be in time.
#[derive(Debug, Clone, Default)]
struct Seen {
    reports: HashSet<ReportId>,
    audits: HashSet<ReportId>,
    /// The same by the epoch of their counting, so that they can be forgotten.
    by_epoch: VecDeque<(u64, Vec<ReportId>, Vec<ReportId>)>,
}

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
struct Trace {
    node: NodeId,
    steps: Vec<Step>,
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

    /// Ends an epoch.
    fn close(&mut self, epoch: u64) -> Result<(), Error> {
        if let Some(last) = self.epoch.filter(|last| epoch <= *last) {
            return Err(Error::Epoch { epoch, last });
        }
        if epoch > EPOCH_MAX {
            return Err(Error::Beyond { epoch });
        }
        let open = std::mem::take(&mut self.open);
        self.ignored.clear();
        self.touched.clear();
        let reports = self.counted_reports(epoch, open.reports);
        let audits = self.counted_audits(epoch, open.audits);
        self.set_priors(&reports);
        self.fold_reports(epoch, &reports);
        self.fold_audits(epoch, &audits);
        self.touched.sort_unstable();
        self.touched.dedup();
        for node in &self.touched {
            self.nodes[*node as usize].judge(&self.parameters, epoch, self.owners.len());
        }
        self.fold_findings(epoch, open.findings);
        self.sort_nodes();
        self.epoch = Some(epoch);
        self.seen.forget(epoch, u64::from(self.parameters.report_window_epochs));
        Ok(())
    }

    /// The reports that count, in the order of node and resource. Within a resource the order is free: a batch is a sum of
    /// integers.
    fn counted_reports(&mut self, epoch: u64, mut reports: Vec<(u32, FoldedReport)>) -> Vec<(u32, FoldedReport)> {
        let oldest = epoch.saturating_sub(u64::from(self.parameters.report_window_epochs));
        let mut ids = Vec::with_capacity(reports.len());
        reports.retain(|(_, report)| {
            let ignored = match report.epoch {
                _ if report.weight == Weight::ZERO => Some(Ignored::Weightless),
                of if of < oldest => Some(Ignored::Late),
                of if of > epoch => Some(Ignored::Early),
                _ if !self.seen.reports.insert(report.report) => Some(Ignored::Repeated),
                _ => None,
            };
            match ignored {
                Some(reason) => self.ignored.push((report.report, reason)),
                None => ids.push(report.report),
            }
            ignored.is_none()
        });
        reports.sort_unstable_by_key(|(node, report)| (*node, report.resource));
        self.seen.by_epoch.push_back((epoch, ids, Vec::new()));
        reports
    }

    /// The audits that count, in the order of node, resource and owner.
    fn counted_audits(&mut self, epoch: u64, audits: Vec<(u32, FoldedAudit)>) -> Vec<(u32, Owner, FoldedAudit)> {
        let oldest = epoch.saturating_sub(u64::from(self.parameters.report_window_epochs));
        let mut counted = Vec::with_capacity(audits.len());
        for (node, audit) in audits {
            let owner = self.owners.get(&audit.owner);
            let ignored = match (audit.epoch, owner) {
                (_, None) => Some(Ignored::Stranger),
                (of, _) if of < oldest => Some(Ignored::Late),
                (of, _) if of > epoch => Some(Ignored::Early),
                _ if !self.seen.audits.insert(audit.report) => Some(Ignored::Repeated),
                _ => None,
            };
            match (ignored, owner) {
                (Some(reason), _) => self.ignored.push((audit.report, reason)),
                (None, owner) => counted.extend(owner.map(|owner| (node, *owner, audit))),
            }
        }
        if let Some((_, _, ids)) = self.seen.by_epoch.back_mut() {
            ids.extend(counted.iter().map(|(_, _, audit)| audit.report));
        }
        counted.sort_unstable_by_key(|(node, owner, audit)| (*node, audit.resource, *owner));
        counted
    }

    /// Gives nodes that are probed for the first time their prior, from the last epoch's scores.
    fn set_priors(&mut self, reports: &[(u32, FoldedReport)]) {
        let last = self.epoch.unwrap_or_default();
        let mut priors = Vec::new();
        for group in reports.chunk_by(|a, b| a.0 == b.0) {
            let number = group[0].0;
            let node = &self.nodes[number as usize];
            if !node.lacks_prior() {
                continue;
            }
            let members = node.organisation.map_or(&[][..], |organisation| self.organisations.members(organisation));
            let scores = members.iter().filter_map(|at| self.nodes[*at as usize].score_bps(&self.parameters, last));
            priors.push((number, organisation::prior_bps(&self.parameters, scores)));
        }
        for (number, prior) in priors {
            self.nodes[number as usize].set_prior(prior);
        }
    }

    fn fold_reports(&mut self, epoch: u64, reports: &[(u32, FoldedReport)]) {
        let bounds = Bounds::contaminated(&self.parameters, f64::from(self.contamination_bps) / 1e4);
        for of_node in reports.chunk_by(|a, b| a.0 == b.0) {
            let number = of_node[0].0;
            let node = &mut self.nodes[number as usize];
            let mut all = Tally::default();
            for group in of_node.chunk_by(|a, b| a.1.resource == b.1.resource) {
                let mut batch = Batch::default();
                for (_, report) in group {
                    batch.add(&self.parameters, report);
                }
                all.merge(batch.tally());
                let resource = group[0].1.resource;
                let factors = node.absorb(&self.parameters, epoch, &bounds, resource, &batch);
                if let Some(trace) = self.trace.as_mut().filter(|trace| trace.node == node.id) {
                    let wealth = node.resource(resource).map_or([0.0; RESOURCE_BETS], |state| state.wealth());
                    trace.steps.push(Step {
                        epoch,
                        resource,
                        reports: group.iter().map(|(_, report)| *report).collect(),
                        contamination_bps: self.contamination_bps,
                        factors,
                        wealth,
                    });
                }
            }
            node.absorb_inconclusive(&self.parameters, epoch, &bounds, &all);
            self.touched.push(number);
        }
    }

    fn fold_audits(&mut self, epoch: u64, audits: &[(u32, Owner, FoldedAudit)]) {
        for group in audits.chunk_by(|a, b| (a.0, a.2.resource) == (b.0, b.2.resource)) {
            let (number, resource) = (group[0].0, group[0].2.resource);
            let owners: Vec<_> = group
                .chunk_by(|a, b| a.1 == b.1)
                .map(|of_owner| {
                    let mut tally = Tally::default();
                    for (_, _, audit) in of_owner {
                        // Stamps say what they say: no fisher's weight enters.
                        tally.add(&self.parameters, audit.x, Weight::FULL);
                    }
                    (of_owner[0].1, tally)
                })
                .collect();
            self.nodes[number as usize].absorb_audits(&self.parameters, epoch, resource, &owners);
            self.touched.push(number);
        }
    }

    /// Counts the audits of fishers, and renews the bound on liars for the next epoch.
    fn fold_findings(&mut self, epoch: u64, findings: BTreeMap<FisherId, BTreeMap<Owner, Findings>>) {
        let (parameters, corrupt) = (self.parameters.clone(), self.corrupt_owners());
        let mut audits = BTreeMap::<Owner, Audited>::new();
        for (id, found) in findings {
            let fisher = self.fisher(id);
            // The weight that the audited reports had, before this epoch's audits change it.
            let weight = f64::from(fisher.weight(&parameters, corrupt).in_64ths());
            for (owner, found) in &found {
                let audited = audits.entry(*owner).or_default();
                audited.weight += weight * f64::from(found.agreed.saturating_add(found.disagreed));
                audited.refuted += weight * f64::from(found.disagreed);
            }
            fisher.absorb(&parameters, &Vec::from_iter(found));
        }
        self.contamination.absorb(&parameters, epoch, &audits);
        self.contamination_bps = self.contamination.bound_bps(&parameters, corrupt);
    }

    /// Takes new nodes into the order of keys.
    fn sort_nodes(&mut self) {
        if self.sorted.len() == self.nodes.len() {
            return;
        }
        self.sorted.extend(self.sorted.len() as u32..self.nodes.len() as u32);
        // Almost sorted already, which the stable sort makes use of.
        let nodes = &self.nodes;
        self.sorted.sort_by_key(|node| nodes[*node as usize].id);
    }
}

impl Seen {
    /// Forgets the ids of findings of which a second copy would come too late to count.
    fn forget(&mut self, epoch: u64, window: u64) {
        while self.by_epoch.front().is_some_and(|(counted, ..)| counted.saturating_add(window) < epoch) {
            let (_, reports, audits) = self.by_epoch.pop_front().unwrap_or_default();
            for id in reports {
                self.reports.remove(&id);
            }
            for id in audits {
                self.audits.remove(&id);
            }
        }
        for ids in [&mut self.reports, &mut self.audits] {
            if ids.capacity() > 4 * ids.len() {
                ids.shrink_to(2 * ids.len());
            }
        }
    }
}
