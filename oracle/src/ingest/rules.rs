//! What this oracle accepts.
//!
//! Owns the limits and the identities that every check compares with: the chain, its contracts, the market. Read once at
//! start; never changes while the oracle runs.

use std::sync::Arc;

use crate::score;
use alloy::primitives::Address;
use gpux_contracts::Deployment;
use gpux_kernels::{evidence, plan::Market, release::Release};
use gpux_proto::bytes;

use super::Refusal;

/// The longest endpoint, in bytes.
const ENDPOINT_BYTES_MAX: usize = 256;
/// How far clocks of honest parties may differ, in seconds.
pub(super) const CLOCK_SKEW_SECS: u64 = 30;
/// The largest description: a descriptor with 16 models, an offer and a membership take below 3 KiB.
pub(super) const DESCRIPTION_BYTES_MAX: usize = 16 << 10;
/// The largest commit: three ids and a chain id.
pub(super) const COMMIT_BYTES_MAX: usize = 512;
/// The largest report: 64 windows and two offers take below 8 KiB.
pub(super) const REPORT_BYTES_MAX: usize = 32 << 10;

/// What this oracle accepts.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The chain and its contracts.
    pub deployment: Deployment,
    /// The scoring parameters: smallest bond, weights.
    pub parameters: score::Parameters,
    /// Accepted releases of the worker; without any, a development market accepts all that are no variant.
    pub releases: Vec<Arc<Release>>,
}

impl Rules {
    /// Whether simulated devices and relaxed plans are accepted.
    #[must_use]
    pub fn development(&self) -> bool {
        self.parameters.market == score::Market::Development
    }

    /// The market by which sessions are planned and examined.
    #[must_use]
    pub fn market(&self) -> Market {
        if self.development() { Market::Development } else { Market::Production }
    }

    /// The rules of the examination.
    #[must_use]
    pub fn evidence(&self) -> evidence::Rules {
        evidence::Rules {
            market: self.market(),
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.into_array(),
            releases: self.releases.clone(),
        }
    }

    /// Refuses what is meant for another chain or contract: a signature made there says nothing here.
    pub(super) fn here(
        &self,
        what: &'static str,
        chain_id: u64,
        contract: &[u8],
        expected: Address,
    ) -> Result<(), Refusal> {
        let contract: [u8; 20] = bytes::array(what, contract)?;
        if chain_id == self.deployment.chain_id && Address::from(contract) == expected {
            Ok(())
        } else {
            Err(Refusal::ForeignChain(what))
        }
    }
}

/// Refuses a time further ahead than clocks may differ.
pub(super) fn not_ahead(what: &'static str, seconds: u64, now: u64) -> Result<(), Refusal> {
    if seconds > now.saturating_add(CLOCK_SKEW_SECS) {
        return Err(Refusal::FutureDated { what, ahead_secs: seconds - now });
    }
    Ok(())
}

/// Refuses what is larger than its limit.
pub(super) fn bounded(what: &'static str, size: usize, limit: usize) -> Result<(), Refusal> {
    if size > limit { Err(Refusal::Oversized { what, size, limit }) } else { Ok(()) }
}

/// Refuses a text that is longer than the format allows.
pub(super) fn text(field: &'static str, text: &str, limit: usize) -> Result<(), Refusal> {
    if text.len() > limit {
        return Err(Refusal::Malformed(format!("{field} has {} bytes, at most {limit} are allowed", text.len())));
    }
    Ok(())
}

/// Refuses an endpoint that is no http or https URI.
pub(super) fn endpoint(field: &'static str, endpoint: &str) -> Result<(), Refusal> {
    text(field, endpoint, ENDPOINT_BYTES_MAX)?;
    let http = endpoint.strip_prefix("http://").or(endpoint.strip_prefix("https://"));
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '@');
    if !http.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain)) {
        return Err(Refusal::Malformed(format!("{field} is no http or https URI")));
    }
    Ok(())
}
