//! Checks a fisher's registration, and who may sign a fisher's messages.
//!
//! Owns the binding of an EVM address to a report key: the fisher's ECDSA signature makes it, its time ends it. That only
//! one with a later end replaces another is the store's: a key that was given up must not be brought back.

use alloy::primitives::Address;
use gpux_kernels::assignment::LEAD_EPOCHS;
use gpux_proto::{
    bytes::array,
    evidence::Registration,
    signing::{self, VerifyingKey},
};
use prost::Message as _;

use super::{Refusal, rules::Rules};
use crate::store::{Chain, FisherRow};

/// Checks everything that a registration says by itself; that it holds only by a `now`.
pub(super) fn check(registration: &Registration, rules: &Rules, now: Option<u64>) -> Result<Address, Refusal> {
    rules.here("registration", registration.chain_id, &registration.bonds, rules.deployment.bonds)?;
    let fisher = Address::from(array::<20>("registration.fisher", &registration.fisher)?);
    signing::public_key("registration.report_key", &registration.report_key)?;
    let digest = signing::registration_digest(registration)?;
    if let Some(now) = now.filter(|now| registration.valid_until <= *now) {
        return Err(Refusal::RegistrationVoid(format!("it ended at {}, now is {now}", registration.valid_until)));
    }
    signing::verify_ecdsa("registration", &digest, &registration.fisher_signature, fisher)?;
    Ok(fisher)
}

/// The chain of a registration: the known one, or one of which no epoch has begun. A fisher who could register a chain when
/// beacons are known would try secrets until one assigns him what he likes.
pub(super) fn chain(registration: &Registration, known: Option<&FisherRow>, open: u64) -> Result<Chain, Refusal> {
    let chain = Chain { end: array("registration.chain", &registration.chain)?, epoch: registration.chain_epoch };
    let held = known.and_then(|row| Registration::decode(row.registration.as_slice()).ok());
    let unchanged = held.is_some_and(|held| (held.chain, held.chain_epoch) == (chain.end.to_vec(), chain.epoch));
    let earliest = open.saturating_add(LEAD_EPOCHS);
    if unchanged || chain.epoch >= earliest {
        Ok(chain)
    } else {
        Err(Refusal::ChainVoid { epoch: chain.epoch, earliest })
    }
}

/// The key that signs for a fisher now.
pub(super) fn report_key(fisher: Address, known: Option<&FisherRow>, now: u64) -> Result<VerifyingKey, Refusal> {
    let known = known.filter(|held| held.valid_until > now).ok_or(Refusal::FisherUnknown(fisher))?;
    Ok(signing::public_key("registration.report_key", &known.report_key)?)
}
