//! An operator's word that a bundle convicts, as Court takes it.
//!
//! Owns what is signed: the bundle's id, its node, and the rental in which the session ran, for one Court on one chain. Its
//! invariant: nothing is signed unless the whole bundle was recomputed and convicts by the deployment's own rules.

use std::sync::Arc;

use alloy::{
    primitives::{B256, Signature},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_contracts::{Deployment, conviction_digest};
use gpux_kernels::{plan::Market, release::Release};
use gpux_proto::bytes::{self, from_hex};

use super::verify_evidence::{self, Report};

/// Why a bundle cannot be attested.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bundle cannot be examined.
    #[error(transparent)]
    Evidence(#[from] verify_evidence::Error),
    /// A convicting bundle names no node or rental, or unreadable ones.
    #[error("the bundle convicts and names no readable node and rental: {0}")]
    Place(#[from] bytes::Error),
    /// The key did not sign.
    #[error("the operator's key did not sign")]
    Sign(#[from] alloy::signers::Error),
}

/// Examines a bundle and signs that it convicts; gives the examination back if it does not.
pub fn attest(
    bundle: &[u8],
    deployment: &Deployment,
    operator: &PrivateKeySigner,
    releases: Vec<Arc<Release>>,
) -> Result<Result<Signature, Report>, Error> {
    let market = if deployment.development { Market::Development } else { Market::Production };
    let report = verify_evidence::examine(bundle, market, Some(deployment), releases)?;
    if !report.convicts {
        return Ok(Err(report));
    }
    let read = |field, text: Option<&String>| from_hex::<32>(field, text.map_or("", String::as_str)).map(B256::from);
    let evidence = read("bundle", Some(&report.bundle))?;
    let (node, rental) = (read("node", report.node.as_ref())?, read("rental", report.rental.as_ref())?);
    let digest = conviction_digest(evidence, node, rental, deployment.chain_id, deployment.court);
    Ok(Ok(operator.sign_hash_sync(&digest)?))
}
