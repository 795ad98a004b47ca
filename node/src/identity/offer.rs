//! The offer: EIP-712 typed data under both keys, the node's and the provider's.
use super::{Error, Price, Published};
use alloy::{primitives::B256, signers::SignerSync, signers::local::PrivateKeySigner};
use gpux_proto::{
    evidence::{Description, Offer, Signed, SignedOffer},
    signing::{self, Domain, SigningKey},
};
use std::time::Duration;

/// Signs an offer for a descriptor and puts both into a description.
pub(super) fn publish(
    key: &SigningKey,
    provider: &PrivateKeySigner,
    price: &Price,
    (descriptor, membership): (&Signed, Option<&Signed>),
    now: Duration,
) -> Result<Published, Error> {
    let offer = Offer {
        chain_id: price.chain_id,
        rentals: price.rentals.to_vec(),
        node: key.verifying_key().to_bytes().to_vec(),
        provider: provider.address().to_vec(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: price.rate.to_string(),
        capacity: price.capacity,
        valid_until: (now + price.validity).as_secs(),
    };
    let digest = signing::offer_digest(&offer)?;
    let signed = SignedOffer {
        offer: Some(offer.clone()),
        node_signature: signing::sign_id(&digest, key).to_vec(),
        provider_signature: provider.sign_hash_sync(&B256::from(digest))?.as_bytes().to_vec(),
    };
    signing::verify_offer(&signed)?;
    let description =
        Description { descriptor: Some(descriptor.clone()), offer: Some(signed), membership: membership.cloned() };
    Ok(Published { description, offer, previous: None })
}
