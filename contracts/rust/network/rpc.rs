//! The chain behind a deployment: a connection that is of the right chain, limits on every answer, and transactions that are
//! waited for.

use std::future::IntoFuture;
use std::time::Duration;

use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, Bytes};
use alloy::providers::{DynProvider, Provider as _};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol;
use alloy::transports::http::reqwest::Url;

use super::Error;
use super::file::Network;
use crate::deploy::DEVELOPMENT_CHAINS;
use crate::rpc::{self, Said, cut};

/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(20);
/// The longest that a transaction may take to be included.
pub(super) const INCLUSION: Duration = Duration::from_secs(180);
/// Amounts in files and in the scoring's parameters are millionths of the coin.
const DECIMALS: u8 = 6;

sol! {
    #[sol(rpc)]
    interface IERC20Metadata {
        function decimals() external view returns (uint8);
    }
}

/// A network, the chain that it is on, and perhaps a key.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) provider: DynProvider,
    pub(super) network: Network,
    pub(super) key: Option<PrivateKeySigner>,
}

impl Client {
    /// Connects, and checks that the RPC serves the network's chain, that the coin is a contract of six decimals, and that
    /// the administrator is a contract too (on development chains it may be a key). Without a key nothing can be sent.
    pub async fn connect(network: Network, url: Url, key: Option<PrivateKeySigner>) -> Result<Self, Error> {
        let provider = rpc::connect(url, key.clone());
        let served = answered(provider.get_chain_id()).await?;
        if served != network.chain_id {
            return Err(Error::ForeignChain { named: network.chain_id, served });
        }
        let client = Self { provider, network, key };
        client.check_parties().await?;
        Ok(client)
    }

    async fn check_parties(&self) -> Result<(), Error> {
        let Network { token, admin, .. } = self.network;
        let coin = IERC20Metadata::new(token, &self.provider);
        let decimals = match self.code(token).await?.is_empty() {
            true => None,
            false => answered(coin.decimals().call()).await.ok(),
        };
        if decimals != Some(DECIMALS) {
            return Err(Error::Token(token));
        }
        // A lost key cannot be replaced, a Safe's owner can.
        if !DEVELOPMENT_CHAINS.contains(&self.network.chain_id) && self.code(admin).await?.is_empty() {
            return Err(Error::AdminIsNoContract(admin));
        }
        Ok(())
    }

    /// The network that it was connected for.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Whose key it has.
    pub(super) fn account(&self) -> Result<Address, Error> {
        self.key.as_ref().map(PrivateKeySigner::address).ok_or(Error::NoKey)
    }

    pub(super) async fn code(&self, address: Address) -> Result<Bytes, Error> {
        answered(self.provider.get_code_at(address)).await
    }

    /// How many transactions of an account are in blocks, and how many are known.
    pub(super) async fn nonces(&self, account: Address) -> Result<(u64, u64), Error> {
        let included = answered(self.provider.get_transaction_count(account)).await?;
        let known = answered(self.provider.get_transaction_count(account).pending()).await?;
        Ok((included, known.max(included)))
    }

    /// A transaction of the key's account; without a number it gets the next one.
    pub(super) fn request(&self, to: Option<Address>, input: Bytes, nonce: Option<u64>) -> TransactionRequest {
        let mut request = TransactionRequest::default().with_input(input);
        match to {
            Some(to) => request.set_to(to),
            None => request.set_create(),
        }
        request.nonce = nonce;
        request
    }

    /// Sends, and hands the transaction's hash out before its block is waited for.
    pub(super) async fn send(
        &self,
        what: &'static str,
        request: TransactionRequest,
        sent: impl FnOnce(alloy::primitives::B256),
    ) -> Result<TransactionReceipt, Error> {
        let pending = answered(self.provider.send_transaction(request)).await?;
        let hash = *pending.tx_hash();
        sent(hash);
        match tokio::time::timeout(INCLUSION, pending.get_receipt()).await {
            Ok(Ok(receipt)) if receipt.status() => Ok(receipt),
            Ok(Ok(_)) => Err(Error::Reverted { what, hash }),
            Ok(Err(error)) => Err(Error::Rpc(cut(&error.to_string()))),
            Err(_) => Err(Error::Pending { what }),
        }
    }
}

/// An answer of the RPC within its time; a failure in the node's words, never with the URL, which may carry a key.
pub(super) async fn answered<T, E: Said>(call: impl IntoFuture<Output = Result<T, E>>) -> Result<T, Error> {
    let answer = rpc::within(CALL, call).await.ok_or(Error::Slow)?;
    answer.map_err(|error| Error::Rpc(error.words()))
}
