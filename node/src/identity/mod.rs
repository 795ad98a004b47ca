//! Who the node is and what it offers: descriptor, offer and membership, all signed.
//!
//! Owns the node key and the provider's signer. Never signs an offer for another descriptor than its own. Invariant: what
//! is published verifies with the checks that a renter makes.
mod descriptor;
mod membership;
mod offer;

pub use descriptor::{Claims, describe};
pub use membership::{MEMBERSHIP_DAYS_MAX, accept as accept_membership, sign as sign_membership};

use crate::clock;
use alloy::signers::local::PrivateKeySigner;
use gpux_proto::{
    evidence::{Description, Offer, Signed},
    signing::{self, SigningKey},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// An identity cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A signature or its message is not acceptable.
    #[error(transparent)]
    Signing(#[from] signing::Error),
    /// A field has the wrong size or form.
    #[error(transparent)]
    Field(#[from] gpux_proto::bytes::Error),
    /// The provider's signer refused.
    #[error("the provider's key cannot sign the offer")]
    Provider(#[from] alloy::signers::Error),
    /// The catalogue does not know a model.
    #[error("no model is called {0:?}")]
    Model(String),
    /// The membership is of another node or organisation, or not valid now.
    #[error("the membership is not usable: {0}")]
    Membership(&'static str),
    /// The endpoint is longer than the format allows.
    #[error("an endpoint of {0} bytes is longer than {max}", max = descriptor::ENDPOINT_BYTES_MAX)]
    Endpoint(usize),
}

/// What the provider asks for.
#[derive(Debug, Clone)]
pub struct Price {
    /// The chain's id.
    pub chain_id: u64,
    /// The Rentals contract.
    pub rentals: [u8; 20],
    /// Token units a second.
    pub rate: u128,
    /// Simultaneous rentals.
    pub capacity: u32,
    /// How long an offer is valid; it is renewed after half of it.
    pub validity: Duration,
}

/// A description as it is served.
#[derive(Debug)]
pub struct Published {
    /// What Describe returns.
    pub description: Description,
    /// The offer in it.
    pub offer: Offer,
    /// The offer before it: whoever has just read it may still rent by it.
    pub previous: Option<Offer>,
}

impl Published {
    /// Whether an offer is one that this node stands by.
    #[must_use]
    pub fn stands_by(&self, offer: &Offer) -> bool {
        *offer == self.offer || self.previous.as_ref() == Some(offer)
    }
}

/// The node's keys and what it publishes.
#[derive(Debug)]
pub struct Identity {
    key: SigningKey,
    provider: PrivateKeySigner,
    price: Price,
    descriptor: Signed,
    membership: Option<Signed>,
    published: watch::Sender<Arc<Published>>,
}

impl Identity {
    /// Signs a first offer for a signed descriptor.
    pub fn new(
        key: SigningKey,
        provider: PrivateKeySigner,
        price: Price,
        descriptor: Signed,
        membership: Option<Signed>,
    ) -> Result<Self, Error> {
        let first = offer::publish(&key, &provider, &price, (&descriptor, membership.as_ref()), clock::unix())?;
        Ok(Self { key, provider, price, descriptor, membership, published: watch::Sender::new(Arc::new(first)) })
    }

    /// The node's key.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The node: its public key.
    #[must_use]
    pub fn node(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// What the provider asks for.
    #[must_use]
    pub fn price(&self) -> &Price {
        &self.price
    }

    /// What is published now.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.published.borrow().clone()
    }

    /// Follows what is published.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Arc<Published>> {
        self.published.subscribe()
    }

    /// Signs a new offer, valid from now.
    pub fn renew(&self) -> Result<(), Error> {
        let parts = (&self.descriptor, self.membership.as_ref());
        let mut next = offer::publish(&self.key, &self.provider, &self.price, parts, clock::unix())?;
        next.previous = Some(self.published().offer.clone());
        self.published.send_replace(Arc::new(next));
        Ok(())
    }

    /// Renews the offer for ever, each time after half of its validity.
    pub async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(self.price.validity / 2).await;
            if let Err(error) = self.renew() {
                tracing::error!(%error, "cannot renew the offer");
            }
        }
    }
}

#[cfg(test)]
mod tests;
