//! What goes into the store and comes out of it: plain records, without SQL and without wire types.

mod cases;
mod chain;
mod ranking;
mod usage;

pub use cases::{Case, CaseEvent, CaseFact, CaseFilter, Filing, Moment};
pub use chain::{BlockFacts, BlockRef, BondChange, Movement, MovementKind, PaymentTotals, Rental, RentalOpened};
pub use ranking::{Change, RankingFilter, RankingOf};
pub use usage::{DAY_SECS, Power, Usage, UsageDay};

use crate::log::Hash;

/// A 32-byte id or digest: node, report, rental, bundle, root.
pub type Digest = [u8; 32];

/// An EVM address.
pub type Address = [u8; 20];

/// What an accepting operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Held from now on; `log_index` is the index of the record's first log entry.
    New { log_index: u64 },
    /// Held before, unchanged; the index is that of the first time.
    Duplicate { log_index: u64 },
}

/// The log after an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The index of the first new entry (the size before).
    pub first: u64,
    /// The size with the new entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Which kind of bytes is kept under a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blob {
    /// A session's bundle, by its id.
    Bundle,
    /// An epoch's leaf file, by its data hash.
    Leaves,
    /// What fishers may claim, by its rewards root.
    Rewards,
}

/// A node's description to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub node: Digest,
    pub provider: Address,
    pub organisation: Option<Digest>,
    /// The GPU model, if it claims exactly one.
    pub model: Option<String>,
    pub descriptor_digest: Digest,
    pub sequence: u64,
    /// The end of the offer in unix seconds. (sequence, offer_until) must rise, so that nothing older replaces it.
    pub offer_until: u64,
    /// The encoded Description: descriptor, offer, membership as they were signed.
    pub description: Vec<u8>,
    /// When it arrived, in unix seconds.
    pub seen: u64,
    /// The encoded NodeAnnounced log entry.
    pub entry: Vec<u8>,
}

/// A node's description as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    pub node: Digest,
    pub provider: Address,
    pub organisation: Option<Digest>,
    pub descriptor_digest: Digest,
    pub sequence: u64,
    pub description: Vec<u8>,
    /// When the first description arrived, in unix seconds.
    pub first_seen: u64,
    /// When the newest one arrived.
    pub last_seen: u64,
}

/// A fisher's registration to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fisher {
    pub fisher: Address,
    pub report_key: Digest,
    /// Unix seconds. A newer registration must hold longer, so that an old one replayed changes nothing.
    pub valid_until: u64,
    /// His hash chain.
    pub chain: Chain,
    /// The encoded Registration.
    pub registration: Vec<u8>,
    /// The encoded FisherRegistered log entry.
    pub entry: Vec<u8>,
}

/// A fisher's hash chain: what chooses his assignments in the epochs after its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    pub end: Digest,
    /// The epoch at which it ends.
    pub epoch: u64,
}

/// One of the sessions that an epoch assigns to a fisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    pub epoch: u64,
    pub number: u32,
}

/// A fisher's registration as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FisherRow {
    pub fisher: Address,
    pub report_key: Digest,
    pub valid_until: u64,
    pub registration: Vec<u8>,
}

/// A relay's registration to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    pub relay: Digest,
    pub owner: Address,
    /// Unix seconds. A newer registration must hold longer, so that an old one replayed changes nothing.
    pub valid_until: u64,
    /// The encoded RelayRegistration.
    pub registration: Vec<u8>,
    /// The encoded RelayRegistered log entry.
    pub entry: Vec<u8>,
}

/// A relay's registration as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayRow {
    pub relay: Digest,
    pub owner: Address,
    pub valid_until: u64,
    pub registration: Vec<u8>,
}

/// A relay's stamps of one session to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps {
    pub relay: Digest,
    /// The head of the renter's first frame, which no other session has.
    pub head: Digest,
    pub owner: Address,
    /// The epoch in which they arrived.
    pub epoch: u64,
    /// When that frame passed by the relay's clock, in microseconds since 1970.
    pub first_us: u64,
    /// The encoded Signed stamps.
    pub signed: Vec<u8>,
}

/// What an audit found of a fisher, until it enters the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub fisher: Address,
    pub owner: Address,
    /// The number of the finding on the wire.
    pub finding: u8,
    /// The epoch with which it enters.
    pub due: u64,
}

/// A finding as it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FindingRow {
    pub sequence: u64,
    pub finding: Finding,
}

/// What entries of the log settle: it changes with them or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Reports that the entries fold.
    pub folded: Vec<Digest>,
    /// Those of them that weigh something and that no audit refutes.
    pub weighed: Vec<Digest>,
    /// Stamps that were compared, by relay and head: nobody asks for them again.
    pub compared: Vec<(Digest, Digest)>,
    /// Findings that enter later.
    pub found: Vec<Finding>,
    /// Findings that the entries contain, by sequence.
    pub told: Vec<u64>,
    /// Commits that count as unrevealed from now on, by report and fisher.
    pub unrevealed: Vec<(Digest, Address)>,
    /// Stamps that arrived before this epoch are forgotten.
    pub stamps_before: u64,
}

/// A commit to hold. Its signed bytes are in the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub report: Digest,
    pub fisher: Address,
    /// The epoch in which it arrived.
    pub epoch: u64,
    /// The encoded ReportCommitted log entry.
    pub entry: Vec<u8>,
}

/// A commit as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRow {
    pub report: Digest,
    pub fisher: Address,
    pub epoch: u64,
    /// Whether it was counted as one that nobody revealed; then it is too late to.
    pub unrevealed: bool,
    pub log_index: u64,
}

/// A revealed report to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub id: Digest,
    pub node: Digest,
    pub fisher: Address,
    pub rental: Digest,
    /// The number of the resource on the wire.
    pub resource: u32,
    /// The epoch in which it was revealed.
    pub epoch: u64,
    /// The epoch from which it may be folded: `epoch` and the lag.
    pub due: u64,
    /// The digest of the bundle, which was put before; none if the session never opened.
    pub bundle: Option<Digest>,
    /// The assignment that it reports, which has one report at most; none if the fisher chose the node.
    pub slot: Option<Slot>,
    /// The encoded Signed report.
    pub signed: Vec<u8>,
    /// The encoded ReportRevealed log entry.
    pub entry: Vec<u8>,
}

/// A report as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Rises with every report; the key of pages.
    pub sequence: u64,
    pub id: Digest,
    pub node: Digest,
    pub fisher: Address,
    pub rental: Digest,
    pub resource: u32,
    pub epoch: u64,
    pub due: u64,
    pub bundle: Option<Digest>,
    pub signed: Vec<u8>,
    /// Whether a log entry folds it.
    pub folded: bool,
}

/// Which reports to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportFilter {
    pub node: Option<Digest>,
    /// With `node` only.
    pub resource: Option<u32>,
    /// Only those that a log entry folds.
    pub folded: bool,
    /// Only those that weigh something in the entry that folds them, and that no audit refutes.
    pub weighed: bool,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntryRow {
    pub index: u64,
    pub bytes: Vec<u8>,
    pub leaf_hash: Hash,
}

/// How far an epoch has come; states only advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EpochState {
    /// Folded, leaves and root made.
    Built = 0,
    /// Signatures of enough operators are held.
    Signed = 1,
    /// A transaction is under way.
    Sent = 2,
    /// Its block is finalised.
    Confirmed = 3,
}

/// An epoch's publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    pub epoch: u64,
    pub log_size: u64,
    pub log_root: Hash,
    pub root: Digest,
    pub rewards_root: Digest,
    pub parameters: Digest,
    /// SHA-256 of the leaf file, which is the blob of this name.
    pub data_hash: Digest,
    pub leaves: u64,
    pub state: EpochState,
    /// What belongs to the state: encoded signatures (signed), the transaction's hash (sent, confirmed), else empty.
    pub transaction: Vec<u8>,
    /// The signatures that it is published with, 65 bytes each, in the order of their operators; empty before they are enough.
    pub signatures: Vec<u8>,
}

/// An operator's signature over an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Countersignature {
    pub epoch: u64,
    pub operator: Address,
    pub signature: [u8; 65],
}

/// A node's score that an epoch changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreUpdate {
    pub provider: Address,
    pub score: crate::score::NodeScore,
}

/// What an epoch changed beside its own record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EpochChanges {
    pub scores: Vec<ScoreUpdate>,
    pub rewards: Vec<RewardUpdate>,
    /// The compute power at its end, by resource.
    pub power: Vec<Power>,
}

/// A fisher's account that an epoch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardUpdate {
    pub fisher: Address,
    pub account: crate::reward::Account,
}

/// A fisher's newest account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardRow {
    /// The epoch that changed it last.
    pub epoch: u64,
    pub account: crate::reward::Account,
}

/// A node's newest score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRow {
    pub epoch: u64,
    pub provider: Address,
    pub score: crate::score::NodeScore,
}
