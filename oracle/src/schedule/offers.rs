//! What the log says of each node's offer.
//!
//! Owns the newest announced claims, price and end of every node: who can be rented at all, and what he asks. Its size
//! follows the number of announced nodes, as that of the fold's state does.

use std::collections::BTreeMap;

use gpux_kernels::{
    assignment::{self, Schedule},
    evidence::{Expectation, claims, expected},
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
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offer {
    /// A bit for each number of a claimed resource.
    claims: u16,
    /// What honest hardware of the claimed kind reaches, for each claimed resource in the order of their numbers: bytes of
    /// memory, rates of everything else.
    figures: Box<[u64]>,
    /// In token units a second.
    rate: u128,
    /// How many rentals it holds at a time.
    capacity: u32,
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

    /// What nodes advertise at a moment in seconds since 1970, in the order of their keys: for each claimed resource what honest
    /// hardware of the claimed kind reaches.
    pub fn advertised(
        &self,
        at: u64,
    ) -> impl Iterator<Item = (NodeId, impl Iterator<Item = (ProbeId, u64)> + '_)> + '_ {
        let holding = self.0.iter().filter(move |(_, offer)| offer.holds(at));
        holding.map(|(node, offer)| (NodeId(*node), offer.claimed().zip(offer.figures.iter().copied())))
    }

    /// What a node asks by its newest offer, in token units a second, whether it still holds or not.
    #[must_use]
    pub fn rate(&self, node: &NodeId) -> Option<u128> {
        self.0.get(&node.0).map(|offer| offer.rate)
    }

    /// The median of what is asked at a moment in seconds since 1970, in token units a second; 0 if nothing is offered.
    #[must_use]
    pub fn median_rate(&self, at: u64) -> u128 {
        median(&mut self.0.values().filter(|offer| offer.holds(at)).map(|offer| offer.rate).collect::<Vec<_>>())
    }

    /// The schedule of the epoch after the last one that the state closed; empty before the first.
    pub fn schedule(&self, state: &State) -> Result<Schedule, assignment::Error> {
        let mut schedule = Schedule::default();
        let Some(closed) = state.epoch() else { return Ok(schedule) };
        let begins = (closed + 1).saturating_mul(state.parameters().epoch_secs.into());
        let mut earnings: Vec<_> = self.0.values().filter(|offer| offer.holds(begins)).map(Offer::earns).collect();
        let median = median(&mut earnings);
        for (node, offer) in self.0.iter().filter(|(_, offer)| offer.holds(begins)) {
            let (urgency, stake) = (state.urgency(&NodeId(*node)), Stake::beside(median, offer.earns()));
            let resources =
                offer.claimed().map(|probe| (probe, index(stake, &urgency, ResourceId(u32::from(probe.number())))));
            schedule.push(*node, resources)?;
        }
        Ok(schedule)
    }
}

impl Offer {
    /// Rate times capacity, in token units a second.
    fn earns(&self) -> u128 {
        self.rate.saturating_mul(self.capacity.into())
    }

    /// The claimed resources in the order of their numbers.
    fn claimed(&self) -> impl Iterator<Item = ProbeId> + '_ {
        ProbeId::ALL.into_iter().filter(|probe| self.claims & bit(*probe) != 0)
    }

    fn holds(&self, at: u64) -> bool {
        self.claims != 0 && self.until > at
    }
}

/// The upper median; 0 of nothing.
fn median(values: &mut [u128]) -> u128 {
    let middle = values.len() / 2;
    if values.is_empty() { 0 } else { *values.select_nth_unstable(middle).1 }
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
    let claims = claims(&descriptor, market).into_iter().fold(0, |set, probe| set | bit(probe));
    let figures = ProbeId::ALL.into_iter().filter(|probe| claims & bit(*probe) != 0).map(|probe| {
        let figure = |of: Expectation| if probe.fills_memory() { of.bytes } else { of.rate };
        // Saturating: a claim may be anything.
        expected(&descriptor, probe, market).map_or(0.0, figure) as u64
    });
    let rate = offer.rate.parse().ok()?;
    let node = array("descriptor.node", &descriptor.node).ok()?;
    let (capacity, until) = (offer.capacity, offer.valid_until);
    Some((node, Offer { claims, figures: figures.collect(), rate, capacity, until }))
}
