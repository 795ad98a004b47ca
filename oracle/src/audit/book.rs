//! What the log says of a report from its commit until it is folded, and of those on whom its weight and audit depend.
//!
//! Owns weights at commits, relays' owners, nodes' providers and beacons, as far as reports that may still be folded need
//! them. A function of the log's entries alone. Its invariant: every folded report has the weight that its fisher had when
//! he committed, and every audit that was drawn stands in the log with its report.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use alloy::primitives::Address;
use gpux_proto::{
    bytes::{self, array, present},
    evidence::{
        AuditFolded, Commit, Descriptor, NodeAnnounced, RelayRegistered, ReportCommitted, ReportFolded, ReportRevealed,
        log_entry::Fact,
    },
    signing::{self, Domain},
};

use crate::score::{FisherId, NodeId, OwnerId, ReportId, Standing, State, Weight};

/// How many providers of one node are remembered: a report is judged by the one of its reveal, and no honest node changes its
/// own often.
const PROVIDERS_MAX: usize = 8;

/// Why an entry contradicts the log before it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// What the entry contains cannot be read.
    #[error(transparent)]
    Unreadable(#[from] signing::Error),
    /// A relay changes its owner, and with it the evidence that it gave.
    #[error("relay {} is registered by a second owner", bytes::to_hex(.0))]
    RelayMoved([u8; 32]),
    /// A report is folded with another weight than its fisher had: the operator favours or silences him.
    #[error("report {} is folded with weight {written}/64, by the log before it is {due}/64", bytes::to_hex(.report))]
    Weight { report: [u8; 32], written: u32, due: u32 },
    /// A report is folded before the beacon that draws its audit.
    #[error("report {} is folded before its beacon is known", bytes::to_hex(.0))]
    Undrawn([u8; 32]),
    /// A report is folded in another epoch than it was revealed in, which would draw its audit by another beacon.
    #[error("report {} is folded as of epoch {written}, it was revealed in {revealed}", bytes::to_hex(.report))]
    Epoch { report: [u8; 32], written: u64, revealed: u64 },
    /// An audit stands in the log that was not drawn, or not of this session.
    #[error("an audit of report {} was not drawn", bytes::to_hex(.0))]
    Undue([u8; 32]),
    /// An audit that was drawn is not there: the operator hides what it found.
    #[error("the audit of report {} was drawn, and epoch {epoch} closes without it", bytes::to_hex(.report))]
    Missing { report: [u8; 32], epoch: u64 },
}

impl From<bytes::Error> for Error {
    fn from(error: bytes::Error) -> Self {
        Self::Unreadable(error.into())
    }
}

/// What the log says of a report that is to be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What it weighs.
    pub weight: Weight,
    /// Whose relay's stamps are compared, if they are.
    pub auditor: Option<OwnerId>,
    /// Whether it was assigned and somebody could audit it.
    counts: bool,
}

impl Terms {
    /// Nobody can audit it, so it counts for nothing.
    const VOID: Self = Self { weight: Weight::ZERO, auditor: None, counts: false };
}

/// What an entry says of fishers' work, for whoever pays them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Work {
    /// Nothing.
    #[default]
    None,
    /// A report was folded that had to be made, and that its audit does not refute. It weighs what its fisher weighed when
    /// he committed.
    Done { fisher: FisherId, weight: Weight },
    /// An epoch closed in which these fishers' time to reveal a commit ended.
    Closed { unrevealed: Vec<FisherId> },
}

/// A report that was revealed.
#[derive(Debug, Clone, Copy)]
struct Revealed {
    fisher: FisherId,
    weight: Weight,
    /// Who may audit it; nobody if there was no relay, or one of the fisher's own.
    owner: Option<OwnerId>,
    epoch: u64,
    /// The place of the reveal in the log.
    index: u64,
}

/// The commits of an epoch.
#[derive(Debug, Clone)]
struct Committed {
    epoch: u64,
    keys: Vec<Key>,
    /// Whether those that were not revealed in time were charged.
    charged: bool,
}

/// A commit, by report and fisher: anybody may commit another's id, and gains nothing by it.
type Key = (ReportId, FisherId);

/// The log's word on reports that are not folded yet.
#[derive(Debug, Clone, Default)]
pub struct Book {
    relays: HashMap<[u8; 32], OwnerId>,
    /// Each node's providers and from which entry on, the newest last.
    providers: HashMap<NodeId, Vec<(u64, Address)>>,
    commits: HashMap<Key, Weight>,
    revealed: HashMap<ReportId, Revealed>,
    /// The first block's hash of each epoch that reports may need.
    beacons: BTreeMap<u64, [u8; 32]>,
    /// Commits of the open epoch, and those before by the epoch in which they came, to be forgotten.
    open: Vec<Key>,
    by_epoch: VecDeque<Committed>,
    /// Audits that the open epoch owes.
    owed: BTreeMap<ReportId, AuditFolded>,
    /// Weights of the open epoch: they change only with what clears them.
    weights: HashMap<FisherId, Weight>,
}

impl Book {
    /// Reads the entry at `index`, before the fold does: `state` is that of the entries before.
    pub fn apply(&mut self, index: u64, fact: &Fact, state: &State) -> Result<Work, Error> {
        match fact {
            Fact::ReportFolded(folded) => return self.folded(folded, state),
            Fact::EpochClosed(closed) => return self.closed(closed.epoch, state),
            Fact::NodeAnnounced(announced) => self.announced(index, announced)?,
            Fact::RelayRegistered(registered) => self.registered(registered)?,
            Fact::ReportCommitted(committed) => self.committed(committed, state)?,
            Fact::ReportRevealed(revealed) => self.reveal(index, revealed, state)?,
            Fact::AuditFolded(audit) => self.audited(audit)?,
            Fact::BondChanged(changed) => {
                self.weights.remove(&FisherId(array("fisher", &changed.fisher)?));
            }
            Fact::BeaconSeen(seen) => {
                let block = present("block", &seen.block)?;
                self.beacons.entry(seen.epoch).or_insert(array("block.hash", &block.hash)?);
            }
            Fact::FisherAudited(_)
            | Fact::FisherRegistered(_)
            | Fact::PaymentSeen(_)
            | Fact::CertificateSeen(_)
            | Fact::RulingSeen(_)
            | Fact::ParametersSet(_) => {}
        }
        Ok(Work::None)
    }

    /// The provider that a node's newest descriptor names.
    #[must_use]
    pub fn provider(&self, node: &NodeId) -> Option<Address> {
        self.providers.get(node)?.last().map(|(_, provider)| *provider)
    }

    /// What the log says of a report about a node; `None` while the beacon that draws its audit is not known. That the host
    /// `failed` is always audited: a silence is the fisher's word, and a node cannot prove that it spoke.
    #[must_use]
    pub fn terms(&self, report: &ReportId, node: &NodeId, failed: bool, state: &State) -> Option<Terms> {
        let Some(revealed) = self.revealed.get(report) else { return Some(Terms::VOID) };
        let Some(owner) = revealed.owner else { return Some(Terms::VOID) };
        // A provider's own relay would say of his node what he likes.
        if self.provider_at(node, revealed.index).is_none_or(|provider| provider.into_array() == owner.0) {
            return Some(Terms::VOID);
        }
        let first = revealed.epoch + u64::from(state.parameters().beacon_epochs);
        let (_, beacon) = self.beacons.range(first..).next()?;
        let accused = matches!(state.standing(node), Some(Standing::Suspect | Standing::Convicted));
        let audited = failed || accused || super::selected(state.parameters(), &report.0, beacon);
        Some(Terms { weight: revealed.weight, auditor: audited.then_some(owner), counts: true })
    }

    fn provider_at(&self, node: &NodeId, index: u64) -> Option<Address> {
        let providers = self.providers.get(node)?;
        let then = providers.iter().rev().find(|(since, _)| *since < index).or(providers.first());
        then.map(|(_, provider)| *provider)
    }

    fn announced(&mut self, index: u64, announced: &NodeAnnounced) -> Result<(), Error> {
        let description = present("description", &announced.description)?;
        let signed = present("descriptor", &description.descriptor)?;
        let descriptor: Descriptor = signing::open(Domain::Descriptor, signed)?;
        let node = NodeId(array("descriptor.node", &descriptor.node)?);
        let provider = Address::from(array::<20>("descriptor.provider", &descriptor.provider)?);
        let providers = self.providers.entry(node).or_default();
        if providers.last().is_none_or(|(_, last)| *last != provider) {
            if providers.len() == PROVIDERS_MAX {
                providers.remove(0);
            }
            providers.push((index, provider));
        }
        Ok(())
    }

    fn registered(&mut self, registered: &RelayRegistered) -> Result<(), Error> {
        let registration = present("registration", &registered.registration)?;
        let relay = array("relay.relay", &registration.relay)?;
        let owner = OwnerId(array("relay.owner", &registration.owner)?);
        // A new owner changes how many of them are left out.
        self.weights.clear();
        if *self.relays.entry(relay).or_insert(owner) == owner { Ok(()) } else { Err(Error::RelayMoved(relay)) }
    }

    fn committed(&mut self, committed: &ReportCommitted, state: &State) -> Result<(), Error> {
        let commit: Commit = signing::open(Domain::Commit, present("commit", &committed.commit)?)?;
        let fisher = FisherId(array("commit.fisher", &commit.fisher)?);
        let key = (ReportId(array("commit.report", &commit.report)?), fisher);
        let weight = *self.weights.entry(fisher).or_insert_with(|| state.weight(&fisher));
        self.commits.entry(key).or_insert(weight);
        self.open.push(key);
        Ok(())
    }

    fn reveal(&mut self, index: u64, revealed: &ReportRevealed, state: &State) -> Result<(), Error> {
        let report = ReportId(array("report", &revealed.report)?);
        let fisher = FisherId(array("fisher", &revealed.fisher)?);
        let relay = bytes::optional::<32>("relay", &revealed.relay)?;
        let parameters = state.parameters();
        // Without a commit before it, it is as if it were not there: nothing of it will weigh.
        let Some(weight) = self.commits.remove(&(report, fisher)) else { return Ok(()) };
        let known = revealed.epoch.saturating_add(u64::from(parameters.beacon_epochs));
        let owner = relay
            .and_then(|relay| self.relays.get(&relay).copied())
            // Who may choose the node and the moment tells a friendly host; then stamps say what he wanted to be seen.
            .filter(|_| revealed.assigned || parameters.assignment_slots == 0)
            .filter(|owner| owner.0 != fisher.0)
            // Whoever took his stake back speaks for free.
            .filter(|owner| state.bond(&FisherId(owner.0)) >= parameters.min_bond)
            // A reveal that is dated back to a known beacon could have been chosen by it.
            .filter(|_| self.beacons.range(known..).next().is_none());
        let held = Revealed { fisher, weight, owner, epoch: revealed.epoch, index };
        self.revealed.entry(report).or_insert(held);
        Ok(())
    }

    fn folded(&mut self, folded: &ReportFolded, state: &State) -> Result<Work, Error> {
        let report = ReportId(array("report", &folded.report)?);
        let node = NodeId(array("node", &folded.node)?);
        let failed = folded.refuted || folded.x_upper == 0;
        let terms = self.terms(&report, &node, failed, state).ok_or(Error::Undrawn(report.0))?;
        let due = terms.weight.in_64ths();
        if folded.weight != due {
            return Err(Error::Weight { report: report.0, written: folded.weight, due });
        }
        let revealed = self.revealed.remove(&report);
        if let Some(revealed) = revealed.filter(|revealed| revealed.epoch != folded.epoch) {
            return Err(Error::Epoch { report: report.0, written: folded.epoch, revealed: revealed.epoch });
        }
        let done = revealed.filter(|_| terms.counts && !folded.refuted);
        if let Some(owner) = terms.auditor {
            let owed = AuditFolded {
                node: folded.node.clone(),
                resource: folded.resource,
                owner: owner.0.to_vec(),
                epoch: folded.epoch,
                report: folded.report.clone(),
                ..AuditFolded::default()
            };
            self.owed.insert(report, owed);
        }
        let Some(Revealed { fisher, weight, .. }) = done else { return Ok(Work::None) };
        Ok(Work::Done { fisher, weight })
    }

    fn audited(&mut self, audit: &AuditFolded) -> Result<(), Error> {
        let report = ReportId(array("report", &audit.report)?);
        // What was found is the operator's word, the rest is not.
        let drawn = AuditFolded { x_lower: 0, x_upper: 0, inconclusive: false, ..audit.clone() };
        if self.owed.remove(&report) == Some(drawn) { Ok(()) } else { Err(Error::Undue(report.0)) }
    }

    fn closed(&mut self, epoch: u64, state: &State) -> Result<Work, Error> {
        if let Some(report) = self.owed.keys().next() {
            return Err(Error::Missing { report: report.0, epoch });
        }
        self.weights.clear();
        let window = u64::from(state.parameters().report_window_epochs);
        self.by_epoch.push_back(Committed { epoch, keys: std::mem::take(&mut self.open), charged: false });
        let unrevealed = self.charge(epoch, state.parameters().reveal_epochs.into());
        while self.by_epoch.front().is_some_and(|of| of.epoch.saturating_add(window) < epoch) {
            for (report, fisher) in self.by_epoch.pop_front().map(|of| of.keys).unwrap_or_default() {
                self.commits.remove(&(report, fisher));
                if self.revealed.get(&report).is_some_and(|revealed| revealed.fisher == fisher) {
                    self.revealed.remove(&report);
                }
            }
        }
        self.beacons = self.beacons.split_off(&epoch.saturating_sub(window));
        Ok(Work::Closed { unrevealed })
    }

    /// The fishers of commits whose time to be revealed ends with an epoch, each once.
    fn charge(&mut self, epoch: u64, reveal_epochs: u64) -> Vec<FisherId> {
        let mut fishers = BTreeSet::new();
        let late = self.by_epoch.iter_mut().take_while(|of| of.epoch.saturating_add(reveal_epochs) <= epoch);
        for of in late.filter(|of| !of.charged) {
            of.charged = true;
            fishers.extend(of.keys.iter().filter(|key| self.commits.contains_key(key)).map(|(_, fisher)| *fisher));
        }
        fishers.into_iter().collect()
    }
}
