//! Signs what an oracle asks of whoever wants to see what is sealed.
//!
//! Owns for how long it holds. Reads no clock: the time is given.

use alloy::primitives::B256;
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use gpux_proto::{bytes::to_hex, oracle::Opening};

use crate::{deployment::Deployment, typed_data::opening_digest};

/// For how long an opening holds, in seconds: a question and its repetitions. An oracle takes no more than an hour.
const HOLDS_SECS: u64 = 600;

/// Why an opening cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    /// The clock is wrong by thousands of years.
    #[error("the clock shows {0} s since 1970")]
    Clock(u64),
    /// The key does not sign.
    #[error("the key does not sign")]
    Sign(#[from] alloy::signers::Error),
}

/// Opens a bundle by its digest, a report by its id, or what a case is about, from `now` on, in seconds since 1970.
pub fn opening(
    subject: B256,
    key: &PrivateKeySigner,
    deployment: &Deployment,
    now: u64,
) -> Result<Opening, OpeningError> {
    let valid_until = now.saturating_add(HOLDS_SECS);
    let digest = opening_digest(subject, valid_until, deployment.chain_id, deployment.court);
    let signature = key.sign_hash_sync(&digest.ok_or(OpeningError::Clock(now))?)?;
    let (signature, account) = (to_hex(&signature.as_bytes()), to_hex(key.address().as_slice()));
    Ok(Opening { valid_until, signature, account })
}
