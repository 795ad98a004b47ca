//! What the indexer asks of a node of the chain.
//!
//! Owns the calls and their limits: every call ends within `CALL`, and every answer is checked for what it must contain and
//! that it is about what was asked. A node is not trusted to be consistent between two calls; the indexer compares block
//! hashes. Never writes anything.

use std::time::Duration;

use alloy::{
    consensus::BlockHeader as _,
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256},
    providers::{DynProvider, Provider as _},
    rpc::types::{Filter, Log},
    transports::TransportError,
};
use gpux_contracts::{Bonds, Court};

/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(10);

/// The most logs of one answer. A block of Optimism has room for some 20,000 of the smallest events, and then a range of one
/// block is asked for.
const LOGS_MAX: usize = 65_536;

/// Why the chain could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node did not answer, or with an error.
    #[error("the chain's RPC failed at {call}")]
    Transport {
        call: &'static str,
        #[source]
        source: Box<TransportError>,
    },
    /// A contract did not answer, or with an error.
    #[error("the chain's contract failed at {call}")]
    Contract {
        call: &'static str,
        #[source]
        source: Box<alloy::contract::Error>,
    },
    /// The node took too long.
    #[error("the chain's RPC did not answer {call} within {} s", CALL.as_secs())]
    Slow { call: &'static str },
    /// The node's answer lacks something.
    #[error("the chain's RPC answered {call} without {lacking}")]
    Incomplete { call: &'static str, lacking: &'static str },
    /// The node answered about another block than was asked for.
    #[error("the chain's RPC answered {call} for block {asked} with block {given}")]
    Other { call: &'static str, asked: u64, given: u64 },
    /// The node answered with more than fits.
    #[error("the chain's RPC answered {call} with {count} logs, more than {LOGS_MAX}")]
    Flood { call: &'static str, count: usize },
}

/// A block, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub number: u64,
    pub hash: B256,
    pub parent: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

/// The two ends that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    pub latest: Head,
    /// What can no longer change; the genesis block counts as final.
    pub finalised: Head,
}

/// A node of the chain.
#[derive(Debug, Clone)]
pub struct Rpc {
    provider: DynProvider,
}

impl Rpc {
    /// Asks through this provider.
    #[must_use]
    pub fn new(provider: DynProvider) -> Self {
        Self { provider }
    }

    /// The newest and the newest final block.
    pub async fn heads(&self) -> Result<Heads, Error> {
        let latest = self.block(BlockNumberOrTag::Latest).await?;
        let finalised = self.block(BlockNumberOrTag::Finalized).await?;
        match (latest, finalised) {
            (Some(latest), Some(finalised)) => Ok(Heads { latest, finalised }),
            _ => Err(Error::Incomplete { call: "eth_getBlockByNumber", lacking: "a head" }),
        }
    }

    /// The block of this number, if there is one.
    pub async fn header(&self, number: u64) -> Result<Option<Head>, Error> {
        let head = self.block(BlockNumberOrTag::Number(number)).await?;
        match head {
            // A block of another number would move the cursor to where the chain is not.
            Some(head) if head.number != number => {
                Err(Error::Other { call: "eth_getBlockByNumber", asked: number, given: head.number })
            }
            head => Ok(head),
        }
    }

    /// The logs of these contracts, from block `from` to block `to`, inclusive.
    pub async fn logs(&self, contracts: &[Address], from: u64, to: u64) -> Result<Vec<Log>, Error> {
        let filter = Filter::new().address(contracts.to_vec()).from_block(from).to_block(to);
        let call = "eth_getLogs";
        let logs = limited(call, self.provider.get_logs(&filter)).await?;
        if logs.len() > LOGS_MAX {
            return Err(Error::Flood { call, count: logs.len() });
        }
        // One that belongs to no block of the range would be dropped without a word.
        let outside = logs.iter().filter_map(|log| log.block_number).find(|number| !(from..=to).contains(number));
        match outside {
            Some(given) => Err(Error::Other { call, asked: from, given }),
            None => Ok(logs),
        }
    }

    /// A fisher's stake that does not thaw at the end of a block.
    pub async fn stake(&self, bonds: Address, fisher: Address, block: B256) -> Result<u128, Error> {
        let contract = Bonds::new(bonds, &self.provider);
        let bond = viewed(contract.bond(fisher).block(BlockId::hash(block)).call()).await?;
        Ok(bond.amount.saturating_sub(bond.thawing))
    }

    /// Until when the provider of a case answers and the arbiter rules, in seconds since 1970, as of the block that filed it.
    pub async fn case_deadlines(&self, court: Address, id: B256, block: B256) -> Result<(u64, u64), Error> {
        let (court, at) = (Court::new(court, &self.provider), BlockId::hash(block));
        let answer: u64 = viewed(court.ANSWER().block(at).call()).await?.to();
        let case = viewed(court.caseOf(id).block(at).call()).await?;
        Ok((case.filedAt.to::<u64>().saturating_add(answer), case.deadline.to()))
    }

    async fn block(&self, tag: BlockNumberOrTag) -> Result<Option<Head>, Error> {
        let block =
            limited("eth_getBlockByNumber", self.provider.get_block(BlockId::Number(tag)).into_future()).await?;
        Ok(block.map(|block| Head {
            number: block.header.number(),
            hash: block.header.hash,
            parent: block.header.parent_hash(),
            timestamp: block.header.timestamp(),
        }))
    }
}

async fn viewed<T>(future: impl IntoFuture<Output = Result<T, alloy::contract::Error>>) -> Result<T, Error> {
    let call = "eth_call";
    match tokio::time::timeout(CALL, future).await {
        Ok(answer) => answer.map_err(|source| Error::Contract { call, source: Box::new(source) }),
        Err(_) => Err(Error::Slow { call }),
    }
}

async fn limited<T>(call: &'static str, future: impl Future<Output = Result<T, TransportError>>) -> Result<T, Error> {
    match tokio::time::timeout(CALL, future).await {
        Ok(answer) => answer.map_err(|source| Error::Transport { call, source: Box::new(source) }),
        Err(_) => Err(Error::Slow { call }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{providers::ProviderBuilder, rpc::types::Block, transports::mock::Asserter};

    fn answering(answer: &impl serde::Serialize) -> Rpc {
        let answers = Asserter::new();
        answers.push_success(answer);
        Rpc::new(ProviderBuilder::new().disable_recommended_fillers().connect_mocked_client(answers).erased())
    }

    #[tokio::test]
    async fn a_block_of_another_number_than_asked_for_is_an_error() {
        let mut block: Block = Block::default();
        block.header.inner.number = 7;
        assert_eq!(answering(&block).header(7).await.unwrap().map(|head| head.number), Some(7));
        let error = answering(&block).header(8).await.unwrap_err();
        assert!(matches!(error, Error::Other { asked: 8, given: 7, .. }), "{error}");
        assert_eq!(answering(&None::<Block>).header(8).await.unwrap(), None);
    }

    #[tokio::test]
    async fn logs_outside_of_the_range_and_floods_of_them_are_errors() {
        let log = |block_number| Log { block_number: Some(block_number), ..Log::default() };
        let logs = |logs: Vec<Log>| async move { answering(&logs).logs(&[], 5, 7).await };
        assert_eq!(logs(vec![log(5), log(7)]).await.unwrap().len(), 2);
        for outside in [4, 8] {
            let error = logs(vec![log(5), log(outside)]).await.unwrap_err();
            assert!(matches!(error, Error::Other { asked: 5, given, .. } if given == outside), "{error}");
        }
        let error = logs(vec![log(6); LOGS_MAX + 1]).await.unwrap_err();
        assert!(matches!(error, Error::Flood { count, .. } if count == LOGS_MAX + 1), "{error}");
    }
}
