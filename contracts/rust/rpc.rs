//! How the programs of this crate reach a chain: the connection, the words of a refusal, and the walk through logs.

mod transport;

use std::future::IntoFuture;
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::Bytes;
use alloy::providers::{DynProvider, Provider as _, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::http::reqwest::Url;
use alloy::transports::utils::guess_local_url;
use transport::{ANSWER_BYTES_MAX, Transport};

/// The most blocks whose logs are asked for at once: what public nodes answer.
pub(crate) const RANGE: u64 = 10_000;

/// The longest that any call may take; most callers wait less.
const CALL_MAX: Duration = Duration::from_secs(60);

/// A connection to a chain's node, which ends answers that take too long or are too large.
pub fn client(rpc: Url, limit: Duration) -> RpcClient {
    let is_local = guess_local_url(rpc.as_str());
    RpcClient::new(Transport::new(rpc, limit, ANSWER_BYTES_MAX), is_local)
}

/// A provider that reads a chain.
pub fn reader(rpc: Url) -> DynProvider {
    ProviderBuilder::new().connect_client(client(rpc, CALL_MAX)).erased()
}

/// A provider that signs if it has a key.
pub(crate) fn connect(rpc: Url, key: Option<PrivateKeySigner>) -> DynProvider {
    // A cache of nonces would count a transaction that was never sent, since its estimate failed, and leave a gap behind
    // which all later ones wait.
    let builder = ProviderBuilder::new().with_simple_nonce_management();
    match key {
        Some(key) => builder.wallet(EthereumWallet::from(key)).connect_client(client(rpc, CALL_MAX)).erased(),
        None => builder.connect_client(client(rpc, CALL_MAX)).erased(),
    }
}

/// An error of a call, with the words of whoever refused.
pub(crate) trait Said {
    /// What a contract said, if it was one.
    fn data(&self) -> Option<Bytes>;
    /// What the node said.
    fn words(&self) -> String;
}

impl Said for alloy::contract::Error {
    fn data(&self) -> Option<Bytes> {
        self.as_revert_data()
    }

    fn words(&self) -> String {
        match self {
            Self::TransportError(error) => error.words(),
            other => cut(&other.to_string()),
        }
    }
}

impl Said for alloy::transports::TransportError {
    fn data(&self) -> Option<Bytes> {
        self.as_error_resp()?.as_revert_data()
    }

    fn words(&self) -> String {
        // A transport error names the URL, which may carry a key; the node's own words do not.
        self.as_error_resp().map_or_else(|| "no answer".to_owned(), |answer| cut(&answer.message))
    }
}

/// Words of a stranger, without control characters and not too many.
pub(crate) fn cut(words: &str) -> String {
    words.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// The answer of a call, or nothing if it takes longer than `limit`.
pub(crate) async fn within<T, E>(
    limit: Duration,
    call: impl IntoFuture<Output = Result<T, E>>,
) -> Option<Result<T, E>> {
    tokio::time::timeout(limit, call.into_future()).await.ok()
}
