//! What a node says of itself, checked before any money moves: descriptor, offer and membership name each other, are signed
//! by whom they name and belong to this chain. Never trusts a field before its signature; every length is bounded.
use alloy::primitives::Address;
use gpux_proto::{
    bytes::{self, array, optional, present},
    evidence::{Description, Descriptor, Membership, Offer, Signed, SignedOffer},
    signing::{self, Domain, VerifyingKey},
};
use std::time::Duration;

/// The longest endpoint, in bytes.
pub const ENDPOINT_BYTES_MAX: usize = 256;
/// The most models of GPU, as the descriptor's format says.
const MODELS_MAX: usize = 16;
/// The longest model name, in bytes.
const MODEL_BYTES_MAX: usize = 64;
/// The most GPUs of one model: what one machine can hold.
const GPUS_MAX: u32 = 64;

/// The market that a fisher works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The chain's id.
    pub chain_id: u64,
    /// The Rentals contract.
    pub rentals: Address,
}

/// A description cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field has the wrong size or form.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// A signature is not by whom it should be.
    #[error(transparent)]
    Signature(#[from] signing::Error),
    /// The offer is for another market.
    #[error("the offer is for chain {chain_id} and rentals {rentals}")]
    Foreign {
        /// The offer's chain.
        chain_id: u64,
        /// The offer's contract.
        rentals: Address,
    },
    /// Two parts that must name the same thing do not.
    #[error("descriptor and offer name different {0}s")]
    Mismatch(&'static str),
    /// A part has ended or not begun.
    #[error("the {what} holds until {until}, and it is {now}")]
    Expired {
        /// Which part.
        what: &'static str,
        /// Its end in seconds since 1970.
        until: u64,
        /// The fisher's time.
        now: u64,
    },
    /// A value is outside its bounds.
    #[error("{what} is {value}, outside {low}..={high}")]
    Bounds {
        /// The value's name.
        what: &'static str,
        /// The value.
        value: u128,
        /// The least.
        low: u128,
        /// The most.
        high: u128,
    },
    /// The endpoint is no usable URI.
    #[error("the endpoint {0:?} is no http or https URI with a host")]
    Endpoint(String),
}

/// A verified description.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The node.
    pub node: [u8; 32],
    /// The node's key.
    pub key: VerifyingKey,
    /// What it claims.
    pub descriptor: Descriptor,
    /// The descriptor as it was signed.
    pub signed_descriptor: Signed,
    /// The offer.
    pub offer: Offer,
    /// The offer with both signatures.
    pub signed_offer: SignedOffer,
    /// The EIP-712 digest of the offer.
    pub offer_digest: [u8; 32],
    /// Token units a second.
    pub rate: u128,
}

fn within(what: &'static str, value: u128, low: u128, high: u128) -> Result<(), Error> {
    if (low..=high).contains(&value) { Ok(()) } else { Err(Error::Bounds { what, value, low, high }) }
}

/// Verifies a description at wall time `now`.
pub fn verify(description: &Description, place: Place, now: Duration) -> Result<Offered, Error> {
    let signed_descriptor = present("description.descriptor", &description.descriptor)?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, signed_descriptor)?;
    let key = signing::public_key("descriptor.node", &descriptor.node)?;
    let digest = signing::verify(Domain::Descriptor, signed_descriptor, &key)?;
    let node = array("descriptor.node", &descriptor.node)?;
    bounds(&descriptor)?;
    let signed_offer = present("description.offer", &description.offer)?;
    let (offer, offer_digest) = signing::verify_offer(signed_offer)?;
    agree(&descriptor, &digest, offer, place)?;
    if offer.valid_until <= now.as_secs() {
        return Err(Error::Expired { what: "offer", until: offer.valid_until, now: now.as_secs() });
    }
    let rate = offer.rate.parse().map_err(|_| bytes::Error::Decimal("offer.rate"))?;
    within("offer.rate", rate, 1, (1 << 96) - 1)?;
    within("offer.capacity", offer.capacity.into(), 1, u32::MAX.into())?;
    if let Some(organisation) = optional("descriptor.organisation", &descriptor.organisation)? {
        member(description, &organisation, &node, now)?;
    }
    Ok(Offered {
        node,
        key,
        signed_descriptor: signed_descriptor.clone(),
        offer: offer.clone(),
        signed_offer: signed_offer.clone(),
        offer_digest,
        rate,
        descriptor,
    })
}

fn bounds(descriptor: &Descriptor) -> Result<(), Error> {
    within("descriptor.gpus", descriptor.gpus.len() as u128, 0, MODELS_MAX as u128)?;
    for gpu in &descriptor.gpus {
        within("gpu.model bytes", gpu.model.len() as u128, 1, MODEL_BYTES_MAX as u128)?;
        within("gpu.count", gpu.count.into(), 1, GPUS_MAX.into())?;
    }
    endpoint(&descriptor.endpoint).map(|_| ())
}

/// Reads an endpoint that anybody may have written.
pub fn endpoint(text: &str) -> Result<tonic::transport::Uri, Error> {
    let refused = || Error::Endpoint(text.chars().take(64).collect());
    if text.len() > ENDPOINT_BYTES_MAX {
        return Err(refused());
    }
    let uri: tonic::transport::Uri = text.parse().map_err(|_| refused())?;
    let scheme = uri.scheme_str().is_some_and(|s| s == "http" || s == "https");
    if scheme && uri.host().is_some_and(|h| !h.is_empty()) { Ok(uri) } else { Err(refused()) }
}

fn agree(descriptor: &Descriptor, digest: &[u8; 32], offer: &Offer, place: Place) -> Result<(), Error> {
    let rentals = Address::from(array::<20>("offer.rentals", &offer.rentals)?);
    if offer.chain_id != place.chain_id || rentals != place.rentals {
        return Err(Error::Foreign { chain_id: offer.chain_id, rentals });
    }
    if offer.node != descriptor.node {
        return Err(Error::Mismatch("node"));
    }
    if offer.provider != descriptor.provider {
        return Err(Error::Mismatch("provider"));
    }
    if offer.descriptor_digest != digest {
        return Err(Error::Mismatch("descriptor"));
    }
    Ok(())
}

/// A claimed organisation must have signed the node: else anybody shines with a stranger's name.
fn member(description: &Description, organisation: &[u8; 32], node: &[u8; 32], now: Duration) -> Result<(), Error> {
    let signed = present("description.membership", &description.membership)?;
    signing::verify(Domain::Membership, signed, &signing::public_key("descriptor.organisation", organisation)?)?;
    let membership: Membership = signing::open(Domain::Membership, signed)?;
    if membership.organisation != organisation || membership.node != node {
        return Err(Error::Mismatch("organisation"));
    }
    let seconds = |time: &Option<pbjson_types::Timestamp>| time.as_ref().map_or(0, |t| t.seconds.max(0) as u64);
    let (start, until, now) = (seconds(&membership.start_time), seconds(&membership.expire_time), now.as_secs());
    if now < start || now >= until { Err(Error::Expired { what: "membership", until, now }) } else { Ok(()) }
}
