//! An organisation's word that a node is one of its own. The file is the encoded `Signed` Membership.
use super::Error;
use crate::clock;
use gpux_proto::{
    bytes::{array, decode, present},
    evidence::{Membership, Signed},
    signing::{self, Domain, SigningKey},
};
use std::time::Duration;

/// The longest membership: a lost organisation key must not speak for ever.
pub const MEMBERSHIP_DAYS_MAX: u32 = 3_660;
const DAY: Duration = Duration::from_secs(86_400);

/// Signs a membership of a node from now, with the organisation's key.
#[must_use]
pub fn sign(organisation: &SigningKey, node: [u8; 32], days: u32) -> Signed {
    let now = clock::unix();
    let membership = Membership {
        organisation: organisation.verifying_key().to_bytes().to_vec(),
        node: node.to_vec(),
        start_time: Some(clock::timestamp(now)),
        expire_time: Some(clock::timestamp(now + DAY * days)),
    };
    signing::sign(Domain::Membership, &membership, organisation)
}

/// Reads a membership file for a node and returns it with the organisation, if it is of this node, valid now and signed.
pub fn accept(file: &[u8], node: [u8; 32]) -> Result<(Signed, [u8; 32]), Error> {
    let signed: Signed = decode("membership file", file)?;
    let membership: Membership = signing::open(Domain::Membership, &signed)?;
    let organisation = array("membership.organisation", &membership.organisation)?;
    signing::verify(Domain::Membership, &signed, &signing::public_key("membership.organisation", &organisation)?)?;
    if membership.node != node {
        return Err(Error::Membership("it is of another node"));
    }
    let now = clock::unix().as_secs() as i64;
    if present("membership.start_time", &membership.start_time)?.seconds > now {
        return Err(Error::Membership("it is not valid yet"));
    }
    if present("membership.expire_time", &membership.expire_time)?.seconds <= now {
        return Err(Error::Membership("it has expired"));
    }
    Ok((signed, organisation))
}
