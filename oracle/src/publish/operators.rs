//! Who the operators of Scores are, for requests that only they may make.
//!
//! Owns a small copy of the contract's answers, so that a request costs no call of the chain's RPC. An operator who was removed
//! is one here for `FRESH` longer; whatever goes on chain is asked there anew. Never decides what an operator may.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::{primitives::Address, providers::DynProvider};
use gpux_contracts::Scores;

use super::chain::{self, viewed};

/// How long an answer holds.
const FRESH: Duration = Duration::from_secs(60);
/// Accounts whose answers are kept: many times the operators of any market.
const KNOWN_MAX: usize = 1_024;
/// Strangers that the chain is asked about in one span of `FRESH`: keys cost nothing to make, calls of an RPC do.
const STRANGERS_MAX: u32 = 128;

/// Why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// Too many strangers were asked about.
    #[error("too many unknown accounts at once")]
    Busy,
}

/// The operators of a market. Clones share what is known.
#[derive(Debug, Clone)]
pub struct Operators {
    source: Source,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Clone)]
enum Source {
    Chain { provider: DynProvider, scores: Address },
    Fixed { operators: Vec<Address>, threshold: u8 },
}

#[derive(Debug, Default)]
struct Known {
    accounts: HashMap<Address, (bool, Instant)>,
    threshold: Option<(u8, Instant)>,
    /// Strangers asked about since a moment.
    strangers: Option<(Instant, u32)>,
}

impl Operators {
    /// Asks the Scores contract.
    #[must_use]
    pub fn on_chain(provider: DynProvider, scores: Address) -> Self {
        Self { source: Source::Chain { provider, scores }, known: Arc::default() }
    }

    /// Operators who never change, of whom so many must sign.
    #[must_use]
    pub fn fixed(operators: Vec<Address>, threshold: u8) -> Self {
        Self { source: Source::Fixed { operators, threshold }, known: Arc::default() }
    }

    /// Whether an account is an operator.
    pub async fn contains(&self, account: Address) -> Result<bool, Error> {
        let (provider, scores) = match &self.source {
            Source::Fixed { operators, .. } => return Ok(operators.contains(&account)),
            Source::Chain { provider, scores } => (provider, *scores),
        };
        if let Some(known) = self.known(|known| known.look(account))? {
            return Ok(known);
        }
        let found = viewed("isOperator", Scores::new(scores, provider).isOperator(account).call()).await?;
        self.known(|known| known.keep(account, found));
        Ok(found)
    }

    /// How many of them must sign an epoch.
    pub async fn threshold(&self) -> Result<u8, Error> {
        let (provider, scores) = match &self.source {
            Source::Fixed { threshold, .. } => return Ok(*threshold),
            Source::Chain { provider, scores } => (provider, *scores),
        };
        if let Some((threshold, since)) = self.known(|known| known.threshold)
            && since.elapsed() < FRESH
        {
            return Ok(threshold);
        }
        let threshold = viewed("threshold", Scores::new(scores, provider).threshold().call()).await?;
        self.known(|known| known.threshold = Some((threshold, Instant::now())));
        Ok(threshold)
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Known {
    /// What is known of an account; an unknown one is counted. An operator whose answer is old is asked about however many
    /// strangers there were, so that they cannot keep him out.
    fn look(&mut self, account: Address) -> Result<Option<bool>, Error> {
        match self.accounts.get(&account) {
            Some((found, since)) if since.elapsed() < FRESH => return Ok(Some(*found)),
            Some((true, _)) => return Ok(None),
            _ => {}
        }
        let (since, count) = self.strangers.filter(|(since, _)| since.elapsed() < FRESH).unwrap_or((Instant::now(), 0));
        if count >= STRANGERS_MAX {
            return Err(Error::Busy);
        }
        self.strangers = Some((since, count + 1));
        Ok(None)
    }

    fn keep(&mut self, account: Address, found: bool) {
        if self.accounts.len() >= KNOWN_MAX {
            self.accounts.retain(|_, (found, _)| *found);
        }
        if self.accounts.len() < KNOWN_MAX {
            self.accounts.insert(account, (found, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        primitives::U256,
        providers::{Provider as _, ProviderBuilder},
        sol_types::SolValue as _,
        transports::mock::Asserter,
    };

    fn mocked() -> (Operators, Asserter) {
        let answers = Asserter::new();
        let provider = ProviderBuilder::new().disable_recommended_fillers().connect_mocked_client(answers.clone());
        (Operators::on_chain(provider.erased(), Address::repeat_byte(9)), answers)
    }

    fn word(value: u64) -> alloy::primitives::Bytes {
        U256::from(value).abi_encode().into()
    }

    #[tokio::test]
    async fn an_answer_is_asked_for_once_and_a_failure_is_not_kept() {
        let (operators, answers) = mocked();
        let account = Address::repeat_byte(1);
        answers.push_failure_msg("away");
        assert!(matches!(operators.contains(account).await, Err(Error::Chain(_))));
        answers.push_success(&word(1));
        for _ in 0..3 {
            assert!(operators.contains(account).await.unwrap());
        }
        answers.push_success(&word(2));
        for _ in 0..3 {
            assert_eq!(operators.threshold().await.unwrap(), 2);
        }
    }

    #[tokio::test]
    async fn strangers_are_asked_about_so_often_and_do_not_keep_operators_out() {
        let (operators, answers) = mocked();
        let operator = Address::repeat_byte(0xee);
        answers.push_success(&word(1));
        assert!(operators.contains(operator).await.unwrap());
        let stranger = |number: u32| Address::left_padding_from(&number.to_be_bytes());
        for number in 1..STRANGERS_MAX {
            answers.push_success(&word(0));
            assert!(!operators.contains(stranger(number)).await.unwrap());
        }
        assert!(matches!(operators.contains(stranger(STRANGERS_MAX)).await, Err(Error::Busy)));
        assert!(!operators.contains(stranger(1)).await.unwrap(), "what is known costs nothing");
        let old = Instant::now().checked_sub(FRESH).unwrap();
        operators.known(|known| known.accounts.get_mut(&operator).unwrap().1 = old);
        answers.push_success(&word(0));
        assert!(!operators.contains(operator).await.unwrap(), "the answer is old, and the operator removed");
    }

    #[test]
    fn what_is_known_is_bounded_and_operators_stay() {
        let mut known = Known::default();
        known.keep(Address::repeat_byte(0xee), true);
        for number in 0..2 * KNOWN_MAX as u64 {
            known.keep(Address::left_padding_from(&number.to_be_bytes()), false);
            assert!(known.accounts.len() <= KNOWN_MAX);
        }
        assert!(known.accounts.contains_key(&Address::repeat_byte(0xee)));
    }
}
