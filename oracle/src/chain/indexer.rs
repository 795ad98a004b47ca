//! Follows the chain: indexes block after block, rolls back what was reorganised, makes final what is final.
//!
//! Owns the order: reconcile, read, finalise, one step after the other, each safe to repeat and none longer than its limits:
//! a node that answers slowly slows the indexer down and holds up nobody else. The cursor is the store's newest block, so that
//! a restart goes on where the last step ended. Its invariants: a block enters only on top of its
//! parent, a log counts once (by block hash and index), and what was finalised is never taken back: a chain that does so is
//! reported and not followed.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::primitives::{Address, B256};
use gpux_contracts::Deployment;

use super::{
    block::{self, CaseKnown},
    facts::{self, BondChange, CaseEvent, Fact, Placed},
    rpc::{self, Head, Heads, Rpc},
};
use crate::store::{self, BlockRef, Filing, Store};

/// The most blocks whose logs are asked for at once; public nodes refuse more than a few thousand.
const RANGE_MAX: u64 = 1_024;
/// The most blocks of one step; bounds what is held in memory.
const STEP_BLOCKS_MAX: u64 = 256;
/// How long a step begins new blocks. Calls may take 10 s each: 256 blocks of a node that uses them up would take three
/// quarters of an hour, in which no epoch closes and the oracle's health tells of nothing.
const STEP_MAX: Duration = Duration::from_secs(30);
/// The longest that one block may take: a block is indexed as a whole, and each lock of stake in it asks the node again.
const BLOCK_MAX: Duration = Duration::from_secs(120);

/// `Kind.Bare` of the Court: its subject is a rental and no node.
const BARE: u8 = 2;

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
    /// One block takes too long to read.
    #[error("block {number} could not be read within {} s", BLOCK_MAX.as_secs())]
    Slow { number: u64 },
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
    /// How long a step begins new blocks.
    patience: Duration,
}

impl Indexer {
    /// Follows the contracts of a deployment.
    #[must_use]
    pub fn new(rpc: Rpc, store: Arc<dyn Store>, deployment: Deployment, epoch_secs: u64) -> Self {
        Self { rpc, store, deployment, epoch_secs: epoch_secs.max(1), range: RANGE_MAX, patience: STEP_MAX }
    }

    /// Goes on from the cursor, by a bounded number of blocks and for a bounded time.
    pub async fn step(&mut self) -> Result<Progress, Error> {
        let until = Instant::now() + self.patience;
        let heads = self.rpc.heads().await?;
        if !self.reconcile(&heads, until).await? {
            let indexed = self.store.head().await?.map_or(0, |head| head.number);
            return Ok(Progress { indexed, finalised: self.store.finalised().await?, caught_up: false });
        }
        let indexed = self.read(&heads, until).await?;
        let finalised = self.finalise(&heads, indexed).await?;
        Ok(Progress { indexed, finalised, caught_up: indexed >= heads.latest.number })
    }

    /// Rolls back towards the newest block that the node still has; returns whether it was reached. A node that denies every
    /// block would have been asked for each that is not final, in one step.
    async fn reconcile(&self, heads: &Heads, until: Instant) -> Result<bool, Error> {
        let final_number = match self.store.finalised().await? {
            Some(held) => {
                self.check_final(&held, heads).await?;
                held.number
            }
            None => 0,
        };
        let Some(mut head) = self.store.head().await? else { return Ok(true) };
        let (newest, mut reached) = (head.number, false);
        for _ in 0..STEP_BLOCKS_MAX {
            reached = head.number <= final_number || self.serves(&head).await?;
            if reached {
                break;
            }
            let Some(parent) = self.store.block(head.number - 1).await? else {
                reached = true;
                break;
            };
            head = parent;
            if Instant::now() >= until {
                break;
            }
        }
        if head.number < newest {
            tracing::warn!(from = newest, to = head.number, "the chain was reorganised");
            self.store.roll_back_to(head.number).await?;
        }
        Ok(reached)
    }

    /// Whether the node has this block.
    async fn serves(&self, block: &BlockRef) -> Result<bool, Error> {
        let served = self.rpc.header(block.number).await?;
        Ok(served.is_some_and(|served| served.hash == B256::from(block.hash)))
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

    /// Indexes the next blocks; returns the newest that is indexed.
    async fn read(&mut self, heads: &Heads, until: Instant) -> Result<u64, Error> {
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
                let indexed = tokio::time::timeout(BLOCK_MAX, self.index(&header, parent, placed)).await;
                indexed.map_err(|_| Error::Slow { number })??;
                parent = Some((header.hash, header.timestamp));
                if Instant::now() >= until {
                    return Ok(number);
                }
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
        let mut facts =
            block::Facts::new(header, parent.map(|(_, time)| time), self.epoch_secs, self.deployment.rewards);
        for placed in placed {
            if let Fact::Bond { fisher, change } = placed.fact {
                self.bond(&mut facts, fisher, change).await?;
            } else if let Some(rental) = placed.fact.moves() {
                let node = self.node_of(&facts, rental).await?;
                facts.set_node(rental, node);
            } else if let Fact::Case { id, event } = &placed.fact {
                self.case(&mut facts, *id, event).await?;
            }
            facts.add(&placed)?;
        }
        self.store.apply_block(facts.finish()).await?;
        Ok(())
    }

    /// Tells the facts a bond before they change it.
    async fn bond(&self, facts: &mut block::Facts, fisher: Address, change: BondChange) -> Result<(), Error> {
        if facts.restates(&fisher) {
            // Asked before: its events are in the answer.
        } else if change == BondChange::Restated {
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
        let known = self.store.rental_node(rental.0).await?;
        Ok(known.map(B256::from).ok_or(block::Error::UnknownRental(rental))?)
    }

    /// Tells the facts what a case's event does not say: of a new one its deadlines and node, of an ending one its node.
    async fn case(&self, facts: &mut block::Facts, id: B256, event: &CaseEvent) -> Result<(), Error> {
        if let CaseEvent::Filed { kind, subject, .. } = event {
            let node = if *kind == BARE { self.node_of(facts, *subject).await? } else { *subject };
            let (court, at) = (self.deployment.court, facts.block_hash());
            let (answer_until, ruling_until) = self.rpc.case_deadlines(court, id, at).await?;
            facts.set_case(id, CaseKnown { kind: *kind, node, answer_until, ruling_until });
        } else if !facts.knows_case(&id) {
            let held = self.store.case(id.0).await?.ok_or(block::Error::UnknownCase(id))?;
            let Filing { kind, node, answer_until, ruling_until, .. } = held.filing;
            facts.set_case(id, CaseKnown { kind, node: node.into(), answer_until, ruling_until });
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{BlockFacts, Sqlite};
    use alloy::{
        providers::{Provider as _, ProviderBuilder},
        rpc::types::{Block, Log},
        transports::mock::Asserter,
    };

    fn hash(number: u64) -> B256 {
        B256::left_padding_from(&number.to_be_bytes())
    }

    fn block(number: u64) -> Block {
        let mut block: Block = Block::default();
        (block.header.hash, block.header.inner.parent_hash) = (hash(number), hash(number - 1));
        (block.header.inner.number, block.header.inner.timestamp) = (number, 100 + number);
        block
    }

    /// An indexer over a store with blocks 1 to `indexed`, the first of them final, and what its node will answer.
    async fn follower(indexed: u64) -> (Indexer, Asserter, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(directory.path()).await.unwrap());
        for number in 1..=indexed {
            let header = BlockRef { number, hash: hash(number).0, timestamp: 100 + number };
            let (opened, movements, bonds, cases, entries) = Default::default();
            let parent = hash(number - 1).0;
            store
                .apply_block(BlockFacts { block: header, parent, opened, movements, bonds, cases, entries })
                .await
                .unwrap();
        }
        store.finalise(1).await.unwrap();
        let address = Address::repeat_byte;
        let deployment = Deployment {
            chain_id: 31_337,
            development: true,
            block: 1,
            token: address(1),
            access_manager: address(2),
            rentals: address(3),
            bonds: address(4),
            scores: address(5),
            court: address(6),
            rewards: address(7),
            epoch_length_seconds: 5,
        };
        let answers = Asserter::new();
        let provider = ProviderBuilder::new().disable_recommended_fillers().connect_mocked_client(answers.clone());
        (Indexer::new(Rpc::new(provider.erased()), store, deployment, 5), answers, directory)
    }

    fn heads(answers: &Asserter, latest: u64) {
        answers.push_success(&block(latest));
        answers.push_success(&block(1));
    }

    #[tokio::test]
    async fn a_node_that_denies_every_block_is_asked_for_a_bounded_number_a_step() {
        let (mut indexer, answers, _directory) = follower(300).await;
        heads(&answers, 300);
        (0..STEP_BLOCKS_MAX).for_each(|_| answers.push_success(&None::<Block>));
        let progress = indexer.step().await.unwrap();
        assert_eq!((progress.indexed, progress.caught_up), (300 - STEP_BLOCKS_MAX, false));
        // The next step goes on where this one stopped, down to what is final.
        heads(&answers, 300);
        (1..300 - STEP_BLOCKS_MAX).for_each(|_| answers.push_success(&None::<Block>));
        answers.push_success(&Vec::<Log>::new());
        answers.push_success(&None::<Block>);
        assert!(matches!(indexer.step().await, Err(Error::Moved(2))));
        assert_eq!(indexer.store.head().await.unwrap().unwrap().number, 1);
    }

    #[tokio::test]
    async fn a_step_whose_time_is_over_begins_no_block_and_the_next_one_goes_on() {
        let (mut indexer, answers, _directory) = follower(1).await;
        indexer.patience = Duration::ZERO;
        for indexed in 2..=3 {
            heads(&answers, 4);
            // What is not final is asked for again.
            (2..indexed).for_each(|number| answers.push_success(&block(number)));
            answers.push_success(&Vec::<Log>::new());
            answers.push_success(&block(indexed));
            let progress = indexer.step().await.unwrap();
            assert_eq!((progress.indexed, progress.caught_up), (indexed, false));
        }
    }
}
