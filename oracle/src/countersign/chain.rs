//! Whether a leader's log has the chain's facts, all of them and no others.
//!
//! Owns the comparison with the log that this operator's own indexer makes of his own node's chain: nothing else enters that
//! one, so its entries are the chain's facts in their order, byte for byte as every oracle writes them. Its invariant: a fact
//! that the own chain does not have final yet is waited for, never taken on trust.

use std::{collections::VecDeque, sync::Arc};

use gpux_proto::{
    bytes,
    evidence::{Block, EpochClosed, LogEntry, log_entry::Fact},
};

use super::refusal::Stop;
use crate::store::{LogEntryRow, Store};

/// How many facts are read at once.
const PAGE: u32 = 1_000;

/// Walks through the chain's facts beside the leader's log.
#[derive(Debug)]
pub(super) struct OwnChain {
    store: Arc<dyn Store>,
    epoch_secs: u64,
    /// The next fact.
    next: u64,
    ahead: VecDeque<LogEntryRow>,
}

impl OwnChain {
    /// Begins at the first fact of this store's log, which only the indexer fills.
    pub(super) fn new(store: Arc<dyn Store>, epoch_secs: u32) -> Self {
        Self { store, epoch_secs: epoch_secs.into(), next: 0, ahead: VecDeque::new() }
    }

    /// Takes the next fact, which must be this one.
    pub(super) async fn expect(&mut self, entry: &[u8]) -> Result<(), Stop> {
        let Some(own) = self.peek().await? else {
            return Err(Stop::Waits(format!("the own chain is behind: fact {} of it is not final yet", self.next)));
        };
        if own != entry {
            let said = |entry: &[u8]| bytes::decode("entry", entry).map_or_else(|error| error.to_string(), told);
            let (ours, theirs) = (said(&own), said(entry));
            return Err(Stop::Refused(format!("it says {theirs}, the chain has {ours}")));
        }
        self.skip();
        Ok(())
    }

    /// Takes the next fact, which was compared before.
    pub(super) async fn skip_known(&mut self) -> Result<(), Stop> {
        // Filled as far as `peek` reads, so that a restart costs pages and not rows.
        self.peek().await?;
        self.skip();
        Ok(())
    }

    /// Checks that an epoch closes with its chain's time, and with all facts up to it.
    pub(super) async fn closes(&mut self, closed: &EpochClosed) -> Result<(), Stop> {
        let EpochClosed { epoch, timestamp } = *closed;
        let started = epoch.saturating_add(1).saturating_mul(self.epoch_secs);
        let Some(first) = self.store.first_finalised_since(started).await? else {
            return Err(Stop::Waits(format!("the own chain is behind: epoch {epoch} has not ended on it")));
        };
        if first.timestamp != timestamp {
            let at = first.timestamp;
            return Err(Stop::Refused(format!("it closes epoch {epoch} at {timestamp}, by the chain that is {at}")));
        }
        if let Some(fact) = self.peek().await?
            && let Ok(entry) = bytes::decode::<LogEntry>("entry", &fact)
            && place(&entry).is_some_and(|block| block.timestamp <= timestamp)
        {
            return Err(Stop::Refused(format!("it closes epoch {epoch} without {}", told(entry))));
        }
        Ok(())
    }

    async fn peek(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        if self.ahead.is_empty() {
            self.ahead = self.store.log_entries(self.next, PAGE).await?.into();
        }
        Ok(self.ahead.front().map(|row| row.bytes.clone()))
    }

    fn skip(&mut self) {
        self.ahead.pop_front();
        self.next += 1;
    }
}

fn place(entry: &LogEntry) -> Option<&Block> {
    match entry.fact.as_ref()? {
        Fact::PaymentSeen(fact) => fact.block.as_ref(),
        Fact::BondChanged(fact) => fact.block.as_ref(),
        Fact::RulingSeen(fact) => fact.block.as_ref(),
        Fact::BeaconSeen(fact) => fact.block.as_ref(),
        _ => None,
    }
}

/// A fact in words.
fn told(entry: LogEntry) -> String {
    let hex = bytes::to_hex;
    let at = place(&entry).map_or_else(|| "no block".to_owned(), |block| format!("block {}", block.number));
    match entry.fact {
        Some(Fact::PaymentSeen(fact)) => {
            let kind = fact.kind().as_str_name().trim_start_matches("PAYMENT_KIND_").to_ascii_lowercase();
            format!("that {} of rental {} were {kind} in {at}", fact.amount, hex(&fact.rental))
        }
        Some(Fact::BondChanged(fact)) => format!("a bond of {} of {} in {at}", fact.amount, hex(&fact.fisher)),
        Some(Fact::RulingSeen(fact)) => {
            format!("outcome {} of case {} in {at}", fact.outcome, hex(&fact.case_id))
        }
        Some(Fact::BeaconSeen(fact)) => format!("{at} as the beacon of epoch {}", fact.epoch),
        _ => "nothing of the chain".to_owned(),
    }
}
