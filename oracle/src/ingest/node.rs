//! Checks a node's description.
//!
//! Owns what makes a description valid: the node signed its descriptor, node and provider signed the offer, the offer
//! names exactly this descriptor, an organisation that is named has signed. Without the second signature anybody could
//! name a stranger as his provider, or a stranger's node as his own.

use alloy::primitives::Address;
use gpux_proto::{
    bytes::{self, array, present},
    evidence::{Description, Descriptor, Membership, Signed, SignedOffer},
    signing::{self, Domain},
};
use pbjson_types::Timestamp;
use prost::Message as _;

use super::{
    Refusal,
    rules::{DESCRIPTION_BYTES_MAX, Rules, bounded, endpoint, not_ahead, text},
};

/// The most models of GPU in a descriptor.
const GPUS_MAX: usize = 16;
/// The most GPUs of one model in a rental.
const GPU_COUNT_MAX: u32 = 64;
/// A model's longest name, in bytes.
const MODEL_BYTES_MAX: usize = 64;

/// A description that was checked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) node: [u8; 32],
    pub(super) provider: Address,
    pub(super) organisation: Option<[u8; 32]>,
    /// The GPU model, if it claims exactly one.
    pub(super) model: Option<String>,
    pub(super) descriptor_digest: [u8; 32],
    pub(super) sequence: u64,
    /// Until when rentals may be opened by the offer.
    pub(super) offer_until: u64,
}

/// Checks everything that a description says by itself. Of an entry of a log nobody knows when it came: without `now` times are
/// left out.
pub(super) fn check(description: &Description, rules: &Rules, now: Option<u64>) -> Result<Checked, Refusal> {
    bounded("description", description.encoded_len(), DESCRIPTION_BYTES_MAX)?;
    let signed = present("descriptor", &description.descriptor)?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, signed)?;
    let node: [u8; 32] = array("descriptor.node", &descriptor.node)?;
    let provider = Address::from(array::<20>("descriptor.provider", &descriptor.provider)?);
    limits(&descriptor)?;
    let issued = seconds("descriptor.issue_time", &descriptor.issue_time)?;
    now.map_or(Ok(()), |now| not_ahead("descriptor.issue_time", issued, now))?;
    let digest = signing::verify(Domain::Descriptor, signed, &signing::public_key("descriptor.node", &node)?)?;

    let offer = present("offer", &description.offer)?;
    self::offer(offer, rules)?;
    let terms = present("offer.offer", &offer.offer)?;
    if terms.node != node {
        return Err(Refusal::OfferVoid("it names another node than the descriptor".to_owned()));
    }
    if terms.provider != descriptor.provider {
        return Err(Refusal::OfferVoid("it names another provider than the descriptor".to_owned()));
    }
    if terms.descriptor_digest != digest {
        return Err(Refusal::OfferVoid("it was made for another descriptor".to_owned()));
    }
    if let Some(now) = now.filter(|now| terms.valid_until <= *now) {
        return Err(Refusal::OfferExpired { valid_until: terms.valid_until, now });
    }
    let organisation = membership(&descriptor, description.membership.as_ref(), now)?;
    Ok(Checked {
        node,
        provider,
        organisation,
        descriptor_digest: digest,
        sequence: descriptor.sequence,
        model: match descriptor.gpus.as_slice() {
            [gpu] => Some(gpu.model.clone()),
            _ => None,
        },
        offer_until: terms.valid_until,
    })
}

/// Checks an offer by itself: meant for this chain, signed by both keys, costing something.
pub(super) fn offer(signed: &SignedOffer, rules: &Rules) -> Result<(), Refusal> {
    let offer = present("offer.offer", &signed.offer)?;
    rules.here("offer", offer.chain_id, &offer.rentals, rules.deployment.rentals)?;
    if signed.node_signature.is_empty() || signed.provider_signature.is_empty() {
        return Err(Refusal::OfferVoid("it lacks a signature".to_owned()));
    }
    signing::verify_offer(signed).map_err(|error| match error {
        signing::Error::Ed25519(_) | signing::Error::Ecdsa { .. } => Refusal::OfferVoid(error.to_string()),
        other => other.into(),
    })?;
    // OpenZeppelin's ECDSA knows no other form: such an offer could never be taken on chain.
    if !matches!(signed.provider_signature.last(), Some(27 | 28)) {
        return Err(Refusal::OfferVoid("the provider's signature does not end in 27 or 28".to_owned()));
    }
    if offer.rate.parse::<u128>().is_ok_and(|rate| rate == 0) || offer.capacity == 0 {
        return Err(Refusal::OfferVoid("its rate or its capacity is zero".to_owned()));
    }
    Ok(())
}

fn limits(descriptor: &Descriptor) -> Result<(), Refusal> {
    endpoint("descriptor.endpoint", &descriptor.endpoint)?;
    if descriptor.gpus.len() > GPUS_MAX {
        return Err(Refusal::Malformed(format!("{} models of GPU are more than {GPUS_MAX}", descriptor.gpus.len())));
    }
    for gpu in &descriptor.gpus {
        text("descriptor.gpus.model", &gpu.model, MODEL_BYTES_MAX)?;
        if gpu.model.is_empty() || gpu.model.chars().any(char::is_control) || !(1..=GPU_COUNT_MAX).contains(&gpu.count)
        {
            return Err(Refusal::Malformed(format!("{} x {:?} is no claim of a GPU", gpu.count, gpu.model)));
        }
    }
    Ok(())
}

/// Checks the organisation's word, and returns the organisation.
fn membership(descriptor: &Descriptor, signed: Option<&Signed>, now: Option<u64>) -> Result<Option<[u8; 32]>, Refusal> {
    let organisation = bytes::optional::<32>("descriptor.organisation", &descriptor.organisation)?;
    let (organisation, signed) = match (organisation, signed) {
        (None, None) => return Ok(None),
        (Some(organisation), Some(signed)) => (organisation, signed),
        (Some(_), None) => return Err(Refusal::Malformed("membership is missing".to_owned())),
        (None, Some(_)) => return Err(Refusal::Malformed("the descriptor names no organisation".to_owned())),
    };
    let membership: Membership = signing::open(Domain::Membership, signed)?;
    if membership.organisation != organisation || membership.node != descriptor.node {
        return Err(Refusal::Malformed("membership is of another organisation or node".to_owned()));
    }
    let key = signing::public_key("membership.organisation", &membership.organisation)?;
    signing::verify(Domain::Membership, signed, &key)?;
    let start = seconds("membership.start_time", &membership.start_time)?;
    let expire = seconds("membership.expire_time", &membership.expire_time)?;
    now.map_or(Ok(()), |now| not_ahead("membership.start_time", start, now))?;
    if let Some(now) = now.filter(|now| expire <= *now) {
        return Err(Refusal::Malformed(format!("membership ended at {expire}, now is {now}")));
    }
    Ok(Some(organisation))
}

/// The whole seconds of a time since 1970.
pub(super) fn seconds(field: &'static str, time: &Option<Timestamp>) -> Result<u64, Refusal> {
    Ok(micros(field, time)? / 1_000_000)
}

/// A time in microseconds since 1970; nothing before 1970 or beyond the year 9999 is a time.
pub(super) fn micros(field: &'static str, time: &Option<Timestamp>) -> Result<u64, Refusal> {
    let time = present(field, time)?;
    let no_time = || Refusal::Malformed(format!("{field} is no time"));
    let seconds = u64::try_from(time.seconds).ok().filter(|s| *s < 253_402_300_800).ok_or_else(no_time)?;
    let nanos = u64::try_from(time.nanos).ok().filter(|n| *n < 1_000_000_000).ok_or_else(no_time)?;
    Ok(seconds * 1_000_000 + nanos / 1_000)
}
