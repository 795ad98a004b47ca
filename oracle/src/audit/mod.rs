//! Audits: which sessions' stamps are compared, what follows from it, and what a report weighs.
//!
//! Owns the draws, what the log says of a report until it is folded (`Book`), and the comparison of a stored report with
//! stored stamps (`Auditor`). What carries weight and what is audited follows from the log alone, so an operator who favours
//! a fisher, skips an audit or asks for one that was not drawn is caught by whoever replays it. Its invariant: nobody
//! knows at the commit whether a session will be audited.

mod ahead;
mod auditor;
mod book;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

pub use ahead::Ahead;
pub use auditor::{Audited, Auditor, Error as AuditorError};
pub use book::{Book, Error, Terms, Work};

use crate::score::{OwnerId, Parameters};

/// The domain of the draw of sessions.
const SESSION: &str = "gpux/audit/1";
/// The domain of the draw of the owner to whom an unrevealed commit is charged.
const OWNER: &str = "gpux/unrevealed-owner/1";
/// The domain of the lag of findings: of their own, so that a finding and its report's folded part do not keep step.
const LAG: &str = "gpux/finding-lag/1";

/// A number between 0 and 2^64 that nobody knew before the beacon.
fn drawn(domain: &str, report: &[u8; 32], beacon: &[u8; 32]) -> u64 {
    let digest = blake3::Hasher::new_derive_key(domain).update(report).update(beacon).finalize();
    let (head, _) = digest.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
    u64::from_le_bytes(*head)
}

/// Whether a session is drawn for an audit.
#[must_use]
pub fn selected(parameters: &Parameters, report: &[u8; 32], beacon: &[u8; 32]) -> bool {
    let limit = (u128::from(parameters.audit_share_bps.min(10_000)) << 64) / 10_000;
    u128::from(drawn(SESSION, report, beacon)) < limit
}

/// The owner to whom an unrevealed commit is charged; none while nobody is registered. No owner's word is in it: it is spread
/// over all, so that leaving out those who say most leaves it in.
#[must_use]
pub fn owner(owners: impl ExactSizeIterator<Item = OwnerId>, report: &[u8; 32], beacon: &[u8; 32]) -> Option<OwnerId> {
    let mut owners = owners;
    let place = (u128::from(drawn(OWNER, report, beacon)) * owners.len() as u128) >> 64;
    owners.nth(usize::try_from(place).ok()?)
}

/// How many epochs after its audit a finding about a fisher enters the log: 1 to the parameters' limit; 0 in a development
/// market.
#[must_use]
pub fn finding_lag(parameters: &Parameters, report: &[u8; 32], beacon: &[u8; 32]) -> u64 {
    match u64::from(parameters.lag_epochs_max) {
        0 => 0,
        limit => 1 + drawn(LAG, report, beacon) % limit,
    }
}
