//! The embedded backend: one SQLite database in a data directory that this process alone holds.
//!
//! Owns the files. Reads go to a pool of read-only connections; every write goes through the one writer task, which
//! commits all waiting requests at once (WAL, synchronous=FULL) and answers each after the commit.

mod accept;
mod assignments;
mod audits;
mod chain;
mod epochs;
mod log;
mod ranking;
mod read;
mod registry;
mod rewards;
mod row;
mod signatures;
#[cfg(test)]
mod tests;
mod usage;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::mpsc;

use super::bundles::Bundles;
use super::records::*;
use super::{Result, Store};
use crate::log::{Hash, Position, TreeNode};
use writer::{Request, Write, Writer};

/// How long a statement waits for a lock; only an operator's own tools can hold one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that read at the same time.
const READERS: u32 = 4;
/// Requests that wait for the writer before callers have to.
const QUEUE: usize = 1_024;
/// Pages of the write-ahead log before it is copied back: index pages are touched again and again, and are copied once.
const CHECKPOINT_PAGES: &str = "8192";
/// The writer's page cache (negative: in KiB), so that the upper levels of every index stay in memory.
const CACHE_KIB: &str = "-65536";
/// Statements that a connection keeps prepared; bulk inserts come in a few sizes each.
const STATEMENTS: usize = 256;

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be used.
    #[error("data directory {path} cannot be used: {source}")]
    Directory { path: PathBuf, source: std::io::Error },
    /// Another process holds it; two writers would make two logs.
    #[error("data directory {0} is in use by another process")]
    InUse(PathBuf),
    /// SQLite refused.
    #[error("database in {path} cannot be opened: {source}")]
    Database { path: PathBuf, source: sqlx::Error },
    /// The schema could not be brought up to date.
    #[error("database in {path} cannot be migrated: {source}")]
    Migration { path: PathBuf, source: sqlx::migrate::MigrateError },
    /// What is stored contradicts itself.
    #[error("database in {path} is damaged: {source}")]
    Damaged { path: PathBuf, source: super::Error },
}

/// A store in one directory.
#[derive(Debug)]
pub struct Sqlite {
    readers: SqlitePool,
    writes: mpsc::Sender<Request>,
    bundles: Bundles,
    /// Held as long as the store is; released by the system even after SIGKILL.
    _lock: File,
}

impl Sqlite {
    /// Opens a data directory, making and migrating what is missing.
    pub async fn open(directory: &Path) -> std::result::Result<Self, OpenError> {
        let path = || directory.to_owned();
        let failed = |source| OpenError::Directory { path: path(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let lock = File::create(directory.join("lock")).map_err(failed)?;
        lock.try_lock().map_err(|_| OpenError::InUse(path()))?;
        let bundles = Bundles::open(directory).map_err(failed)?;
        let options = SqliteConnectOptions::new()
            .filename(directory.join("oracle.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("cache_size", CACHE_KIB)
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let refused = |source| OpenError::Database { path: path(), source };
        let mut connection = options.connect().await.map_err(refused)?;
        sqlx::migrate!("migrations/sqlite")
            .run(&mut connection)
            .await
            .map_err(|source| OpenError::Migration { path: path(), source })?;
        connection.clear_cached_statements().await.map_err(refused)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(refused)?;
        let writer = Writer::open(connection).await.map_err(|source| OpenError::Damaged { path: path(), source })?;
        let (writes, requests) = mpsc::channel(QUEUE);
        tokio::spawn(writer.run(requests));
        Ok(Self { readers, writes, bundles, _lock: lock })
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn claim(&self, market: &[u8]) -> Result<()> {
        self.write(Write::Claim(market.to_vec())).await?.nothing()
    }
    async fn announce_node(&self, node: Node) -> Result<Accepted> {
        self.write(Write::Node(node)).await?.accepted()
    }
    async fn register_fisher(&self, fisher: Fisher) -> Result<Accepted> {
        self.write(Write::Fisher(fisher)).await?.accepted()
    }
    async fn register_relay(&self, relay: Relay) -> Result<Accepted> {
        self.write(Write::Relay(relay)).await?.accepted()
    }
    async fn accept_stamps(&self, stamps: Stamps) -> Result<()> {
        self.write(Write::Stamps(stamps)).await?.nothing()
    }
    async fn accept_commit(&self, commit: Commit) -> Result<Accepted> {
        self.write(Write::Commit(commit)).await?.accepted()
    }
    async fn accept_report(&self, report: Report) -> Result<Accepted> {
        self.write(Write::Report(report)).await?.accepted()
    }
    async fn put_blob(&self, blob: Blob, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        self.bundles.put(blob, digest, bytes).await
    }
    async fn append_entries(&self, entries: Vec<Vec<u8>>, settled: Settled) -> Result<Appended> {
        self.write(Write::Append { entries, settled }).await?.appended()
    }
    async fn save_epoch(&self, epoch: Epoch, changes: EpochChanges) -> Result<()> {
        self.write(Write::SaveEpoch { epoch, changes }).await?.nothing()
    }
    async fn advance_epoch(&self, epoch: u64, from: EpochState, to: EpochState, data: Vec<u8>) -> Result<()> {
        self.write(Write::AdvanceEpoch { epoch, from, to, data }).await?.nothing()
    }
    async fn countersign(&self, signature: Countersignature) -> Result<()> {
        self.write(Write::Countersign(signature)).await?.nothing()
    }
    async fn choose_signatures(&self, epoch: u64, signatures: Vec<u8>) -> Result<()> {
        self.write(Write::ChooseSignatures { epoch, signatures }).await?.nothing()
    }
    async fn apply_block(&self, facts: BlockFacts) -> Result<()> {
        self.write(Write::Block(facts)).await?.nothing()
    }
    async fn roll_back_to(&self, number: u64) -> Result<()> {
        self.write(Write::RollBack(number)).await?.nothing()
    }
    async fn finalise(&self, number: u64) -> Result<Appended> {
        self.write(Write::Finalise(number)).await?.appended()
    }
    async fn node(&self, node: Digest) -> Result<Option<NodeRow>> {
        registry::node(&self.readers, node).await
    }
    async fn nodes(&self, after: Option<Digest>, limit: u32) -> Result<Vec<NodeRow>> {
        registry::nodes(&self.readers, after, limit).await
    }
    async fn fisher(&self, fisher: Address) -> Result<Option<FisherRow>> {
        registry::fisher(&self.readers, fisher).await
    }
    async fn relay(&self, relay: Digest) -> Result<Option<RelayRow>> {
        registry::relay(&self.readers, relay).await
    }
    async fn relays(&self, now: u64, after: Option<Digest>, limit: u32) -> Result<Vec<RelayRow>> {
        registry::relays(&self.readers, now, after, limit).await
    }
    async fn stamps(&self, relay: Digest, head: Digest) -> Result<Option<Vec<u8>>> {
        audits::stamps(&self.readers, relay, head).await
    }
    async fn findings_due(&self, epoch: u64, limit: u32) -> Result<Vec<FindingRow>> {
        audits::findings_due(&self.readers, epoch, limit).await
    }
    async fn unrevealed(&self, epochs: std::ops::Range<u64>, limit: u32) -> Result<Vec<CommitRow>> {
        audits::unrevealed(&self.readers, epochs, limit).await
    }
    async fn chain(&self, fisher: Address, epoch: u64) -> Result<Option<Chain>> {
        assignments::chain(&self.readers, fisher, epoch).await
    }
    async fn commit(&self, report: Digest, fisher: Address) -> Result<Option<CommitRow>> {
        read::commit(&self.readers, report, fisher).await
    }
    async fn report(&self, id: Digest) -> Result<Option<ReportRow>> {
        read::report(&self.readers, id).await
    }
    async fn bundle_report(&self, bundle: Digest) -> Result<Option<ReportRow>> {
        read::bundle_report(&self.readers, bundle).await
    }
    async fn rental_report(&self, rental: Digest) -> Result<Option<Digest>> {
        read::rental_report(&self.readers, rental).await
    }
    async fn reports(&self, filter: ReportFilter, before: Option<u64>, limit: u32) -> Result<Vec<ReportRow>> {
        read::reports(&self.readers, filter, before, limit).await
    }
    async fn reports_due(&self, epoch: u64, limit: u32) -> Result<Vec<ReportRow>> {
        read::reports_due(&self.readers, epoch, limit).await
    }
    async fn blob(&self, blob: Blob, digest: Digest) -> Result<Option<Vec<u8>>> {
        self.bundles.get(blob, digest).await
    }
    async fn log_head(&self) -> Result<(u64, Hash)> {
        log::head(&self.readers).await
    }
    async fn log_entries(&self, from: u64, limit: u32) -> Result<Vec<LogEntryRow>> {
        log::entries(&self.readers, from, limit).await
    }
    async fn tree_nodes(&self, positions: &[Position]) -> Result<Vec<TreeNode>> {
        log::tree_nodes(&self.readers, positions).await
    }
    async fn epoch(&self, epoch: u64) -> Result<Option<Epoch>> {
        epochs::epoch(&self.readers, epoch).await
    }
    async fn latest_epoch(&self, reached: Option<EpochState>) -> Result<Option<Epoch>> {
        epochs::latest(&self.readers, reached).await
    }
    async fn unconfirmed_epochs(&self, limit: u32) -> Result<Vec<Epoch>> {
        epochs::unconfirmed(&self.readers, limit).await
    }
    async fn countersigned_epochs(&self, own: Address, least: u32, limit: u32) -> Result<Vec<Epoch>> {
        signatures::epochs(&self.readers, own, least, limit).await
    }
    async fn countersignatures(&self, epoch: u64) -> Result<Vec<Countersignature>> {
        signatures::of(&self.readers, epoch).await
    }
    async fn reward(&self, fisher: Address) -> Result<Option<RewardRow>> {
        rewards::account(&self.readers, fisher).await
    }
    async fn score(&self, node: Digest) -> Result<Option<ScoreRow>> {
        read::score(&self.readers, node).await
    }
    async fn ranking(&self, filter: RankingFilter, after: Option<(u16, Digest)>, limit: u32) -> Result<Vec<ScoreRow>> {
        ranking::ranking(&self.readers, filter, after, limit).await
    }
    async fn changes(&self, after: Option<(u64, Digest)>, limit: u32) -> Result<Vec<Change>> {
        ranking::changes(&self.readers, after, limit).await
    }
    async fn scores(&self, after: Option<Digest>, limit: u32) -> Result<Vec<ScoreRow>> {
        read::scores(&self.readers, after, limit).await
    }
    async fn head(&self) -> Result<Option<BlockRef>> {
        chain::head(&self.readers).await
    }
    async fn finalised(&self) -> Result<Option<BlockRef>> {
        chain::finalised(&self.readers).await
    }
    async fn block(&self, number: u64) -> Result<Option<BlockRef>> {
        chain::block(&self.readers, number).await
    }
    async fn first_finalised_since(&self, timestamp: u64) -> Result<Option<BlockRef>> {
        chain::first_finalised_since(&self.readers, timestamp).await
    }
    async fn rental(&self, id: Digest) -> Result<Option<Rental>> {
        chain::rental(&self.readers, id).await
    }
    async fn rental_node(&self, id: Digest) -> Result<Option<Digest>> {
        chain::rental_node(&self.readers, id).await
    }
    async fn case(&self, id: Digest) -> Result<Option<Case>> {
        chain::case(&self.readers, id).await
    }
    async fn cases(&self, filter: CaseFilter, before: Option<(u64, u32)>, limit: u32) -> Result<Vec<Case>> {
        chain::cases(&self.readers, filter, before, limit).await
    }
    async fn is_party(&self, account: Address, bundle: Digest, rental: Digest) -> Result<bool> {
        chain::is_party(&self.readers, account, bundle, rental).await
    }
    async fn bond(&self, fisher: Address) -> Result<u128> {
        chain::bond(&self.readers, fisher, false).await
    }
    async fn finalised_bond(&self, fisher: Address) -> Result<u128> {
        chain::bond(&self.readers, fisher, true).await
    }
    async fn payments(&self, node: Digest) -> Result<PaymentTotals> {
        chain::payments(&self.readers, node).await
    }
    async fn usage(&self) -> Result<Usage> {
        usage::total(&self.readers).await
    }
    async fn usage_days(&self, before: Option<u64>, limit: u32) -> Result<Vec<UsageDay>> {
        usage::days(&self.readers, before, limit).await
    }
    async fn power(&self, epochs: std::ops::Range<u64>) -> Result<Option<(u64, Vec<Power>)>> {
        usage::power(&self.readers, epochs).await
    }
    async fn ping(&self) -> Result<()> {
        log::head(&self.readers).await.map(|_| ())
    }
}
