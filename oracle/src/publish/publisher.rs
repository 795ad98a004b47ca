//! Brings recorded epochs on chain, each once.
//!
//! Owns the way of an epoch from built to confirmed. Before every transaction the chain is asked what it has, so that a crash
//! at any point costs a question and never a second publication; the contents were recorded before anything was signed, so
//! that one epoch is never signed with two contents. Of the epochs that enough operators have signed the oldest goes first, one
//! transaction at a time; one that lacks signatures holds up none after it, and is superseded by them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::primitives::B256;
use gpux_contracts::Scores;

use super::{
    chain::{self, Fees, Inclusion, Published, ScoresChain, Standing},
    signatures::{self, Choice},
};
use crate::store::{self, Countersignature, Epoch, EpochState, Store};

/// How many epochs one step looks at.
const PAGE: u32 = 16;
/// How many epochs that others have signed one step tries.
const SIGNED_PAGE: u32 = 64;
/// How often the operator is told that signatures are missing.
const REMIND: Duration = Duration::from_secs(300);
/// The most that a fee is raised to, in multiples of what the chain asks: a stuck chain must not drain the operator.
const RAISE_MAX: u128 = 16;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The chain did not do what it was asked.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Scores wants other parameters: the operator runs another version of the method.
    #[error("the parameters are {own}, Scores wants {wanted}")]
    Parameters { own: B256, wanted: B256 },
    /// The key is no operator's.
    #[error("{0} is not an operator of Scores")]
    NotAnOperator(alloy::primitives::Address),
    /// The chain has other contents for an epoch: an operator computed something else.
    #[error("epoch {epoch} is on chain with root {on_chain}, this oracle computed {own}")]
    Differs { epoch: u64, on_chain: B256, own: B256 },
    /// A stored transaction's hash is damaged.
    #[error("the stored transaction of epoch {0} is damaged")]
    Damaged(u64),
}

/// A transaction that waits for its block.
#[derive(Debug)]
struct Waiting {
    epoch: u64,
    since: Instant,
    attempts: u32,
}

/// What a step reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Epochs whose transaction is in a final block since this step.
    pub confirmed: u32,
    /// Whether a transaction or a signature waits.
    pub waiting: bool,
    /// How many signatures the oldest epoch that is not on its way lacks.
    pub missing: usize,
}

/// Brings epochs on chain.
#[derive(Debug)]
pub struct Publisher {
    store: Arc<dyn Store>,
    chain: ScoresChain,
    /// After this long without a block a transaction is sent again with higher fees.
    stuck_after: Duration,
    waiting: Option<Waiting>,
    /// When the operator was last told that signatures are missing.
    reminded: Option<Instant>,
}

impl Publisher {
    /// Publishes what the store holds.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, chain: ScoresChain, stuck_after: Duration) -> Self {
        Self { store, chain, stuck_after, waiting: None, reminded: None }
    }

    /// Takes the unconfirmed epochs one step further each, and sends the next one that is signed.
    pub async fn step(&mut self) -> Result<Progress, Error> {
        let mut progress = Progress::default();
        let (mut standing, mut oldest) = (None, None);
        for epoch in self.store.unconfirmed_epochs(PAGE).await? {
            if self.confirm(&epoch).await? {
                progress.confirmed += 1;
                continue;
            }
            progress.waiting = true;
            if self.is_included(&epoch).await? {
                continue;
            }
            let standing = match standing {
                Some(standing) => standing,
                None => *standing.insert(self.chain.standing().await?),
            };
            if self.on_chain(&epoch, &standing).await? {
                continue;
            }
            self.sign(&epoch).await?;
            oldest.get_or_insert(epoch);
        }
        if let (Some(standing), Some(oldest)) = (standing, oldest) {
            progress.missing = self.send_next(&oldest, &standing).await?;
        }
        Ok(progress)
    }

    /// Sends the oldest epoch that has its signatures; returns how many the oldest of all lacks.
    async fn send_next(&mut self, oldest: &Epoch, standing: &Standing) -> Result<usize, Error> {
        let others = u32::from(standing.threshold.saturating_sub(1));
        let own = self.chain.operator().into_array();
        let ready = self.store.countersigned_epochs(own, others, SIGNED_PAGE).await?;
        for epoch in ready.into_iter().filter(|epoch| epoch.epoch > standing.latest_epoch) {
            self.check(&epoch, standing)?;
            self.sign(&epoch).await?;
            if let Choice::Enough(signatures) = self.choose(&epoch, standing.threshold).await? {
                let missing = if epoch.epoch == oldest.epoch { 0 } else { self.missing(oldest, standing).await? };
                self.publish(epoch, signatures).await?;
                return Ok(missing);
            }
        }
        self.missing(oldest, standing).await
    }

    async fn choose(&self, epoch: &Epoch, threshold: u8) -> Result<Choice, Error> {
        let held = self.store.countersignatures(epoch.epoch).await?;
        Ok(signatures::choose(&self.chain, &held, &epoch.signatures, threshold).await?)
    }

    /// How many signatures an epoch lacks; the operator is reminded of it now and then.
    async fn missing(&mut self, epoch: &Epoch, standing: &Standing) -> Result<usize, Error> {
        let Choice::Missing(missing) = self.choose(epoch, standing.threshold).await? else { return Ok(0) };
        if self.reminded.is_none_or(|at| at.elapsed() >= REMIND) {
            self.reminded = Some(Instant::now());
            let (epoch, threshold) = (epoch.epoch, standing.threshold);
            tracing::warn!(
                epoch,
                missing,
                threshold,
                "epoch {epoch} waits for {missing} more of {threshold} signatures"
            );
        }
        Ok(missing)
    }

    /// Holds this operator's signature over an epoch beside those of others.
    async fn sign(&self, epoch: &Epoch) -> Result<(), Error> {
        let operator = self.chain.operator().into_array();
        let held = self.store.countersignatures(epoch.epoch).await?;
        if held.iter().any(|held| held.operator == operator) {
            return Ok(());
        }
        let signature = self.chain.sign(&publication(epoch))?;
        Ok(self.store.countersign(Countersignature { epoch: epoch.epoch, operator, signature }).await?)
    }

    /// Confirms an epoch whose transaction is in a final block.
    async fn confirm(&mut self, epoch: &Epoch) -> Result<bool, Error> {
        let Some(transaction) = transaction(epoch)? else { return Ok(false) };
        if self.chain.inclusion(transaction).await? != (Inclusion::Included { is_final: true }) {
            return Ok(false);
        }
        self.store.advance_epoch(epoch.epoch, EpochState::Sent, EpochState::Confirmed, transaction.to_vec()).await?;
        tracing::info!(epoch = epoch.epoch, %transaction, "epoch confirmed on chain");
        Ok(true)
    }

    async fn is_included(&self, epoch: &Epoch) -> Result<bool, Error> {
        let Some(transaction) = transaction(epoch)? else { return Ok(false) };
        Ok(matches!(self.chain.inclusion(transaction).await?, Inclusion::Included { .. }))
    }

    /// Whether the chain has this epoch, or a later one, by a transaction that is not the stored one. Takes it over.
    async fn on_chain(&mut self, epoch: &Epoch, standing: &Standing) -> Result<bool, Error> {
        self.check(epoch, standing)?;
        if standing.latest_epoch < epoch.epoch {
            return Ok(false);
        }
        match self.chain.published(epoch.epoch).await? {
            Some(Published { publication: found, transaction }) => {
                let own = publication(epoch);
                if found != own {
                    return Err(Error::Differs { epoch: epoch.epoch, on_chain: found.root, own: own.root });
                }
                self.sent(epoch, transaction.to_vec()).await?;
            }
            // A later epoch was published first, and epochs rise strictly: this one never comes. Its leaves stay.
            None => {
                self.sent(epoch, Vec::new()).await?;
                self.store.advance_epoch(epoch.epoch, EpochState::Sent, EpochState::Confirmed, Vec::new()).await?;
                tracing::warn!(epoch = epoch.epoch, later = standing.latest_epoch, "epoch was superseded on chain");
            }
        }
        Ok(true)
    }

    fn check(&self, epoch: &Epoch, standing: &Standing) -> Result<(), Error> {
        let own = B256::from(epoch.parameters);
        if standing.parameters != own {
            return Err(Error::Parameters { own, wanted: standing.parameters });
        }
        if !standing.is_operator {
            return Err(Error::NotAnOperator(self.chain.operator()));
        }
        Ok(())
    }

    /// Sends an epoch, or sends it again with higher fees when it is stuck.
    async fn publish(&mut self, epoch: Epoch, signatures: Vec<u8>) -> Result<(), Error> {
        let number = epoch.epoch;
        let attempts = match &self.waiting {
            Some(waiting) if waiting.epoch == number && waiting.since.elapsed() < self.stuck_after => return Ok(()),
            Some(waiting) if waiting.epoch == number => waiting.attempts,
            _ => 0,
        };
        let publication = publication(&epoch);
        // Before the state that says that they are enough.
        if epoch.signatures != signatures {
            self.store.choose_signatures(number, signatures.clone()).await?;
        }
        if epoch.state == EpochState::Built {
            self.store.advance_epoch(number, EpochState::Built, EpochState::Signed, signatures.clone()).await?;
        }
        let fees = self.fees(&epoch, attempts).await?;
        let prepared = self.chain.prepare(&publication, &signatures, self.chain.nonce().await?, fees).await?;
        // Its hash is kept before it is sent: whatever happens next, it can be found.
        let from = if epoch.state == EpochState::Sent { EpochState::Sent } else { EpochState::Signed };
        self.store.advance_epoch(number, from, EpochState::Sent, prepared.hash.to_vec()).await?;
        self.waiting = Some(Waiting { epoch: number, since: Instant::now(), attempts: attempts + 1 });
        self.chain.send(&prepared).await?;
        tracing::info!(epoch = number, transaction = %prepared.hash, attempts, "epoch sent");
        Ok(())
    }

    /// The chain's fees, and for a transaction that replaces one at least an eighth more than that one pays, as nodes ask.
    async fn fees(&self, epoch: &Epoch, attempts: u32) -> Result<Fees, Error> {
        let asked = self.chain.fees().await?;
        let replaced = match transaction(epoch)? {
            Some(transaction) => self.chain.fees_of(transaction).await?,
            None => None,
        };
        Ok(raised(asked, replaced, attempts))
    }

    /// Moves an epoch to `Sent` from wherever it is.
    async fn sent(&self, epoch: &Epoch, transaction: Vec<u8>) -> Result<(), Error> {
        let number = epoch.epoch;
        if epoch.state == EpochState::Built {
            // Whoever published it has chosen the signatures.
            self.store.advance_epoch(number, EpochState::Built, EpochState::Signed, Vec::new()).await?;
        }
        let from = if epoch.state == EpochState::Sent { EpochState::Sent } else { EpochState::Signed };
        Ok(self.store.advance_epoch(number, from, EpochState::Sent, transaction).await?)
    }
}

/// What an epoch says on chain.
#[must_use]
pub fn publication(epoch: &Epoch) -> Scores::Publish {
    Scores::Publish {
        epoch: epoch.epoch,
        root: epoch.root.into(),
        rewardsRoot: epoch.rewards_root.into(),
        dataHash: epoch.data_hash.into(),
        logSize: epoch.log_size,
        logRoot: epoch.log_root.into(),
        parameters: epoch.parameters.into(),
    }
}

fn transaction(epoch: &Epoch) -> Result<Option<B256>, Error> {
    if epoch.state != EpochState::Sent || epoch.transaction.is_empty() {
        return Ok(None);
    }
    B256::try_from(epoch.transaction.as_slice()).map(Some).map_err(|_| Error::Damaged(epoch.epoch))
}

fn raised(asked: Fees, replaced: Option<Fees>, attempts: u32) -> Fees {
    let factor = (1_u128 << attempts.min(16)).min(RAISE_MAX);
    let raise = |asked: u128, replaced: u128| {
        let limit = asked.saturating_mul(RAISE_MAX);
        let wanted = asked.saturating_mul(factor).max(replaced.saturating_add(replaced / 8).saturating_add(1));
        // Never below what replaces the other, which would be refused, unless that is above every limit.
        wanted.min(limit.max(1))
    };
    let Fees { most, priority } = replaced.unwrap_or(Fees { most: 0, priority: 0 });
    let priority = raise(asked.priority, priority);
    Fees { most: raise(asked.most, most).max(priority), priority }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_double_with_each_attempt_up_to_the_limit_and_beat_what_they_replace() {
        let asked = Fees { most: 100, priority: 10 };
        assert_eq!(raised(asked, None, 0), asked);
        assert_eq!(raised(asked, None, 2), Fees { most: 400, priority: 40 });
        assert_eq!(raised(asked, None, 60), Fees { most: 1_600, priority: 160 });
        let replaced = Fees { most: 800, priority: 80 };
        assert_eq!(raised(asked, Some(replaced), 0), Fees { most: 901, priority: 91 });
        let drained = Fees { most: u128::MAX, priority: u128::MAX };
        assert_eq!(raised(asked, Some(drained), 3), Fees { most: 1_600, priority: 160 });
    }
}
