//! Checks a copied log entry by entry, and folds it.
//!
//! Owns what must hold of an entry before it counts: its signatures, the chain's own facts, reports as they were signed, and
//! everything that the fold says of the log by itself. Its invariant: an epoch is recorded only after every entry before its end
//! was checked, and its record is what the log gives, whatever the leader says of it.

use std::{collections::HashMap, sync::Arc};

use gpux_proto::{
    bytes::{self, to_hex},
    evidence::{LogEntry, ReportRevealed, log_entry::Fact},
};

use super::{
    chain::OwnChain,
    refusal::{Refusal, Stop},
    reports::Reports,
};
use crate::{
    ingest::{Rules, Signers},
    log::{Frontier, leaf_hash},
    publish::Folder,
    replay::Recomputed,
    store::{self, Epoch, EpochChanges, EpochState, Store},
};

/// How many entries are read at once.
const PAGE: u32 = 1_000;

/// A log that is checked.
#[derive(Debug)]
pub(super) struct Entries {
    copy: Arc<dyn Store>,
    chain: OwnChain,
    signers: Signers,
    folder: Folder,
    frontier: Frontier,
    /// What was revealed and not folded, by the report's id.
    revealed: HashMap<Vec<u8>, ReportRevealed>,
    /// Entries before this were checked when an epoch after them was recorded; they never change.
    checked: u64,
    refused: Option<Refusal>,
}

impl Entries {
    /// Begins at the first entry of a copy. What was checked before is only folded.
    pub(super) async fn new(copy: Arc<dyn Store>, own: Arc<dyn Store>, rules: Rules) -> Result<Self, store::Error> {
        let checked = copy.latest_epoch(None).await?.map_or(0, |epoch| epoch.log_size);
        Ok(Self {
            chain: OwnChain::new(own, rules.parameters.epoch_secs),
            folder: Folder::new(rules.parameters.clone()),
            signers: Signers::new(rules),
            frontier: Frontier::new(),
            revealed: HashMap::new(),
            refused: None,
            checked,
            copy,
        })
    }

    /// The last closed epoch of what was checked.
    pub(super) fn epoch(&self) -> u64 {
        self.folder.epoch().unwrap_or_default()
    }

    /// The first entry that was refused. Nothing after it is looked at.
    pub(super) fn refused(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// Goes on as far as the copy reaches; returns what it waits for, if it does.
    pub(super) async fn advance(&mut self, reports: &mut Reports) -> anyhow::Result<Option<String>> {
        while self.refused.is_none() {
            let page = self.copy.log_entries(self.folder.size(), PAGE).await?;
            if page.is_empty() {
                return Ok(None);
            }
            for row in page {
                match self.take(&row.bytes, reports).await {
                    Ok(()) => {}
                    Err(Stop::Waits(why)) => return Ok(Some(format!("entry {}: {why}", row.index))),
                    Err(Stop::Failed(error)) => return Err(error),
                    Err(Stop::Refused(what)) => {
                        let epoch = self.epoch_of(row.index).await?;
                        self.refused = Some(Refusal { epoch, entry: row.index, what });
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Checks the next entry and folds it. What only has to wait has changed nothing.
    async fn take(&mut self, bytes: &[u8], reports: &mut Reports) -> Result<(), Stop> {
        let is_new = self.folder.size() >= self.checked;
        let entry: LogEntry = bytes::decode("entry", bytes).map_err(|error| Stop::Refused(error.to_string()))?;
        let fact = entry.fact.ok_or_else(|| Stop::Refused("it holds no known fact".to_owned()))?;
        if is_new {
            self.signers.check(&fact)?;
        } else {
            self.signers.learn(&fact);
        }
        match &fact {
            Fact::PaymentSeen(_) | Fact::BondChanged(_) | Fact::RulingSeen(_) | Fact::BeaconSeen(_) => {
                if is_new {
                    self.chain.expect(bytes).await?;
                } else {
                    self.chain.skip_known().await?;
                }
            }
            Fact::EpochClosed(closed) if is_new => self.chain.closes(closed).await?,
            Fact::ReportRevealed(revealed) => {
                self.revealed.entry(revealed.report.clone()).or_insert_with(|| revealed.clone());
            }
            Fact::ReportFolded(folded) => {
                if is_new && folded.weight > 0 {
                    let unrevealed = || Stop::Refused(format!("report {} was never revealed", to_hex(&folded.report)));
                    let revealed = self.revealed.get(&folded.report).ok_or_else(unrevealed)?;
                    reports.check(folded, revealed, &self.signers).await?;
                }
                self.revealed.remove(&folded.report);
            }
            _ => {}
        }
        let closed = self.folder.apply(bytes)?;
        self.frontier.append(leaf_hash(bytes));
        if closed.is_some() && self.folder.has_scores() {
            self.record().await?;
        }
        Ok(())
    }

    /// Records what the epoch that has just closed is signed as: before it is, so that nothing else can be.
    async fn record(&self) -> Result<(), Stop> {
        let failed = |error: anyhow::Error| Stop::Failed(error);
        let found = Recomputed::of(&self.folder, self.frontier.root()).map_err(|error| failed(error.into()))?;
        let found = found.ok_or_else(|| failed(anyhow::anyhow!("an epoch closed without leaves")))?;
        let record = Epoch {
            epoch: found.epoch,
            log_size: found.log_size,
            log_root: found.log_root,
            root: found.root,
            rewards_root: found.rewards_root,
            parameters: found.parameters,
            data_hash: found.data_hash,
            leaves: found.leaves,
            state: EpochState::Built,
            transaction: Vec::new(),
            signatures: Vec::new(),
        };
        match self.copy.save_epoch(record, EpochChanges::default()).await {
            Err(store::Error::EpochDiffers(epoch)) => {
                Err(Stop::Refused(format!("epoch {epoch} was recorded with other contents before")))
            }
            saved => Ok(saved?),
        }
    }

    /// The epoch whose end an entry belongs to, as far as the copy tells.
    async fn epoch_of(&self, index: u64) -> anyhow::Result<u64> {
        let mut from = index;
        loop {
            let page = self.copy.log_entries(from, PAGE).await?;
            let Some(last) = page.last() else { return Ok(self.epoch() + 1) };
            from = last.index + 1;
            let closing =
                page.iter().find_map(|row| match bytes::decode::<LogEntry>("entry", &row.bytes).ok()?.fact? {
                    Fact::EpochClosed(closed) => Some(closed.epoch),
                    _ => None,
                });
            if let Some(epoch) = closing {
                return Ok(epoch);
            }
        }
    }
}
