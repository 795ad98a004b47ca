//! Follows the chain: indexes block after block, rolls back what was reorganised, makes final what is final.
//!
//! Owns the order: reconcile, read, finalise, one step after the other, each safe to repeat. The cursor is the store's
//! newest block, so that a restart goes on where the last step ended. Its invariants: a block enters only on top of its
//! parent, a log counts once (by block hash and index), and what was finalised is never taken back: a chain that does so is
//! reported and not followed.

use std::{collections::BTreeMap, sync::Arc};

use alloy::primitives::{Address, B256};
use gpux_contracts::Deployment;

use super::{
    block,
    facts::{self, BondChange, Fact, Placed},
    rpc::{self, Head, Heads, Rpc},
};
use crate::store::{self, BlockRef, Store};

/// The most blocks whose logs are asked for at once; public nodes refuse more than a few thousand.
const RANGE_MAX: u64 = 1_024;
/// The most blocks of one step; bounds what is held in memory.
const STEP_BLOCKS_MAX: u64 = 256;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The chain could not be asked.
    #[error(transparent)]
    Rpc(#[from] rpc::Error),
    /// A log of our contracts cannot be read.
    #[error(transparent)]
    Log(#[from] facts::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The answers of the node do not fit each other: it moved on in between. The next step asks anew.
    #[error("block {0} changed while it was read")]
    Moved(u64),
    /// A final block has another hash now: the node serves another chain, or finality broke.
    #[error("finalised block {number} was {held}, the node says {served}")]
    FinalityBroken { number: u64, held: B256, served: B256 },
    /// A block's facts contradict each other.
    #[error(transparent)]
    Block(#[from] block::Error),
}

impl Error {
    /// Whether an operator must look: waiting does not help.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::FinalityBroken { .. } | Self::Log(_) | Self::Block(_))
    }
}

/// What a step reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The newest indexed block.
    pub indexed: u64,
    /// The newest finalised block that is indexed.
    pub finalised: Option<BlockRef>,
    /// Whether everything that the node knows is indexed.
    pub caught_up: bool,
}

/// Follows the chain.
#[derive(Debug)]
pub struct Indexer {
    rpc: Rpc,
    store: Arc<dyn Store>,
    deployment: Deployment,
    epoch_secs: u64,
    /// How many blocks are asked for at once: halved by a failure, doubled by a success.
    range: u64,
}

impl Indexer {
    /// Follows the contracts of a deployment.
    #[must_use]
    pub fn new(rpc: Rpc, store: Arc<dyn Store>, deployment: Deployment, epoch_secs: u64) -> Self {
        Self { rpc, store, deployment, epoch_secs: epoch_secs.max(1), range: RANGE_MAX }
    }

    /// Goes on from the cursor, by a bounded number of blocks.
    pub async fn step(&mut self) -> Result<Progress, Error> {
        let heads = self.rpc.heads().await?;
        self.reconcile(&heads).await?;
        let indexed = self.read(&heads).await?;
        let finalised = self.finalise(&heads, indexed).await?;
        Ok(Progress { indexed, finalised, caught_up: indexed >= heads.latest.number })
    }

    /// Rolls back to the newest block that the node still has.
    async fn reconcile(&self, heads: &Heads) -> Result<(), Error> {
        let final_number = match self.store.finalised().await? {
            Some(held) => {
                self.check_final(&held, heads).await?;
                held.number
            }
            None => 0,
        };
        let Some(mut head) = self.store.head().await? else { return Ok(()) };
        let newest = head.number;
        while head.number > final_number {
            let served = self.rpc.header(head.number).await?;
            if served.is_some_and(|served| served.hash == B256::from(head.hash)) {
                break;
            }
            let Some(parent) = self.store.block(head.number - 1).await? else { break };
            head = parent;
        }
        if head.number < newest {
            tracing::warn!(from = newest, to = head.number, "the chain was reorganised");
            self.store.roll_back_to(head.number).await?;
        }
        Ok(())
    }

    async fn check_final(&self, held: &BlockRef, heads: &Heads) -> Result<(), Error> {
        let held_hash = B256::from(held.hash);
        let served = if heads.finalised.number == held.number {
            Some(heads.finalised)
        } else {
            self.rpc.header(held.number).await?
        };
        match served {
            Some(served) if served.hash != held_hash => {
                Err(Error::FinalityBroken { number: held.number, held: held_hash, served: served.hash })
            }
            // A node that lags behind does not contradict; there is nothing to read from it yet.
            Some(_) | None => Ok(()),
        }
    }

    /// Indexes the next blocks.
    async fn read(&mut self, heads: &Heads) -> Result<u64, Error> {
        let head = self.store.head().await?;
        let first = head.map_or(self.deployment.block, |head| head.number + 1);
        if first > heads.latest.number {
            return Ok(head.map_or(0, |head| head.number));
        }
        let end = heads.latest.number.min(first + STEP_BLOCKS_MAX - 1);
        let mut parent = head.map(|head| (B256::from(head.hash), head.timestamp));
        let mut from = first;
        while from <= end {
            let to = end.min(from + self.range - 1);
            let logs = match self.rpc.logs(&facts::contracts(&self.deployment), from, to).await {
                Ok(logs) => logs,
                Err(error) => {
                    self.range = (self.range / 2).max(1);
                    return Err(error.into());
                }
            };
            let mut by_block: BTreeMap<u64, Vec<Placed>> = BTreeMap::new();
            for log in &logs {
                if let Some(placed) = facts::read(log, &self.deployment)? {
                    by_block.entry(placed.block_number).or_default().push(placed);
                }
            }
            for number in from..=to {
                let placed = by_block.remove(&number).unwrap_or_default();
                let header = self.rpc.header(number).await?.ok_or(Error::Moved(number))?;
                self.index(&header, parent, placed).await?;
                parent = Some((header.hash, header.timestamp));
            }
            self.range = (self.range * 2).min(RANGE_MAX);
            from = to + 1;
        }
        Ok(end)
    }

    /// Indexes one block on top of its parent.
    async fn index(&self, header: &Head, parent: Option<(B256, u64)>, placed: Vec<Placed>) -> Result<(), Error> {
        let continues = parent.is_none_or(|(hash, _)| hash == header.parent);
        // Logs and headers come by separate calls: a reorganisation in between would mix two chains.
        if !continues || placed.iter().any(|placed| placed.block_hash != header.hash) {
            return Err(Error::Moved(header.number));
        }
        let mut facts = block::Facts::new(header, parent.map(|(_, timestamp)| timestamp), self.epoch_secs);
        for placed in placed {
            if let Fact::Bond { fisher, change } = placed.fact {
                self.bond(&mut facts, fisher, change).await?;
            } else if let Some(rental) = placed.fact.moves() {
                let node = self.node_of(&facts, rental).await?;
                facts.set_node(rental, node);
            }
            facts.add(&placed)?;
        }
        self.store.apply_block(facts.finish()).await?;
        Ok(())
    }

    /// Tells the facts a bond before they change it.
    async fn bond(&self, facts: &mut block::Facts, fisher: Address, change: BondChange) -> Result<(), Error> {
        if change == BondChange::Restated {
            let stake = self.rpc.stake(self.deployment.bonds, fisher, facts.block_hash()).await?;
            facts.restate_bond(fisher, stake);
        } else if !facts.knows_bond(&fisher) {
            facts.set_bond(fisher, self.store.bond(fisher.into_array()).await?);
        }
        Ok(())
    }

    /// The node of a rental that was opened in this block or before.
    async fn node_of(&self, facts: &block::Facts, rental: B256) -> Result<B256, Error> {
        if let Some(node) = facts.opened_node(&rental) {
            return Ok(node);
        }
        let known = self.store.rental(rental.0).await?;
        Ok(known.map(|rental| B256::from(rental.node)).ok_or(block::Error::UnknownRental(rental))?)
    }

    /// Makes final what the node calls final and what is indexed.
    async fn finalise(&self, heads: &Heads, indexed: u64) -> Result<Option<BlockRef>, Error> {
        let held = self.store.finalised().await?;
        let number = heads.finalised.number.min(indexed);
        let advances = number >= self.deployment.block && held.is_none_or(|held| number > held.number);
        if !advances {
            return Ok(held);
        }
        let Some(block) = self.store.block(number).await? else { return Ok(held) };
        if number == heads.finalised.number && B256::from(block.hash) != heads.finalised.hash {
            return Err(Error::Moved(number));
        }
        self.store.finalise(number).await?;
        Ok(Some(block))
    }
}
