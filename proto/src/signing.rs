//! Ids and signatures: the one place that knows domains. An id is `BLAKE3(domain || 0x00 || payload)`; ed25519 signs the
//! 32-byte id and is verified strictly; what the chain may see is signed as EIP-712 typed data. Nothing is re-encoded:
//! verification works on the bytes that were received.
use crate::{
    bytes::{self, array, decode, present},
    evidence::{Offer, Registration, RelayRegistration, Signed, SignedOffer, Terms},
};
use alloy_primitives::{
    Address, B256, Signature, U256,
    aliases::{U40, U96},
    keccak256,
};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain, sol};
use ed25519_dalek::Signer;
pub use ed25519_dalek::{SigningKey, VerifyingKey};

/// The largest payload that is read, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// The kinds of ids, each with its own domain, so that a signature over one kind is none over another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// A node's `Descriptor`.
    Descriptor,
    /// An organisation's `Membership`.
    Membership,
    /// A `JobManifest`; its id is J.
    Job,
    /// The 32 bytes s of a session.
    Secret,
    /// A `Hello`.
    Hello,
    /// An `Open`.
    Open,
    /// One step of a frame chain.
    Frame,
    /// The pair of heads that a frame's signature covers.
    Head,
    /// A `Report`.
    Report,
    /// A `Commit`.
    Commit,
    /// A `Bundle`.
    Bundle,
    /// A `Checkpoint`.
    Checkpoint,
    /// An `Acknowledgement`.
    Acknowledgement,
    /// A relay's `Stamps`.
    Stamps,
    /// One step of a fisher's hash chain: the id of the 32 bytes before it.
    Preimage,
    /// What an owner's devices reach; its payload is no message but the canonical bytes that `gpux-kernels` defines.
    Calibration,
}

impl Domain {
    /// The domain string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Descriptor => "gpux/descriptor/1",
            Self::Membership => "gpux/membership/1",
            Self::Job => "gpux/job/1",
            Self::Secret => "gpux/secret/1",
            Self::Hello => "gpux/hello/1",
            Self::Open => "gpux/open/1",
            Self::Frame => "gpux/frame/1",
            Self::Head => "gpux/head/1",
            Self::Report => "gpux/report/1",
            Self::Commit => "gpux/commit/1",
            Self::Bundle => "gpux/bundle/1",
            Self::Checkpoint => "gpux/checkpoint/1",
            Self::Acknowledgement => "gpux/acknowledgement/1",
            Self::Stamps => "gpux/stamps/1",
            Self::Preimage => "gpux/preimage/1",
            Self::Calibration => "gpux/calibration/1",
        }
    }
}

/// A signature or the message under it is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A field has the wrong size or form.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// The payload is larger than [`PAYLOAD_BYTES_MAX`].
    #[error("a {kind} of {size} bytes is larger than {PAYLOAD_BYTES_MAX}")]
    Oversized {
        /// The domain.
        kind: &'static str,
        /// The payload's size.
        size: usize,
    },
    /// The bytes are no ed25519 public key, or a weak one.
    #[error("{0} is not a usable ed25519 public key")]
    Key(&'static str),
    /// The ed25519 signature does not verify.
    #[error("the ed25519 signature over the {0} does not verify")]
    Ed25519(&'static str),
    /// The ECDSA signature is malformed or of another account.
    #[error("the {kind} signature is not by {expected}")]
    Ecdsa {
        /// What was signed.
        kind: &'static str,
        /// Who should have signed.
        expected: Address,
    },
    /// The ECDSA signature has a form in which one signature could be written twice.
    #[error("the {0} signature is not 65 bytes with a low s and 27 or 28 at the end")]
    Form(&'static str),
}

/// The id of a payload: `BLAKE3(domain || 0x00 || payload)`.
#[must_use]
pub fn id(domain: Domain, payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain.as_str().as_bytes()).update(&[0]).update(payload);
    *hasher.finalize().as_bytes()
}

/// Signs the id of a message's encoding; the encoding travels with it.
#[must_use]
pub fn sign(domain: Domain, message: &impl prost::Message, key: &SigningKey) -> Signed {
    let payload = message.encode_to_vec();
    let signature = sign_id(&id(domain, &payload), key);
    Signed { payload, signature: signature.to_vec() }
}

/// Signs an id (or an EIP-712 digest) with ed25519.
#[must_use]
pub fn sign_id(id: &[u8; 32], key: &SigningKey) -> [u8; 64] {
    key.sign(id).to_bytes()
}

/// Reads an ed25519 public key; weak keys are refused, since anybody can sign for them.
pub fn public_key(field: &'static str, key: &[u8]) -> Result<VerifyingKey, Error> {
    let key = VerifyingKey::from_bytes(&array(field, key)?).map_err(|_| Error::Key(field))?;
    if key.is_weak() { Err(Error::Key(field)) } else { Ok(key) }
}

/// Verifies an ed25519 signature over an id, strictly (no malleable or small-order forms, RFC 8032 section 5.1.7).
pub fn verify_id(kind: &'static str, id: &[u8; 32], signature: &[u8], key: &VerifyingKey) -> Result<(), Error> {
    let signature = ed25519_dalek::Signature::from_bytes(&array("signature", signature)?);
    key.verify_strict(id, &signature).map_err(|_| Error::Ed25519(kind))
}

/// Decodes a signed message without verifying it: its content says whose key to verify with.
pub fn open<M: prost::Message + Default>(domain: Domain, signed: &Signed) -> Result<M, Error> {
    let (kind, size) = (domain.as_str(), signed.payload.len());
    if size > PAYLOAD_BYTES_MAX {
        return Err(Error::Oversized { kind, size });
    }
    Ok(decode(kind, &signed.payload)?)
}

/// Verifies a signed message and returns its id.
pub fn verify(domain: Domain, signed: &Signed, key: &VerifyingKey) -> Result<[u8; 32], Error> {
    let id = id(domain, &signed.payload);
    verify_id(domain.as_str(), &id, &signed.signature, key)?;
    Ok(id)
}

mod typed {
    #![allow(missing_docs, reason = "the sol! macro writes these items")]
    use super::sol;
    sol! {
        /// The offer as both keys sign it.
        struct Offer { address provider; bytes32 node; bytes32 descriptor; uint96 rate; uint32 capacity; uint40 validUntil; }
        /// The consumer's authorisation of a session key.
        struct Session { bytes32 rental; bytes32 key; uint40 validUntil; }
        /// The fisher's binding of its report key.
        struct ReportKey { address fisher; bytes32 key; bytes32 chain; uint40 chainEpoch; uint40 validUntil; }
        /// The owner's binding of its relay.
        struct RelayKey { address owner; bytes32 key; string endpoint; uint40 validUntil; }
        /// A rental's terms, for its id.
        struct Terms { address consumer; Offer offer; bytes32 note; uint64 nonce; }
    }
}

fn domain(name: &'static str, chain_id: u64, contract: Address) -> Eip712Domain {
    eip712_domain! { name: name, version: "1", chain_id: chain_id, verifying_contract: contract, }
}

/// The EIP-712 domain of the Rentals contract.
#[must_use]
pub fn rentals_domain(chain_id: u64, rentals: Address) -> Eip712Domain {
    domain("GPUX Rentals", chain_id, rentals)
}

fn seconds(field: &'static str, value: u64) -> Result<U40, Error> {
    if value >> 40 != 0 {
        return Err(bytes::Error::Decimal(field).into());
    }
    Ok(U40::from(value))
}

fn typed_offer(offer: &Offer) -> Result<typed::Offer, Error> {
    let rate = offer.rate.parse::<u128>().ok().filter(|r| r >> 96 == 0).ok_or(bytes::Error::Decimal("offer.rate"))?;
    Ok(typed::Offer {
        provider: array("offer.provider", &offer.provider)?.into(),
        node: array("offer.node", &offer.node)?.into(),
        descriptor: array("offer.descriptor_digest", &offer.descriptor_digest)?.into(),
        rate: U96::from(rate),
        capacity: offer.capacity,
        validUntil: seconds("offer.valid_until", offer.valid_until)?,
    })
}

/// The EIP-712 digest that node and provider sign.
pub fn offer_digest(offer: &Offer) -> Result<[u8; 32], Error> {
    let rentals = Address::from(array::<20>("offer.rentals", &offer.rentals)?);
    Ok(typed_offer(offer)?.eip712_signing_hash(&rentals_domain(offer.chain_id, rentals)).0)
}

/// Verifies both signatures of an offer: without the provider's anybody could be named as one, without the node's a
/// stranger's node could be offered. Returns the offer and its digest.
pub fn verify_offer(signed: &SignedOffer) -> Result<(&Offer, [u8; 32]), Error> {
    let offer = present("offer", &signed.offer)?;
    let digest = offer_digest(offer)?;
    verify_id("offer", &digest, &signed.node_signature, &public_key("offer.node", &offer.node)?)?;
    let provider = Address::from(array::<20>("offer.provider", &offer.provider)?);
    verify_ecdsa("offer", &digest, &signed.provider_signature, provider)?;
    Ok((offer, digest))
}

/// A rental's id: `keccak256(abi.encode(chain id, Rentals, Terms))`.
pub fn rental_id(terms: &Terms) -> Result<[u8; 32], Error> {
    let offer = present("terms.offer", &terms.offer)?;
    let rentals = Address::from(array::<20>("offer.rentals", &offer.rentals)?);
    let typed = typed::Terms {
        consumer: array("terms.consumer", &terms.consumer)?.into(),
        offer: typed_offer(offer)?,
        note: array("terms.note", &terms.note)?.into(),
        nonce: terms.nonce,
    };
    Ok(keccak256((U256::from(offer.chain_id), rentals, typed).abi_encode_params()).0)
}

/// The note that ties a rental to whoever may file a case about it: `keccak256(abi.encode(chain id, court, filer, salt))`.
#[must_use]
pub fn note(chain_id: u64, court: Address, filer: Address, salt: [u8; 32]) -> [u8; 32] {
    keccak256((U256::from(chain_id), court, filer, B256::from(salt)).abi_encode_params()).0
}

/// The EIP-712 digest by which a consumer authorises a session key for a rental.
pub fn session_digest(
    chain_id: u64,
    rentals: Address,
    rental: [u8; 32],
    key: [u8; 32],
    valid_until: u64,
) -> Result<[u8; 32], Error> {
    let session =
        typed::Session { rental: rental.into(), key: key.into(), validUntil: seconds("valid_until", valid_until)? };
    Ok(session.eip712_signing_hash(&rentals_domain(chain_id, rentals)).0)
}

/// The EIP-712 digest by which a fisher binds its report key.
pub fn registration_digest(registration: &Registration) -> Result<[u8; 32], Error> {
    let bonds = Address::from(array::<20>("registration.bonds", &registration.bonds)?);
    let typed = typed::ReportKey {
        fisher: array("registration.fisher", &registration.fisher)?.into(),
        key: array("registration.report_key", &registration.report_key)?.into(),
        chain: array("registration.chain", &registration.chain)?.into(),
        chainEpoch: seconds("registration.chain_epoch", registration.chain_epoch)?,
        validUntil: seconds("registration.valid_until", registration.valid_until)?,
    };
    Ok(typed.eip712_signing_hash(&domain("GPUX Bonds", registration.chain_id, bonds)).0)
}

/// The EIP-712 digest by which an owner binds a relay.
pub fn relay_digest(registration: &RelayRegistration) -> Result<[u8; 32], Error> {
    let bonds = Address::from(array::<20>("relay.bonds", &registration.bonds)?);
    let typed = typed::RelayKey {
        owner: array("relay.owner", &registration.owner)?.into(),
        key: array("relay.relay", &registration.relay)?.into(),
        endpoint: registration.endpoint.clone(),
        validUntil: seconds("relay.valid_until", registration.valid_until)?,
    };
    Ok(typed.eip712_signing_hash(&domain("GPUX Bonds", registration.chain_id, bonds)).0)
}

/// Verifies that a 65-byte ECDSA signature (r, s, v) over a digest is by `expected`. High-s forms are refused, as the
/// contracts refuse them (EIP-2).
pub fn verify_ecdsa(kind: &'static str, digest: &[u8; 32], signature: &[u8], expected: Address) -> Result<(), Error> {
    let refused = Error::Ecdsa { kind, expected };
    let raw: [u8; 65] = array("signature", signature)?;
    let signature = Signature::from_raw_array(&raw).map_err(|_| refused.clone())?;
    if signature.normalize_s().is_some() {
        return Err(refused);
    }
    match signature.recover_address_from_prehash(&B256::from(*digest)) {
        Ok(signer) if signer == expected => Ok(()),
        _ => Err(refused),
    }
}

/// Whose 65-byte ECDSA signature (r, s, v) over a digest this is. Only the form that the contracts take: a low s (EIP-2), and
/// v 27 or 28.
pub fn recover_ecdsa(kind: &'static str, digest: &[u8; 32], signature: &[u8]) -> Result<Address, Error> {
    let raw: [u8; 65] = array("signature", signature)?;
    let signature = Signature::from_raw_array(&raw).map_err(|_| Error::Form(kind))?;
    if !matches!(raw[64], 27 | 28) || signature.normalize_s().is_some() {
        return Err(Error::Form(kind));
    }
    signature.recover_address_from_prehash(&B256::from(*digest)).map_err(|_| Error::Form(kind))
}

#[cfg(test)]
mod tests;
