//! Checks a relay's stamps of a session.
//!
//! Owns sizes, order and signature. What the stamps say is compared with a report later, if the session is drawn for an
//! audit; here they are bounded and tied to the relay that gave them. Its invariant: what passes is one registered relay's
//! word, and small enough to keep.

use gpux_proto::{
    bytes::array,
    evidence::{Direction, EndedBy, Signed, Stamps},
    signing::{self, Domain},
};

use super::{
    Refusal, node,
    rules::{bounded, not_ahead},
};
use crate::store::RelayRow;

/// The largest stamps: 4,096 of at most 44 bytes each, and who gave them.
const STAMPS_BYTES_MAX: usize = 192 << 10;
/// The most stamps; a session's timed part has some hundred frames.
const STAMPS_MAX: usize = 4_096;
/// The longest session.
const SESSION_US_MAX: u64 = 86_400_000_000;

/// Stamps whose fields have the right sizes and order.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) relay: [u8; 32],
    pub(super) node: [u8; 32],
    /// The head of the renter's first frame: the session's name.
    pub(super) head: [u8; 32],
    /// When it passed, in microseconds since 1970.
    pub(super) first_us: u64,
}

/// Reads stamps and checks everything that they say by themselves.
pub(super) fn decode(signed: &Signed, now: u64) -> Result<Checked, Refusal> {
    bounded("stamps", signed.payload.len(), STAMPS_BYTES_MAX)?;
    let stamps: Stamps = signing::open(Domain::Stamps, signed)?;
    if stamps.stamps.len() > STAMPS_MAX {
        return Err(malformed(format!("{} stamps are more than {STAMPS_MAX}", stamps.stamps.len())));
    }
    if stamps.end_us > SESSION_US_MAX {
        return Err(malformed(format!("the session ends {} us after it began, more than a day", stamps.end_us)));
    }
    if matches!(EndedBy::try_from(stamps.ended_by), Ok(EndedBy::Unspecified) | Err(_)) {
        return Err(malformed(format!("stamps.ended_by {} is unknown", stamps.ended_by)));
    }
    let start_us = node::micros("stamps.start_time", &stamps.start_time)?;
    not_ahead("stamps.start_time", start_us / 1_000_000, now)?;
    let mut last = 0;
    for stamp in &stamps.stamps {
        array::<32>("stamp.head", &stamp.head)?;
        if matches!(Direction::try_from(stamp.direction), Ok(Direction::Unspecified) | Err(_)) {
            return Err(malformed(format!("stamp.direction {} is unknown", stamp.direction)));
        }
        if stamp.time_us < last || stamp.time_us > stamps.end_us {
            return Err(malformed(format!("a stamp at {} us is out of order or after the end", stamp.time_us)));
        }
        last = stamp.time_us;
    }
    let first = stamps.stamps.iter().find(|stamp| stamp.direction() == Direction::Renter);
    let first =
        first.ok_or_else(|| malformed("no frame of the renter is stamped, so no report can be meant".into()))?;
    Ok(Checked {
        relay: array("stamps.relay", &stamps.relay)?,
        node: array("stamps.node", &stamps.node)?,
        head: array("stamp.head", &first.head)?,
        first_us: start_us + first.time_us,
    })
}

/// Checks that a relay with a valid registration signed; returns its owner.
pub(super) fn verify(
    signed: &Signed,
    checked: &Checked,
    known: Option<&RelayRow>,
    now: u64,
) -> Result<[u8; 20], Refusal> {
    let known = known.filter(|held| held.valid_until > now).ok_or(Refusal::RelayUnknown(checked.relay.into()))?;
    signing::verify(Domain::Stamps, signed, &signing::public_key("stamps.relay", &checked.relay)?)?;
    Ok(known.owner)
}

fn malformed(why: String) -> Refusal {
    Refusal::Malformed(why)
}
