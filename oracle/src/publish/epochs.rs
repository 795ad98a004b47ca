//! Closes epochs: reports enter the fold, the fold becomes leaves, the leaves are recorded for publication.
//!
//! Owns the moment of closing: the first finalised block of a later epoch, never the machine's clock, so that a replay
//! agrees. Every step can be repeated: what an interrupted run left is found in the log and finished at the next start. Never
//! sends or signs anything.

use std::sync::Arc;

use gpux_kernels::assignment;
use gpux_proto::{
    bytes,
    evidence::{EpochClosed, LogEntry, Outcome, Report, ReportFolded, Signed, log_entry::Fact},
    signing::{self, Domain},
};
use prost::Message as _;

use super::{fold, fold::Folder, leaves};
use crate::{
    log::{Frontier, FrontierError, Hash, Position},
    schedule::{SCHEDULES_MAX, Schedules},
    score::Parameters,
    store::{self, Blob, BlockRef, Epoch, EpochState, ReportRow, ScoreUpdate, Store},
};

/// How many entries are read at once.
const PAGE: u32 = 1_000;
/// The most reports that one epoch folds; the rest follow with the next one.
const REPORTS_MAX: u32 = 100_000;

/// Why an epoch could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The log cannot be folded.
    #[error(transparent)]
    Fold(#[from] fold::Error),
    /// The leaves make no tree.
    #[error(transparent)]
    Leaves(#[from] leaves::Error),
    /// The offers make no schedule.
    #[error(transparent)]
    Schedule(#[from] assignment::Error),
    /// The stored tree is damaged.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// A stored report cannot be read.
    #[error("stored report {}: {source}", bytes::to_hex(.id))]
    Report {
        id: [u8; 32],
        #[source]
        source: signing::Error,
    },
    /// The log ended before its own size.
    #[error("the log has no entry {0}")]
    Gap(u64),
}

/// Closes epochs.
#[derive(Debug)]
pub struct Epochs {
    store: Arc<dyn Store>,
    parameters: Parameters,
    folder: Folder,
    schedules: Schedules,
    /// Closings before this epoch make no schedule: nothing that is drawn from it can still be reported.
    scheduled_from: u64,
}

impl Epochs {
    /// Folds the stored log, and finishes an epoch that was closed and not recorded.
    pub async fn restore(store: Arc<dyn Store>, parameters: Parameters) -> Result<Self, Error> {
        let open = store.finalised().await?.map_or(0, |block| parameters.epoch_at(block.timestamp));
        let mut epochs = Self {
            folder: Folder::new(parameters.clone()),
            schedules: Schedules::new(store.clone(), &parameters),
            scheduled_from: open.saturating_sub(SCHEDULES_MAX),
            store,
            parameters,
        };
        epochs.follow().await?;
        Ok(epochs)
    }

    /// The last closed epoch.
    #[must_use]
    pub fn closed(&self) -> Option<u64> {
        self.folder.epoch()
    }

    /// The schedules that the closings gave.
    #[must_use]
    pub fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    /// Closes the epoch before that of the newest finalised block, if it is over and there is anything to publish.
    /// Returns it if its leaves are recorded.
    pub async fn advance(&mut self, finalised: &BlockRef) -> Result<Option<u64>, Error> {
        let open = self.parameters.epoch_at(finalised.timestamp);
        let Some(ended) = open.checked_sub(1) else { return Ok(None) };
        if self.folder.epoch().is_some_and(|closed| closed >= ended) {
            return Ok(None);
        }
        // Offers that were announced since the last closing are in the log and not yet in the folder.
        self.follow().await?;
        let due = self.due(ended).await?;
        let started = open * u64::from(self.parameters.epoch_secs);
        if due.is_empty() && !self.folder.has_scores() && !self.folder.offers().any(started) {
            // Nothing was ever measured and nothing can be: there is no root to publish, no assignment to draw.
            return Ok(None);
        }
        let beacon = self.store.first_finalised_since(started).await?.unwrap_or(*finalised);
        let mut entries = due.iter().map(folded).collect::<Result<Vec<_>, _>>()?;
        entries.push(encoded(Fact::EpochClosed(EpochClosed { epoch: ended, timestamp: beacon.timestamp })));
        let ids = due.iter().map(|report| report.id).collect();
        self.store.append_entries(entries, ids).await?;
        self.follow().await?;
        Ok(self.folder.has_scores().then_some(ended))
    }

    /// The reports whose lag has passed.
    async fn due(&self, epoch: u64) -> Result<Vec<ReportRow>, Error> {
        let rows = self.store.reports_due(epoch, REPORTS_MAX).await?;
        if self.parameters.lag_epochs_max == 0 {
            return Ok(rows);
        }
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let next = (row.epoch + 1) * u64::from(self.parameters.epoch_secs);
            let Some(beacon) = self.store.first_finalised_since(next).await? else { continue };
            if row.epoch + lag(&self.parameters, &row.id, &beacon.hash) <= epoch {
                due.push(row);
            }
        }
        Ok(due)
    }

    /// Folds what the log has more than the folder, and records every epoch that this closes.
    async fn follow(&mut self) -> Result<(), Error> {
        let (size, _) = self.store.log_head().await?;
        while self.folder.size() < size {
            let page = self.store.log_entries(self.folder.size(), PAGE).await?;
            if page.is_empty() {
                return Err(Error::Gap(self.folder.size()));
            }
            for row in page {
                if row.index != self.folder.size() {
                    return Err(Error::Gap(self.folder.size()));
                }
                if let Some(epoch) = self.folder.apply(&row.bytes)? {
                    if epoch >= self.scheduled_from {
                        self.schedules.keep(epoch, self.folder.offers().schedule(self.folder.state())?);
                    }
                    self.record(epoch).await?;
                }
            }
        }
        Ok(())
    }

    /// Records an epoch's leaves, root and place in the log: before anything is signed, so that nothing else can be.
    async fn record(&self, epoch: u64) -> Result<(), Error> {
        if !self.folder.has_scores() || self.store.epoch(epoch).await?.is_some() {
            return Ok(());
        }
        let Some(file) = self.folder.leaf_file() else { return Ok(()) };
        let (bytes, root) = (file.bytes(), file.tree()?.root());
        let log_size = self.folder.size();
        let record = Epoch {
            epoch,
            log_size,
            log_root: self.root_of(log_size).await?,
            root: root.0,
            rewards_root: [0; 32],
            parameters: self.parameters.digest(),
            data_hash: leaves::data_hash(&bytes).0,
            leaves: file.leaves().len() as u64,
            state: EpochState::Built,
            transaction: Vec::new(),
        };
        let scores: Vec<_> = self
            .folder
            .scores()
            .map(|(score, provider)| ScoreUpdate { provider: provider.into_array(), score })
            .collect();
        tracing::info!(epoch, leaves = record.leaves, log_size, "epoch closed");
        self.store.put_blob(Blob::Leaves, record.data_hash, bytes).await?;
        self.store.save_epoch(record, scores).await?;
        Ok(())
    }

    /// The log's root when it had this size.
    async fn root_of(&self, size: u64) -> Result<Hash, Error> {
        let positions = Frontier::positions(size);
        let nodes = self.store.tree_nodes(&positions).await?;
        let find = |position: &Position| nodes.iter().find(|node| node.position == *position).map(|node| node.hash);
        let roots = positions.iter().filter_map(find).collect();
        Ok(Frontier::restore(size, roots)?.root())
    }
}

/// How many epochs after its reveal a report is folded: nobody could know it at the reveal, since the next beacon was not
/// there. 1 to the parameters' limit; 0 in a development market.
#[must_use]
pub fn lag(parameters: &Parameters, report: &[u8; 32], next_beacon: &[u8; 32]) -> u64 {
    let limit = u64::from(parameters.lag_epochs_max);
    if limit == 0 {
        return 0;
    }
    let digest = blake3::Hasher::new().update(report).update(next_beacon).finalize();
    let (head, _) = digest.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
    1 + u64::from_le_bytes(*head) % limit
}

/// The entry by which a report counts.
fn folded(row: &ReportRow) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Report { id: row.id, source };
    let signed: Signed = bytes::decode("report", &row.signed).map_err(|e| unreadable(e.into()))?;
    let report: Report = signing::open(Domain::Report, &signed).map_err(unreadable)?;
    Ok(encoded(Fact::ReportFolded(ReportFolded {
        node: row.node.to_vec(),
        resource: report.probe,
        x_lower: report.x_lower,
        x_upper: report.x_upper,
        weight: row.weight,
        epoch: row.epoch,
        report: row.id.to_vec(),
        inconclusive: report.outcome() == Outcome::Inconclusive,
    })))
}

fn encoded(fact: Fact) -> Vec<u8> {
    LogEntry { fact: Some(fact) }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_lies_within_its_limit_and_follows_the_beacon() {
        let production = Parameters::production();
        let lags: Vec<_> = (0..200).map(|beacon| lag(&production, &[1; 32], &[beacon; 32])).collect();
        assert_eq!((lags.iter().min(), lags.iter().max()), (Some(&1), Some(&14)));
        assert_eq!(lag(&Parameters::development(), &[1; 32], &[2; 32]), 0);
    }
}
