//! A node made by hand: its keys, what it says of itself, and a gRPC service that misbehaves as it is told.
//!
//! It signs as a real node does, so that what is refused is refused for the reason under test and no other. It runs no
//! job and looks at no chain.

use crate::clock::unix_seconds;
use alloy::{primitives::B256, signers::SignerSync as _, signers::local::PrivateKeySigner};
use ed25519_dalek::SigningKey;
use gpux_contracts::Deployment;
use gpux_proto::{
    evidence::{Description, Descriptor, Gpu, Host, Offer, SignedOffer},
    signing::{self, Domain},
};

pub mod hostile;

/// Token units a second.
pub const RATE: u128 = 10;

/// The keys of a node.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The node's.
    pub node: SigningKey,
    /// Its provider's.
    pub provider: PrivateKeySigner,
}

impl Keys {
    /// Fresh ones.
    pub fn random() -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self { node: SigningKey::from_bytes(&secret), provider: PrivateKeySigner::random() })
    }

    /// The node's public key.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.node.verifying_key().to_bytes()
    }

    /// A descriptor that claims a GPU and a host.
    #[must_use]
    pub fn descriptor(&self, endpoint: &str, gpu: Option<&str>, host: Option<Host>) -> Descriptor {
        let gpus = gpu.map(|model| Gpu { model: model.to_owned(), count: 1 }).into_iter().collect();
        Descriptor {
            node: self.id().to_vec(),
            endpoint: endpoint.to_owned(),
            provider: self.provider.address().to_vec(),
            organisation: Vec::new(),
            gpus,
            host,
            sequence: unix_seconds(),
            issue_time: Some(timestamp(unix_seconds())),
        }
    }

    /// The offer for a descriptor's digest, not yet signed.
    #[must_use]
    pub fn offer(&self, deployment: &Deployment, descriptor_digest: [u8; 32]) -> Offer {
        Offer {
            chain_id: deployment.chain_id,
            rentals: deployment.rentals.to_vec(),
            node: self.id().to_vec(),
            provider: self.provider.address().to_vec(),
            descriptor_digest: descriptor_digest.to_vec(),
            rate: RATE.to_string(),
            capacity: 64,
            valid_until: unix_seconds() + 86_400,
        }
    }

    /// Signs an offer with both keys.
    pub fn sign_offer(&self, offer: Offer) -> anyhow::Result<SignedOffer> {
        let digest = signing::offer_digest(&offer)?;
        Ok(SignedOffer {
            node_signature: signing::sign_id(&digest, &self.node).to_vec(),
            provider_signature: ecdsa(&self.provider, &digest)?,
            offer: Some(offer),
        })
    }

    /// All that a node says of itself.
    pub fn describe(&self, deployment: &Deployment, descriptor: &Descriptor) -> anyhow::Result<Description> {
        let signed = signing::sign(Domain::Descriptor, descriptor, &self.node);
        let digest = signing::id(Domain::Descriptor, &signed.payload);
        let offer = self.sign_offer(self.offer(deployment, digest))?;
        Ok(Description { descriptor: Some(signed), offer: Some(offer), membership: None })
    }
}

/// Signs a digest as (r, s, v).
pub fn ecdsa(key: &PrivateKeySigner, digest: &[u8; 32]) -> anyhow::Result<Vec<u8>> {
    Ok(key.sign_hash_sync(&B256::from(*digest))?.as_bytes().to_vec())
}

/// A time in whole seconds.
#[must_use]
pub fn timestamp(seconds: u64) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 }
}
