//! The draw of one assignment.
//!
//! Owns the order of the random numbers. Three little-endian u64 of `BLAKE3-derive("gpux/assignment/1", preimage || beacon ||
//! fisher || epoch || slot)` say by what is drawn, which claim, and when. The fisher's address is part of it: whoever
//! registers another's chain as his own must not get the other's assignments, which he could copy the reports of.

use std::ops::Range;

use super::schedule::{Schedule, below};
use crate::{key::Digest, probe::ProbeId};

/// How many of a hundred assignments are drawn by index; the others are uniform over all claims, so that none is left out.
pub const BY_INDEX_PERCENT: u32 = 70;
/// The first number's values that draw by index.
const BY_INDEX: u64 = (((BY_INDEX_PERCENT as u128) << 64) / 100) as u64;

/// The span in which the assignments of an epoch are served, in seconds since 1970: the epoch after it. An epoch's beacon is
/// known only when its first block is final, which takes a third of an hour on Optimism: starts within the epoch itself
/// would leave its beginning unprobed for ever, and a host would notice.
#[must_use]
pub fn served(epoch: u64, epoch_secs: u32) -> Range<u64> {
    let start = |epoch: u64| epoch.saturating_mul(epoch_secs.into());
    start(epoch.saturating_add(1))..start(epoch.saturating_add(2))
}

/// What an assignment is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The fisher's preimage of the epoch.
    pub preimage: [u8; 32],
    /// The epoch's beacon.
    pub beacon: Digest,
    /// The fisher's address.
    pub fisher: [u8; 20],
    /// The epoch.
    pub epoch: u64,
    /// Which of his sessions of the epoch, from 0.
    pub slot: u32,
}

/// What was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned {
    /// The node.
    pub node: [u8; 32],
    /// The probe.
    pub probe: ProbeId,
    /// The earliest start, in microseconds since 1970.
    pub start_us: u64,
}

impl Ticket {
    /// Draws; `None` from a schedule without nodes.
    #[must_use]
    pub fn draw(&self, schedule: &Schedule, epoch_secs: u32) -> Option<Assigned> {
        let mut hasher = blake3::Hasher::new_derive_key("gpux/assignment/1");
        hasher.update(&self.preimage).update(&self.beacon).update(&self.fisher);
        hasher.update(&self.epoch.to_le_bytes()).update(&self.slot.to_le_bytes());
        let mut stream = hasher.finalize_xof();
        let mut next = || {
            let mut word = [0; 8];
            stream.fill(&mut word);
            u64::from_le_bytes(word)
        };
        let (by, share, start) = (next(), next(), next());
        let (node, probe) = if by < BY_INDEX { schedule.by_index(share) } else { schedule.by_place(share) }?;
        let span = served(self.epoch, epoch_secs);
        let offset = below(start, u64::from(epoch_secs) * 1_000_000);
        Some(Assigned { node, probe, start_us: span.start.saturating_mul(1_000_000).saturating_add(offset) })
    }
}
