//! Everything that the oracle must not forget.
//!
//! Owns the rows of nodes, fishers, commits, reports, the log, epochs, scores and the chain's index, behind one trait that
//! every backend keeps alike (`behaviour` is its test). Never interprets signed bytes and never decides what is valid: that
//! is `ingest`'s and `chain`'s. Its invariant: an operation that returned is durable and whole; one that failed left nothing.

#[cfg(test)]
mod behaviour;
mod bundles;
mod records;
mod sqlite;

use async_trait::async_trait;

use crate::log::{Hash, Position, TreeNode};

pub use records::{
    Accepted, Address, Appended, Blob, BlockFacts, BlockRef, BondChange, Case, CaseEvent, CaseFact, CaseFilter, Chain,
    Change, Commit, CommitRow, Countersignature, DAY_SECS, Digest, Epoch, EpochChanges, EpochState, Filing, Finding,
    FindingRow, Fisher, FisherRow, LogEntryRow, Moment, Movement, MovementKind, Node, NodeRow, PaymentTotals, Power,
    RankingFilter, RankingOf, Relay, RelayRow, Rental, RentalOpened, Report, ReportFilter, ReportRow, RewardRow,
    RewardUpdate, ScoreRow, ScoreUpdate, Settled, Slot, Stamps, Usage, UsageDay,
};
pub use sqlite::{OpenError, Sqlite};

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The report was not committed by this fisher before.
    #[error("report {} has no commit of its fisher", hex::encode(.0))]
    NotCommitted(Digest),
    /// The rental was reported before: only its first job is evidence, and one payment buys one report.
    #[error("rental {} has a report already", hex::encode(.0))]
    RentalReported(Digest),
    /// The fisher reported this assignment before: he could choose the better of two.
    #[error("slot {} of epoch {} has a report already", .0.number, .0.epoch)]
    SlotReported(Slot),
    /// A newer record of the same thing is held.
    #[error("record {offered} is not newer than {held}")]
    Stale { held: u64, offered: u64 },
    /// The relay is another's: evidence stays with the owner who gave it.
    #[error("relay {} has another owner", hex::encode(.0))]
    RelayOwned(Digest),
    /// Other stamps of the same session are held.
    #[error("other stamps of session {} are held", hex::encode(.0))]
    StampsHeld(Digest),
    /// The owner's relays have as many stamps here as may wait.
    #[error("owner {} has {limit} sessions' stamps here", hex::encode(.owner))]
    StampsFull { owner: Address, limit: u32 },
    /// The block does not continue the chain that is held.
    #[error("block {number} does not continue the indexed chain at {head}")]
    Discontinuous { number: u64, head: u64 },
    /// Finalised blocks are never rolled back.
    #[error("block {number} lies below the finalised block {finalised}")]
    Finalised { number: u64, finalised: u64 },
    /// The epoch is not held, or not in the state that the change starts from.
    #[error("epoch {epoch} is not in state {expected:?}")]
    EpochState { epoch: u64, expected: EpochState },
    /// The epoch is held with other contents.
    #[error("epoch {0} is held with other contents")]
    EpochDiffers(u64),
    /// No such epoch is held.
    #[error("epoch {0} is not held")]
    EpochUnknown(u64),
    /// More signatures over one epoch than any market has operators.
    #[error("epoch {epoch} has {limit} signatures")]
    CountersignaturesFull { epoch: u64, limit: u32 },
    /// The data directory belongs to another market.
    #[error("data directory belongs to another market")]
    ForeignMarket,
    /// A value does not fit the backend.
    #[error("{field} {value} is out of range")]
    OutOfRange { field: &'static str, value: u64 },
    /// What was read is not what was written.
    #[error("stored {0} is damaged")]
    Damaged(&'static str),
    /// The backend failed; its words are in the log, not here.
    #[error("store is unavailable while it {0}")]
    Unavailable(&'static str),
}

/// The result of every operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A durable store. Every method is one transaction; writes return after they are on disk.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync {
    /// Binds an empty store to a market (chain id, contracts, parameters), or checks that it is this one.
    async fn claim(&self, market: &[u8]) -> Result<()>;

    // Ingest. `entries` of a record enter the log in the same transaction.
    /// Holds a node's newest description. An older sequence is `Stale`, the same bytes a duplicate.
    async fn announce_node(&self, node: Node) -> Result<Accepted>;
    /// Holds a fisher's newest registration, by its `valid_until`, and its chain beside those before.
    async fn register_fisher(&self, fisher: Fisher) -> Result<Accepted>;
    /// Holds a relay's newest registration, by its `valid_until`; its owner never changes.
    async fn register_relay(&self, relay: Relay) -> Result<Accepted>;
    /// Holds a session's stamps, once; the same bytes again change nothing. Of two, those of the earlier frame are its: nobody
    /// else knew the head before it passed.
    async fn accept_stamps(&self, stamps: Stamps) -> Result<()>;
    /// Holds a commit, once for each report and fisher.
    async fn accept_commit(&self, commit: Commit) -> Result<Accepted>;
    /// Holds a committed report, once for each id, rental and assignment; its bundle was put before. A commit that was
    /// counted as unrevealed is none any more.
    async fn accept_report(&self, report: Report) -> Result<Accepted>;
    /// Holds bytes under their digest; the same digest again changes nothing.
    async fn put_blob(&self, blob: Blob, digest: Digest, bytes: Vec<u8>) -> Result<()>;

    // Log and epochs.
    /// Appends entries, and changes what they settle.
    async fn append_entries(&self, entries: Vec<Vec<u8>>, settled: Settled) -> Result<Appended>;
    /// Holds a built epoch with what it changed; the same epoch with the same contents changes nothing.
    async fn save_epoch(&self, epoch: Epoch, changes: EpochChanges) -> Result<()>;
    /// Moves an epoch from one state to a later one, or to the same with another transaction (a fee was raised).
    async fn advance_epoch(&self, epoch: u64, from: EpochState, to: EpochState, transaction: Vec<u8>) -> Result<()>;
    /// Holds an operator's signature over a held epoch; of one operator the first stays.
    async fn countersign(&self, signature: Countersignature) -> Result<()>;
    /// Holds the signatures that a held epoch is published with.
    async fn choose_signatures(&self, epoch: u64, signatures: Vec<u8>) -> Result<()>;

    // Chain.
    /// Indexes the next block; blocks without facts may be left out. Indexed before with the same hash, it changes nothing.
    async fn apply_block(&self, facts: BlockFacts) -> Result<()>;
    /// Forgets every block after `number`.
    async fn roll_back_to(&self, number: u64) -> Result<()>;
    /// Makes everything up to `number` final: its log entries are appended in order, its payments and its usage counted.
    async fn finalise(&self, number: u64) -> Result<Appended>;

    // Reads. Lists go by key: `after` is the last key of the page before.
    async fn node(&self, node: Digest) -> Result<Option<NodeRow>>;
    /// Nodes in the order of their keys.
    async fn nodes(&self, after: Option<Digest>, limit: u32) -> Result<Vec<NodeRow>>;
    async fn fisher(&self, fisher: Address) -> Result<Option<FisherRow>>;
    async fn relay(&self, relay: Digest) -> Result<Option<RelayRow>>;
    /// Relays in the order of their keys, whose registration holds after a moment in unix seconds.
    async fn relays(&self, now: u64, after: Option<Digest>, limit: u32) -> Result<Vec<RelayRow>>;
    /// The signed stamps of a session.
    async fn stamps(&self, relay: Digest, head: Digest) -> Result<Option<Vec<u8>>>;
    /// Findings whose lag ends by `epoch`, in an order that says nothing of when they were made.
    async fn findings_due(&self, epoch: u64, limit: u32) -> Result<Vec<FindingRow>>;
    /// Commits of these epochs without a report, as far as they were not counted.
    async fn unrevealed(&self, epochs: std::ops::Range<u64>, limit: u32) -> Result<Vec<CommitRow>>;
    /// The chain of a fisher that is in force in an epoch: of those that end before it, the last.
    async fn chain(&self, fisher: Address, epoch: u64) -> Result<Option<Chain>>;
    async fn commit(&self, report: Digest, fisher: Address) -> Result<Option<CommitRow>>;
    async fn report(&self, id: Digest) -> Result<Option<ReportRow>>;
    /// The report that a bundle belongs to; the first one, should there be more.
    async fn bundle_report(&self, bundle: Digest) -> Result<Option<ReportRow>>;
    /// The report that was accepted about a rental.
    async fn rental_report(&self, rental: Digest) -> Result<Option<Digest>>;
    /// Reports, newest first; `before` is the last sequence number of the page before.
    async fn reports(&self, filter: ReportFilter, before: Option<u64>, limit: u32) -> Result<Vec<ReportRow>>;
    /// Reports that no entry folds yet and whose lag ends by `epoch`, oldest first.
    async fn reports_due(&self, epoch: u64, limit: u32) -> Result<Vec<ReportRow>>;
    async fn blob(&self, blob: Blob, digest: Digest) -> Result<Option<Vec<u8>>>;

    /// The log's size and root now.
    async fn log_head(&self) -> Result<(u64, Hash)>;
    /// Entries from an index on.
    async fn log_entries(&self, from: u64, limit: u32) -> Result<Vec<LogEntryRow>>;
    /// Finished subtrees, for proofs and for roots of earlier sizes.
    async fn tree_nodes(&self, positions: &[Position]) -> Result<Vec<TreeNode>>;
    async fn epoch(&self, epoch: u64) -> Result<Option<Epoch>>;
    /// The newest epoch, or the newest that reached a state.
    async fn latest_epoch(&self, reached: Option<EpochState>) -> Result<Option<Epoch>>;
    /// Epochs that are not confirmed, oldest first.
    async fn unconfirmed_epochs(&self, limit: u32) -> Result<Vec<Epoch>>;
    /// Epochs that are not confirmed and have at least so many signatures of others than `own`, oldest first.
    async fn countersigned_epochs(&self, own: Address, least: u32, limit: u32) -> Result<Vec<Epoch>>;
    /// The signatures that are held over an epoch, in the order of their operators.
    async fn countersignatures(&self, epoch: u64) -> Result<Vec<Countersignature>>;
    async fn score(&self, node: Digest) -> Result<Option<ScoreRow>>;
    /// A fisher's account, if he ever did work that was assigned.
    async fn reward(&self, fisher: Address) -> Result<Option<RewardRow>>;
    /// Scores, the best lower bound first; `after` is (low, node) of the last one.
    async fn ranking(&self, filter: RankingFilter, after: Option<(u16, Digest)>, limit: u32) -> Result<Vec<ScoreRow>>;
    /// The newest scores in the order of the epochs that changed them, and of nodes; `after` is the last one that is known.
    async fn changes(&self, after: Option<(u64, Digest)>, limit: u32) -> Result<Vec<Change>>;
    /// Scores in the order of the nodes' keys.
    async fn scores(&self, after: Option<Digest>, limit: u32) -> Result<Vec<ScoreRow>>;

    /// The newest indexed block.
    async fn head(&self) -> Result<Option<BlockRef>>;
    /// The newest finalised block.
    async fn finalised(&self) -> Result<Option<BlockRef>>;
    /// An indexed block; finalised ones are kept for beacons.
    async fn block(&self, number: u64) -> Result<Option<BlockRef>>;
    /// The first finalised block at or after a moment in unix seconds: an epoch's beacon.
    async fn first_finalised_since(&self, timestamp: u64) -> Result<Option<BlockRef>>;
    async fn rental(&self, id: Digest) -> Result<Option<Rental>>;
    /// The node of a rental.
    async fn rental_node(&self, id: Digest) -> Result<Option<Digest>>;
    /// A case with its history.
    async fn case(&self, id: Digest) -> Result<Option<Case>>;
    /// Cases, the newest first; `before` is the block and log index of the last one of the page before.
    async fn cases(&self, filter: CaseFilter, before: Option<(u64, u32)>, limit: u32) -> Result<Vec<Case>>;
    /// Whether an account filed, or provides the node of, a proof case with this bundle as its evidence, or a proof or bare
    /// case about this rental.
    async fn is_party(&self, account: Address, bundle: Digest, rental: Digest) -> Result<bool>;
    /// A fisher's bond that does not thaw, in token units, at the newest indexed block.
    async fn bond(&self, fisher: Address) -> Result<u128>;
    /// The same at the newest finalised block: what weights are made of.
    async fn finalised_bond(&self, fisher: Address) -> Result<u128>;
    /// What a node's rentals moved, finalised blocks only.
    async fn payments(&self, node: Digest) -> Result<PaymentTotals>;
    /// The usage since the first block, finalised blocks only.
    async fn usage(&self) -> Result<Usage>;
    /// Days with finalised blocks, newest first; `before` is the last day of the page before.
    async fn usage_days(&self, before: Option<u64>, limit: u32) -> Result<Vec<UsageDay>>;
    /// The compute power at the end of the newest epoch of a range that has scores, and that epoch.
    async fn power(&self, epochs: std::ops::Range<u64>) -> Result<Option<(u64, Vec<Power>)>>;
    /// Checks that the backend answers.
    async fn ping(&self) -> Result<()>;
}
