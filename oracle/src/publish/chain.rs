//! What the publisher asks of Scores, and the transactions that it sends there.
//!
//! Owns the operator's transactions: built and signed here, so that a transaction's hash is known, and kept, before the
//! chain's node ever sees it. Every call ends within `CALL`. Never decides what is published.

use std::time::Duration;

use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag, Encodable2718 as _},
    network::{EthereumWallet, NetworkTransactionBuilder as _, TransactionBuilder as _},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::{Filter, TransactionRequest},
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::{SolCall as _, SolEvent as _},
    transports::TransportError,
};
use gpux_contracts::{Deployment, Scores, publish_digest};

/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(10);
/// How far back an event is looked for, in blocks: a day and more on OP Mainnet.
const LOOK_BACK: u64 = 50_000;
/// The most blocks of one question for events.
const RANGE: u64 = 2_000;

/// Why the chain did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node did not answer, or with an error.
    #[error("the chain's RPC failed at {call}")]
    Transport {
        call: &'static str,
        #[source]
        source: Box<TransportError>,
    },
    /// The contract did not answer, or with an error.
    #[error("Scores failed at {call}")]
    Contract {
        call: &'static str,
        #[source]
        source: Box<alloy::contract::Error>,
    },
    /// The node took too long.
    #[error("the chain's RPC did not answer {call} within {} s", CALL.as_secs())]
    Slow { call: &'static str },
    /// The operator's key does not sign.
    #[error("the operator's key does not sign")]
    Signer(#[from] alloy::signers::Error),
    /// The transaction could not be built.
    #[error("the transaction cannot be built")]
    Build,
}

/// What Scores says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub latest_epoch: u64,
    pub parameters: B256,
    pub threshold: u8,
    pub is_operator: bool,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inclusion {
    /// No block contains it.
    Absent,
    /// A block contains it; whether that block is final.
    Included { is_final: bool },
    /// A block contains it, and it failed.
    Reverted,
}

/// An epoch as the chain has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    pub publication: Scores::Publish,
    pub transaction: B256,
}

/// What a transaction pays for a unit of gas, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    pub most: u128,
    pub priority: u128,
}

/// A signed transaction that was not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub hash: B256,
    pub raw: Vec<u8>,
}

/// The operator's account and the Scores contract.
#[derive(Debug, Clone)]
pub struct ScoresChain {
    provider: DynProvider,
    operator: PrivateKeySigner,
    scores: Address,
    first_block: u64,
    chain_id: u64,
}

impl ScoresChain {
    /// Speaks to the Scores contract of a deployment.
    #[must_use]
    pub fn new(provider: DynProvider, operator: PrivateKeySigner, deployment: &Deployment) -> Self {
        let Deployment { scores, block: first_block, chain_id, .. } = *deployment;
        Self { provider, operator, scores, first_block, chain_id }
    }

    /// The operator's address.
    #[must_use]
    pub fn operator(&self) -> Address {
        self.operator.address()
    }

    /// What Scores says of itself and of the operator.
    pub async fn standing(&self) -> Result<Standing, Error> {
        let contract = Scores::new(self.scores, &self.provider);
        Ok(Standing {
            latest_epoch: viewed("latestEpoch", contract.latestEpoch().call()).await?,
            parameters: viewed("parameters", contract.parameters().call()).await?,
            threshold: viewed("threshold", contract.threshold().call()).await?,
            is_operator: self.is_operator(self.operator()).await?,
        })
    }

    /// Whether an account is an operator as of the newest block.
    pub async fn is_operator(&self, account: Address) -> Result<bool, Error> {
        viewed("isOperator", Scores::new(self.scores, &self.provider).isOperator(account).call()).await
    }

    /// The operator's signature over a publication.
    pub fn sign(&self, publication: &Scores::Publish) -> Result<[u8; 65], Error> {
        let digest = publish_digest(publication, self.chain_id, self.scores);
        Ok(self.operator.sign_hash_sync(&digest)?.as_bytes())
    }

    /// What became of a transaction.
    pub async fn inclusion(&self, transaction: B256) -> Result<Inclusion, Error> {
        let receipt = self.provider.get_transaction_receipt(transaction);
        let Some(receipt) = asked("eth_getTransactionReceipt", receipt).await? else { return Ok(Inclusion::Absent) };
        if !receipt.status() {
            return Ok(Inclusion::Reverted);
        }
        let tag = BlockId::Number(BlockNumberOrTag::Finalized);
        let finalised = asked("eth_getBlockByNumber", self.provider.get_block(tag).into_future()).await?;
        let is_final = match (finalised, receipt.block_number) {
            (Some(finalised), Some(number)) => number <= finalised.header.number,
            _ => false,
        };
        Ok(Inclusion::Included { is_final })
    }

    /// Looks for the event of an epoch in the blocks of the last day.
    pub async fn published(&self, epoch: u64) -> Result<Option<Published>, Error> {
        let latest = asked("eth_blockNumber", self.provider.get_block_number()).await?;
        let oldest = self.first_block.max(latest.saturating_sub(LOOK_BACK));
        published(&self.provider, self.scores, oldest, epoch).await
    }

    /// The fees that the chain asks now.
    pub async fn fees(&self) -> Result<Fees, Error> {
        let fees = asked("eth_feeHistory", self.provider.estimate_eip1559_fees()).await?;
        Ok(Fees { most: fees.max_fee_per_gas, priority: fees.max_priority_fee_per_gas })
    }

    /// The number of the operator's next transaction. Of one that waits in the pool it is the same: a later one replaces it.
    pub async fn nonce(&self) -> Result<u64, Error> {
        let count = self.provider.get_transaction_count(self.operator()).into_future();
        asked("eth_getTransactionCount", count).await
    }

    /// Builds and signs the transaction that publishes; the signatures of 65 bytes stand one after the other.
    pub async fn prepare(
        &self,
        publication: &Scores::Publish,
        signatures: &[u8],
        nonce: u64,
        fees: Fees,
    ) -> Result<Prepared, Error> {
        let call = Scores::publishCall {
            publication: publication.clone(),
            signatures: signatures.chunks(65).map(Bytes::copy_from_slice).collect(),
        };
        let request = TransactionRequest::default()
            .with_from(self.operator())
            .with_to(self.scores)
            .with_input(call.abi_encode())
            .with_chain_id(self.chain_id)
            .with_nonce(nonce)
            .with_max_fee_per_gas(fees.most)
            .with_max_priority_fee_per_gas(fees.priority);
        // As of the newest block: in the pending one a transaction that this replaces has published the epoch already.
        let estimate = self.provider.estimate_gas(request.clone()).block(BlockId::latest()).into_future();
        let gas = asked("eth_estimateGas", estimate).await?;
        // A fifth more than now: the ring's slots may be cold when it is included.
        let request = request.with_gas_limit(gas + gas / 5);
        let wallet = EthereumWallet::from(self.operator.clone());
        let envelope = request.build(&wallet).await.map_err(|_| Error::Build)?;
        Ok(Prepared { hash: *envelope.tx_hash(), raw: envelope.encoded_2718() })
    }

    /// Sends a transaction. One that the node has already is as good as sent.
    pub async fn send(&self, prepared: &Prepared) -> Result<(), Error> {
        match asked("eth_sendRawTransaction", self.provider.send_raw_transaction(&prepared.raw)).await {
            Err(Error::Transport { source, .. }) if is_known(&source) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// What a waiting transaction pays, if the node has it.
    pub async fn fees_of(&self, transaction: B256) -> Result<Option<Fees>, Error> {
        let found = asked("eth_getTransactionByHash", self.provider.get_transaction_by_hash(transaction)).await?;
        Ok(found.map(|found| Fees {
            most: found.max_fee_per_gas(),
            priority: found.max_priority_fee_per_gas().unwrap_or_default(),
        }))
    }
}

/// Looks for the event of an epoch, the newest blocks first, back to the oldest one.
pub async fn published(
    provider: &DynProvider,
    scores: Address,
    oldest: u64,
    epoch: u64,
) -> Result<Option<Published>, Error> {
    let topic = B256::from(U256::from(epoch));
    let mut to = asked("eth_blockNumber", provider.get_block_number()).await?;
    loop {
        let from = oldest.max(to.saturating_sub(RANGE - 1));
        let filter = Filter::new()
            .address(scores)
            .event_signature(Scores::Published::SIGNATURE_HASH)
            .topic1(topic)
            .from_block(from)
            .to_block(to);
        let logs = asked("eth_getLogs", provider.get_logs(&filter)).await?;
        let found = logs.iter().find_map(|log| {
            let event = Scores::Published::decode_log(&log.inner).ok()?.data;
            Some(Published { publication: event.publication, transaction: log.transaction_hash? })
        });
        if found.is_some() || from <= oldest {
            return Ok(found);
        }
        to = from - 1;
    }
}

/// The newest epoch that Scores holds; 0 before the first.
pub async fn latest_epoch(provider: &DynProvider, scores: Address) -> Result<u64, Error> {
    viewed("latestEpoch", Scores::new(scores, provider).latestEpoch().call()).await
}

/// Whether the node says that it has the transaction. Clients word it alike and give it no code of its own.
fn is_known(error: &TransportError) -> bool {
    error.as_error_resp().is_some_and(|answer| {
        let message = answer.message.to_ascii_lowercase();
        message.contains("already known") || message.contains("already imported")
    })
}

async fn asked<T>(call: &'static str, future: impl IntoFuture<Output = Result<T, TransportError>>) -> Result<T, Error> {
    match tokio::time::timeout(CALL, future).await {
        Ok(answer) => answer.map_err(|source| Error::Transport { call, source: Box::new(source) }),
        Err(_) => Err(Error::Slow { call }),
    }
}

/// The answer of a contract.
pub(super) async fn viewed<T>(
    call: &'static str,
    future: impl IntoFuture<Output = Result<T, alloy::contract::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(CALL, future).await {
        Ok(answer) => answer.map_err(|source| Error::Contract { call, source: Box::new(source) }),
        Err(_) => Err(Error::Slow { call }),
    }
}
