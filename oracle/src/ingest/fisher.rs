//! Checks a fisher's registration, and who may sign a fisher's messages.
//!
//! Owns the binding of an EVM address to a report key: the fisher's ECDSA signature makes it, its time ends it. That only
//! one with a later end replaces another is the store's: a key that was given up must not be brought back.

use alloy::primitives::Address;
use gpux_proto::{
    bytes::array,
    evidence::Registration,
    signing::{self, VerifyingKey},
};

use super::{Refusal, rules::Rules};
use crate::store::FisherRow;

/// Checks everything that a registration says by itself.
pub(super) fn check(registration: &Registration, rules: &Rules, now: u64) -> Result<Address, Refusal> {
    rules.here("registration", registration.chain_id, &registration.bonds, rules.deployment.bonds)?;
    let fisher = Address::from(array::<20>("registration.fisher", &registration.fisher)?);
    signing::public_key("registration.report_key", &registration.report_key)?;
    let digest = signing::registration_digest(registration)?;
    if registration.valid_until <= now {
        return Err(Refusal::RegistrationVoid(format!("it ended at {}, now is {now}", registration.valid_until)));
    }
    signing::verify_ecdsa("registration", &digest, &registration.fisher_signature, fisher)?;
    Ok(fisher)
}

/// The key that signs for a fisher now.
pub(super) fn report_key(fisher: Address, known: Option<&FisherRow>, now: u64) -> Result<VerifyingKey, Refusal> {
    let known = known.filter(|held| held.valid_until > now).ok_or(Refusal::FisherUnknown(fisher))?;
    Ok(signing::public_key("registration.report_key", &known.report_key)?)
}
