//! The fisher's purse: a few throw-away accounts that are paid before they are needed, so that a session waits for one block
//! (its own rental) and not for two; rentals opened from them; everything taken back afterwards. An account is used
//! once: a second rental from it would tell the node who rents.
use super::{Chain, Entry, Error, Journal, Spending};
use crate::offered::Offered;
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use gpux_kernels::probe::ProbeId;
use gpux_proto::{evidence::Terms, signing};
use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::sync::Mutex;
use tracing::{debug, warn};

/// How often money is looked for again on an account that is not empty.
const TRIES: usize = 3;
/// The most accounts that are paid at a time.
const BATCH_MAX: usize = 64;

/// Throw-away accounts with money.
#[derive(Debug)]
pub struct Purse {
    chain: Chain,
    journal: Journal,
    spending: Spending,
    ready: Mutex<VecDeque<Paid>>,
    /// Held by whoever pays a batch.
    paying: Mutex<()>,
    /// How many accounts are paid at a time.
    batch: usize,
    /// The most token units of one deposit.
    limit: u128,
    /// Tells rentals apart that are otherwise equal.
    counter: AtomicU64,
}

#[derive(Debug)]
struct Paid {
    signer: PrivateKeySigner,
    tokens: u128,
}

/// An open rental.
#[derive(Debug, Clone)]
pub struct Rental {
    /// The throw-away account.
    pub consumer: PrivateKeySigner,
    /// The terms.
    pub terms: Terms,
    /// Their hash.
    pub id: [u8; 32],
    /// What opens the note.
    pub salt: [u8; 32],
    /// What it is for.
    pub probe: ProbeId,
}

impl Rental {
    fn entry(&self) -> Entry {
        Entry { signer: self.consumer.clone(), terms: Some(self.terms.clone()), probe: Some(self.probe) }
    }
}

impl Purse {
    /// Makes an empty purse that pays `batch` accounts at a time with at most `limit` token units each.
    pub fn new(chain: Chain, (journal, spending): (Journal, Spending), batch: usize, limit: u128) -> Self {
        let batch = batch.clamp(1, BATCH_MAX);
        let (ready, paying, counter) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Self { chain, journal, spending, ready, paying, batch, limit, counter }
    }

    /// The chain that it pays on.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Opens a rental that pays for at least `seconds`.
    pub async fn rent(&self, offered: &Offered, probe: ProbeId, seconds: u64) -> Result<Rental, Error> {
        let needs = self.price(offered.rate, seconds)?;
        let paid = self.take(needs).await?;
        let deployment = self.chain.deployment();
        let salt: [u8; 32] = random()?;
        let note = signing::note(deployment.chain_id, deployment.court, self.chain.fisher().address(), salt);
        let terms = Terms {
            consumer: paid.signer.address().to_vec(),
            offer: Some(offered.offer.clone()),
            note: note.to_vec(),
            nonce: self.counter.fetch_add(1, Ordering::Relaxed),
        };
        let id = signing::rental_id(&terms)?;
        let rental = Rental { consumer: paid.signer, terms, id, salt, probe };
        // First the journal, then the money.
        self.journal.write(&rental.entry())?;
        // The whole balance goes in, so that stopping and withdrawing empty the account.
        let signature = &offered.signed_offer.provider_signature;
        let opened = self.chain.open(&rental.consumer, &rental.terms, paid.tokens, signature).await;
        match opened {
            Ok(()) => Ok(rental),
            Err(error) => {
                self.give_back(&rental).await;
                Err(error)
            }
        }
    }

    /// Stops a rental and takes everything back. A failure is logged: the journal keeps the key for `sweep`.
    pub async fn give_back(&self, rental: &Rental) {
        if let Err(error) = self.empty(&rental.entry()).await {
            warn!(account = %rental.consumer.address(), %error, "money stays on a throw-away account");
        }
    }

    /// Takes everything back from all accounts of the journal; returns how many are empty and how many are not.
    pub async fn sweep(&self) -> Result<(usize, usize), Error> {
        self.ready.lock().await.clear();
        let (mut empty, mut left) = (0, 0);
        for entry in self.journal.entries()? {
            match self.empty(&entry).await {
                Ok(()) => empty += 1,
                Err(error) => {
                    left += 1;
                    warn!(account = %entry.signer.address(), %error, "money stays on a throw-away account");
                }
            }
        }
        Ok((empty, left))
    }

    /// Pays the next batch when the purse is nearly empty, so that the next session finds an account.
    pub async fn prepare(&self, rate: u128, seconds: u64) {
        let Ok(needs) = self.price(rate, seconds) else { return };
        // Whoever pays already is enough.
        let Ok(_paying) = self.paying.try_lock() else { return };
        if self.ready.lock().await.len() < self.batch.div_ceil(2)
            && let Err(error) = self.pay(needs).await
        {
            warn!(%error, "throw-away accounts could not be paid ahead");
        }
    }

    fn price(&self, rate: u128, seconds: u64) -> Result<u128, Error> {
        let needs = rate.saturating_mul(seconds.into());
        if needs > self.limit {
            return Err(Error::Expensive { seconds, rate, needs, limit: self.limit });
        }
        Ok(needs)
    }

    async fn take(&self, needs: u128) -> Result<Paid, Error> {
        loop {
            if let Some(paid) = self.pop(needs).await {
                return Ok(paid);
            }
            let _paying = self.paying.lock().await;
            if let Some(paid) = self.pop(needs).await {
                return Ok(paid);
            }
            self.pay(needs).await?;
        }
    }

    async fn pop(&self, needs: u128) -> Option<Paid> {
        let mut ready = self.ready.lock().await;
        let at = ready.iter().position(|paid| paid.tokens >= needs)?;
        ready.remove(at)
    }

    async fn pay(&self, needs: u128) -> Result<(), Error> {
        let signers: Vec<PrivateKeySigner> = (0..self.batch).map(|_| PrivateKeySigner::random()).collect();
        for signer in &signers {
            self.journal.write(&Entry { signer: signer.clone(), terms: None, probe: None })?;
        }
        // A deposit of always the same length would mark a fisher: up to a quarter more, differing by batch.
        let share = u128::from(random::<1>()?[0]);
        let tokens = (needs + needs * share / 1_024).min(self.limit).max(1);
        let addresses: Vec<Address> = signers.iter().map(PrivateKeySigner::address).collect();
        self.chain.fund(&addresses, tokens).await?;
        debug!(accounts = addresses.len(), tokens, "paid throw-away accounts ahead");
        self.ready.lock().await.extend(signers.into_iter().map(|signer| Paid { signer, tokens }));
        Ok(())
    }

    async fn empty(&self, entry: &Entry) -> Result<(), Error> {
        let account = entry.signer.address();
        let mut result = Err(Error::Left(account));
        for _ in 0..TRIES {
            result = match self.chain.take_back(&entry.signer, entry.terms.as_ref()).await {
                Ok(standing) if self.chain.is_empty(&standing).await? => {
                    self.note_spent(entry).await?;
                    return self.journal.remove(account);
                }
                Ok(_) => Err(Error::Left(account)),
                Err(error) => Err(error),
            };
        }
        result
    }

    /// Notes what a rental has cost.
    async fn note_spent(&self, entry: &Entry) -> Result<(), Error> {
        let Some(terms) = &entry.terms else { return Ok(()) };
        let Some(spent) = self.chain.spent(terms).await? else { return Ok(()) };
        let (id, node) = (signing::rental_id(terms)?, terms.offer.as_ref().map_or(&[][..], |offer| &offer.node));
        self.spending.append((&id, node), entry.probe, (spent, self.chain.take_fees()))
    }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Random(e.to_string()))?;
    Ok(bytes)
}
