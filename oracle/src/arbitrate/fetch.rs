//! Fetches a sealed bundle for an operator, from an oracle that holds it.
//!
//! Owns the question and its limits. Its invariant: what is returned has the digest that was asked for, whatever the oracle
//! sent.

use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use gpux_contracts::{Deployment, OpeningError, opening};
use gpux_proto::{
    bundle::BUNDLE_BYTES_MAX,
    bytes::to_hex,
    oracle::{GetBundleRequest, evidence_service_client::EvidenceServiceClient},
    signing::{self, Domain},
};
use tonic::transport::Endpoint;

/// A bundle, and what is around it.
const ANSWER_BYTES_MAX: usize = BUNDLE_BYTES_MAX + (64 << 10);
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The question cannot be signed.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The oracle cannot be reached.
    #[error("cannot reach the oracle")]
    Unreachable(#[from] tonic::transport::Error),
    /// The oracle does not show it.
    #[error("the oracle does not show the bundle: {0}")]
    Refused(String),
    /// The oracle showed another one.
    #[error("the oracle showed bundle {0}")]
    Other(String),
}

/// Asks an oracle for a bundle by its digest, in an operator's name; `now` is in seconds since 1970.
pub async fn fetch(
    oracle: &str,
    digest: [u8; 32],
    operator: &PrivateKeySigner,
    deployment: &Deployment,
    now: u64,
) -> Result<Vec<u8>, Error> {
    let opening = Some(opening(digest.into(), operator, deployment, now)?);
    let endpoint = Endpoint::from_shared(oracle.to_owned())?.connect_timeout(CONNECT).timeout(ANSWER);
    let client = EvidenceServiceClient::new(endpoint.connect().await?);
    let request = GetBundleRequest { digest: to_hex(&digest), opening };
    let answer = client.max_decoding_message_size(ANSWER_BYTES_MAX).get_bundle(request).await;
    let bundle = answer.map_err(|status| Error::Refused(status.message().to_owned()))?.into_inner().bundle;
    let found = signing::id(Domain::Bundle, &bundle);
    if found == digest { Ok(bundle) } else { Err(Error::Other(to_hex(&found))) }
}
