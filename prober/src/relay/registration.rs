//! Keeps a relay known to the oracle: the owner's signature binds its key and endpoint, and is renewed long before it ends. An
//! oracle that starts, or has not seen the owner's bond yet, is asked again.
use crate::{
    clock,
    report::{Oracle, OracleError},
};
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use gpux_contracts::Deployment;
use gpux_proto::{
    evidence::RelayRegistration,
    signing::{self, VerifyingKey},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a registration holds; a relay that is gone is forgotten after that.
const VALID: Duration = Duration::from_secs(7 * 86_400);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(6 * 3_600);
/// The first pause before the oracle is asked again; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is registered.
#[derive(Debug)]
pub struct Registrar {
    /// The market's contracts.
    pub deployment: Deployment,
    /// Who owns the relay.
    pub owner: PrivateKeySigner,
    /// The relay's key.
    pub relay: VerifyingKey,
    /// Where it answers.
    pub endpoint: String,
    /// Told once the oracle lists it.
    pub listed: Arc<Notify>,
}

impl Registrar {
    /// A registration that holds from now on.
    pub fn registration(&self) -> anyhow::Result<RelayRegistration> {
        let mut registration = RelayRegistration {
            chain_id: self.deployment.chain_id,
            bonds: self.deployment.bonds.to_vec(),
            owner: self.owner.address().to_vec(),
            relay: self.relay.to_bytes().to_vec(),
            endpoint: self.endpoint.clone(),
            valid_until: (clock::now() + VALID).as_secs(),
            owner_signature: vec![],
        };
        let digest = signing::relay_digest(&registration)?;
        registration.owner_signature = self.owner.sign_hash_sync(&digest.into())?.as_bytes().to_vec();
        Ok(registration)
    }

    /// Registers and renews until it is told to stop. Fails when the oracle refuses the first registration for good.
    pub(super) async fn run(&self, oracle: &Oracle, stop: &CancellationToken) -> anyhow::Result<()> {
        let (mut pause, mut registered) = (PAUSE_MIN, false);
        while !stop.is_cancelled() {
            let wait = match oracle.register_relay(self.registration()?).await {
                Ok(()) => {
                    if !registered {
                        self.listed.notify_one();
                        info!(endpoint = self.endpoint, owner = %self.owner.address(), "the oracle lists this relay");
                    }
                    (pause, registered) = (PAUSE_MIN, true);
                    RENEW
                }
                Err(OracleError::Refused { refusal, .. }) if refusal.retryable || registered => {
                    warn!(reason = refusal.reason, message = refusal.message, "not registered yet");
                    pause = (pause * 2).min(PAUSE_MAX);
                    pause
                }
                Err(error) => return Err(error.into()),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }
}
