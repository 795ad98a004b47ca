//! Closes epochs: reports enter the fold, the fold becomes leaves, the leaves are recorded for publication.
//!
//! Owns the moment of closing: the first finalised block of a later epoch, never the machine's clock, so that a replay
//! agrees. Every step can be repeated: what an interrupted run left is found in the log and finished at the next start. Never
//! sends or signs anything.

use std::sync::Arc;

use gpux_kernels::{assignment, evidence::Rules};
use gpux_proto::{
    bytes,
    evidence::{Outcome, Report, Signed},
    signing::{self, Domain},
};

use super::{closing::Closing, fold, fold::Folder, leaves, power};
use crate::{
    audit::{Ahead, Auditor, AuditorError, Terms},
    log::{Frontier, FrontierError, Hash, Position},
    schedule::{SCHEDULES_MAX, Schedules},
    score::{NodeId, Parameters, ReportId},
    store::{self, Blob, BlockRef, Epoch, EpochChanges, EpochState, ReportRow, RewardUpdate, ScoreUpdate, Store},
};

/// How many entries are read at once.
const PAGE: u32 = 1_000;
/// The most reports that one epoch folds; the rest follow with the next one.
const REPORTS_MAX: u32 = 100_000;

/// The most sessions that are audited while an epoch closes: each takes a second or two of one core, and the chain is not
/// followed meanwhile. Where there is a lag, most were audited ahead; what is too much waits for the next epoch.
const AUDITS_MAX: usize = 256;
/// The most findings and unrevealed commits that one epoch takes up.
const FINDINGS_MAX: u32 = 100_000;

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
    /// A session could not be audited.
    #[error(transparent)]
    Audit(#[from] AuditorError),
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
    auditor: Auditor,
    ahead: Ahead,
    schedules: Schedules,
    /// Closings before this epoch make no schedule: nothing that is drawn from it can still be reported.
    scheduled_from: u64,
}

impl Epochs {
    /// Folds the stored log, and finishes an epoch that was closed and not recorded. Sessions are audited by `rules`.
    pub async fn restore(store: Arc<dyn Store>, parameters: Parameters, rules: Rules) -> Result<Self, Error> {
        let open = store.finalised().await?.map_or(0, |block| parameters.epoch_at(block.timestamp));
        let mut epochs = Self {
            folder: Folder::new(parameters.clone()),
            auditor: Auditor::new(store.clone(), rules),
            ahead: Ahead::default(),
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
    /// Returns it if its leaves are recorded. While there is none to close, one session is audited ahead of its time.
    pub async fn advance(&mut self, finalised: &BlockRef) -> Result<Option<u64>, Error> {
        let open = self.parameters.epoch_at(finalised.timestamp);
        let Some(ended) = open.checked_sub(1) else { return Ok(None) };
        if self.folder.epoch().is_some_and(|closed| closed >= ended) {
            self.audit_ahead().await?;
            return Ok(None);
        }
        // The commits and reveals that these reports stand on, and the newest offers, are in the log and not yet in the folder.
        self.follow().await?;
        let (due, later) = self.due(ended).await?;
        let started = open * u64::from(self.parameters.epoch_secs);
        let beacon = self.store.first_finalised_since(started).await?.unwrap_or(*finalised);
        let parameters = self.parameters.clone();
        let mut closing = Closing::new(&parameters, ended, beacon.hash);
        self.fold_due(&mut closing, &due).await?;
        let mut drawn = Vec::new();
        for row in later {
            if self.terms(&row, &report(&row)?).is_some_and(|terms| terms.auditor.is_some()) {
                drawn.push(row.id);
            }
        }
        self.ahead.expect(drawn);
        self.charge_unrevealed(&mut closing, ended).await?;
        closing.tell(self.store.findings_due(ended, FINDINGS_MAX).await?);
        if closing.is_empty() && !self.folder.has_scores() && !self.folder.offers().any(started) {
            // Nothing was ever measured and nothing can be: there is no root to publish, no assignment to draw.
            self.audit_ahead().await?;
            return Ok(None);
        }
        let (entries, settled) = closing.finish(beacon.timestamp);
        self.store.append_entries(entries, settled).await?;
        self.follow().await?;
        Ok(self.folder.has_scores().then_some(ended))
    }

    /// Folds the reports that are due, and audits those that are drawn; one whose stamps or turn may still come waits.
    async fn fold_due(&mut self, closing: &mut Closing<'_>, due: &[ReportRow]) -> Result<(), Error> {
        let mut audits = 0;
        for row in due {
            let report = report(row)?;
            let Some(terms) = self.terms(row, &report) else { continue };
            let Some(owner) = terms.auditor else {
                closing.report(row, &report, terms.weight, false);
                continue;
            };
            let until = row.epoch.saturating_add(self.parameters.stamps_wait_epochs.into());
            let audited = match self.ahead.take(&row.id) {
                Some(audited) => Some(audited),
                None if audits == AUDITS_MAX => None,
                None => {
                    let audited = self.auditor.audit(row.id, &report, closing.epoch() < until).await?;
                    audits += usize::from(audited.as_ref().is_some_and(|audited| audited.stamps.is_some()));
                    audited
                }
            };
            let Some(audited) = audited else { continue };
            closing.report(row, &report, terms.weight, audited.refutes(&report));
            closing.audit(row, &report, owner, audited);
        }
        Ok(())
    }

    /// Audits the next session whose report is drawn and not due yet, if its stamps are here.
    async fn audit_ahead(&mut self) -> Result<(), Error> {
        let Some(id) = self.ahead.turn() else { return Ok(()) };
        let Some(row) = self.store.report(id).await? else { return Ok(()) };
        if let Some(audited) = self.auditor.audit(id, &report(&row)?, true).await? {
            self.ahead.found(id, audited);
        }
        Ok(())
    }

    /// What the log says of a stored report.
    fn terms(&self, row: &ReportRow, report: &Report) -> Option<Terms> {
        let failed = report.outcome() == Outcome::Fail;
        self.folder.terms(&ReportId(row.id), &NodeId(row.node), failed)
    }

    /// Charges the commits whose time to be revealed ended since the last closed epoch, once owners are registered.
    async fn charge_unrevealed(&self, closing: &mut Closing<'_>, ended: u64) -> Result<(), Error> {
        let after = |epoch: u64| (epoch + 1).saturating_sub(self.parameters.reveal_epochs.into());
        let late = self.folder.epoch().map_or(0, after)..after(ended);
        let owners = || self.folder.state().owners();
        if owners().len() == 0 || late.is_empty() {
            return Ok(());
        }
        for commit in self.store.unrevealed(late, FINDINGS_MAX).await? {
            closing.unrevealed(&commit, owners());
        }
        Ok(())
    }

    /// The reports whose lag has passed, and those that have to wait.
    async fn due(&self, epoch: u64) -> Result<(Vec<ReportRow>, Vec<ReportRow>), Error> {
        let rows = self.store.reports_due(epoch, REPORTS_MAX).await?;
        if self.parameters.lag_epochs_max == 0 {
            return Ok((rows, Vec::new()));
        }
        let (mut due, mut later) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let next = (row.epoch + 1) * u64::from(self.parameters.epoch_secs);
            let Some(beacon) = self.store.first_finalised_since(next).await? else { continue };
            let passed = row.epoch + lag(&self.parameters, &row.id, &beacon.hash) <= epoch;
            if passed { due.push(row) } else { later.push(row) }
        }
        Ok((due, later))
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
    async fn record(&mut self, epoch: u64) -> Result<(), Error> {
        if !self.folder.has_scores() || self.store.epoch(epoch).await?.is_some() {
            return Ok(());
        }
        let Some(file) = self.folder.leaf_file() else { return Ok(()) };
        let (bytes, root) = (file.bytes(), file.tree()?.root());
        let claims = self.folder.reward_file();
        let log_size = self.folder.size();
        let record = Epoch {
            epoch,
            log_size,
            log_root: self.root_of(log_size).await?,
            root: root.0,
            rewards_root: claims.root().0,
            parameters: self.parameters.digest(),
            data_hash: leaves::data_hash(&bytes).0,
            leaves: file.leaves().len() as u64,
            state: EpochState::Built,
            transaction: Vec::new(),
            signatures: Vec::new(),
        };
        let scores: Vec<_> = self
            .folder
            .scores()
            .map(|(score, provider)| ScoreUpdate { provider: provider.into_array(), score })
            .collect();
        tracing::info!(epoch, leaves = record.leaves, log_size, "epoch closed");
        self.store.put_blob(Blob::Leaves, record.data_hash, bytes).await?;
        if !claims.is_empty() {
            self.store.put_blob(Blob::Rewards, record.rewards_root, claims.bytes()).await?;
        }
        let accounts = self.folder.rewards().changed();
        let rewards = accounts.map(|(fisher, account)| RewardUpdate { fisher: fisher.0, account }).collect();
        let power = self.power(epoch, &scores);
        self.store.save_epoch(record, EpochChanges { scores, rewards, power }).await?;
        self.folder.rewards_recorded();
        Ok(())
    }

    /// The compute power at the end of an epoch.
    fn power(&self, epoch: u64, scores: &[ScoreUpdate]) -> Vec<store::Power> {
        let ended = (epoch + 1).saturating_mul(self.parameters.epoch_secs.into());
        power::power(self.folder.offers(), ended, scores.iter().map(|update| &update.score))
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

/// The report of a row, as ingest checked it before it was stored.
fn report(row: &ReportRow) -> Result<Report, Error> {
    let unreadable = |source| Error::Report { id: row.id, source };
    let signed: Signed = bytes::decode("report", &row.signed).map_err(|e| unreadable(e.into()))?;
    signing::open(Domain::Report, &signed).map_err(unreadable)
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
