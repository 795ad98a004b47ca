//! Checks a relay's registration.
//!
//! Owns the binding of a relay's key and endpoint to the account that owns it: the owner's ECDSA signature makes it, its
//! time ends it. That a key keeps its owner, and that only a longer registration replaces another, is the store's; that
//! the owner has a stake is asked where the finalised bonds are.

use alloy::primitives::Address;
use gpux_proto::{bytes::array, evidence::RelayRegistration, signing};

use super::{
    Refusal,
    rules::{Rules, endpoint},
};

/// The longest that a registration may hold: an owner who is gone for good ends some day.
const VALID_SECS_MAX: u64 = 2 * 365 * 86_400;

/// Checks everything that a registration says by itself, that it holds only by a `now`; returns relay and owner.
pub(super) fn check(
    registration: &RelayRegistration,
    rules: &Rules,
    now: Option<u64>,
) -> Result<([u8; 32], [u8; 20]), Refusal> {
    rules.here("relay", registration.chain_id, &registration.bonds, rules.deployment.bonds)?;
    let owner: [u8; 20] = array("relay.owner", &registration.owner)?;
    let relay = signing::public_key("relay.relay", &registration.relay)?.to_bytes();
    endpoint("relay.endpoint", &registration.endpoint)?;
    let digest = signing::relay_digest(registration)?;
    let until = registration.valid_until;
    if let Some(now) = now.filter(|now| until <= *now) {
        return Err(Refusal::RegistrationVoid(format!("it ended at {until}, now is {now}")));
    }
    if let Some(now) = now.filter(|now| until - now >= VALID_SECS_MAX) {
        return Err(Refusal::RegistrationVoid(format!("it ends at {until}, more than two years after {now}")));
    }
    signing::verify_ecdsa("relay", &digest, &registration.owner_signature, Address::from(owner))?;
    Ok((relay, owner))
}
