//! What the log says of each node's offer.
//!
//! Owns the newest announced claims, price and end of every node: who can be rented at all, and what he asks. Its size
//! follows the number of announced nodes, as that of the fold's state does.

use std::collections::BTreeMap;

use gpux_kernels::{
    assignment::{self, Schedule},
    evidence::claims,
    plan,
    probe::ProbeId,
};
use gpux_proto::{
    bytes::array,
    evidence::{Descriptor, NodeAnnounced},
    signing::{self, Domain},
};

use super::index::{Stake, index};
use crate::score::{Market, NodeId, ResourceId, State};

/// A node's newest offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer {
    /// A bit for each number of a claimed resource.
    claims: u16,
    /// Rate times capacity, in token units a second.
    earns: u128,
    /// Until when it holds, in seconds since 1970.
    until: u64,
}

/// The newest offers by node.
#[derive(Debug, Clone, Default)]
pub struct Offers(BTreeMap<[u8; 32], Offer>);

impl Offers {
    /// Remembers an announcement. One that cannot be read offers nothing; ingest let none of them in.
    pub fn announce(&mut self, announced: &NodeAnnounced, market: Market) {
        if let Some((node, offer)) = read(announced, market) {
            self.0.insert(node, offer);
        }
    }

    /// Whether anything can be probed at a moment in seconds since 1970.
    #[must_use]
    pub fn any(&self, at: u64) -> bool {
        self.0.values().any(|offer| offer.holds(at))
    }

    /// The schedule of the epoch after the last one that the state closed; empty before the first.
    pub fn schedule(&self, state: &State) -> Result<Schedule, assignment::Error> {
        let mut schedule = Schedule::default();
        let Some(closed) = state.epoch() else { return Ok(schedule) };
        let begins = (closed + 1).saturating_mul(state.parameters().epoch_secs.into());
        let mut earnings: Vec<_> = self.0.values().filter(|offer| offer.holds(begins)).map(|o| o.earns).collect();
        let middle = earnings.len() / 2;
        let median = if earnings.is_empty() { 0 } else { *earnings.select_nth_unstable(middle).1 };
        for (node, offer) in self.0.iter().filter(|(_, offer)| offer.holds(begins)) {
            let (urgency, stake) = (state.urgency(&NodeId(*node)), Stake::beside(median, offer.earns));
            let claimed = ProbeId::ALL.into_iter().filter(|probe| offer.claims & bit(*probe) != 0);
            let resources = claimed.map(|probe| (probe, index(stake, &urgency, ResourceId(u32::from(probe.number())))));
            schedule.push(*node, resources)?;
        }
        Ok(schedule)
    }
}

impl Offer {
    fn holds(&self, at: u64) -> bool {
        self.claims != 0 && self.until > at
    }
}

/// Numbers of probes stay below 16.
fn bit(probe: ProbeId) -> u16 {
    1 << probe.number()
}

fn read(announced: &NodeAnnounced, market: Market) -> Option<([u8; 32], Offer)> {
    let description = announced.description.as_ref()?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, description.descriptor.as_ref()?).ok()?;
    let offer = description.offer.as_ref()?.offer.as_ref()?;
    let market = match market {
        Market::Production => plan::Market::Production,
        Market::Development => plan::Market::Development,
    };
    let claimed = claims(&descriptor, market).into_iter().fold(0, |set, probe| set | bit(probe));
    let earns = offer.rate.parse::<u128>().ok()?.saturating_mul(offer.capacity.into());
    let node = array("descriptor.node", &descriptor.node).ok()?;
    Some((node, Offer { claims: claimed, earns, until: offer.valid_until }))
}
