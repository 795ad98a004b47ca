//! How much compute power the market has: advertised, probed and verified.
//!
//! Owns the sums at the end of an epoch. What is verified is what is advertised times the lower bound of its score, so that
//! neither a new identity nor a liar adds anything. Of a node's capacity one rental counts: no probe has rented them all.

use std::{collections::BTreeMap, iter::Peekable};

use gpux_kernels::probe::ProbeId;

use crate::{
    schedule::Offers,
    score::{NodeScore, ResourceId},
    store::Power,
};

/// The compute power at a moment in seconds since 1970, by resource. `scores` come in the order of their nodes' keys.
pub(super) fn power<'a>(offers: &Offers, at: u64, scores: impl Iterator<Item = &'a NodeScore>) -> Vec<Power> {
    let mut sums: BTreeMap<u32, Power> = BTreeMap::new();
    let mut scores = scores.peekable();
    for (node, advertised) in offers.advertised(at) {
        let score = reached(&mut scores, |score| score.node >= node).filter(|score| score.node == node);
        for (probe, figure) in advertised {
            let figure = u128::from(figure);
            let sum = sums.entry(probe.number().into()).or_insert_with(|| nothing(probe));
            sum.nodes += 1;
            sum.advertised = sum.advertised.saturating_add(figure);
            let resource = ResourceId(probe.number().into());
            let probed = score.and_then(|score| score.resources.iter().find(|of| of.resource == resource));
            if let Some(probed) = probed.filter(|of| of.probes > 0) {
                sum.probed_nodes += 1;
                sum.probed = sum.probed.saturating_add(figure);
                // A figure is below 2^64 and a bound at most 10,000.
                sum.verified = sum.verified.saturating_add(figure * u128::from(probed.estimate.low_bps) / 10_000);
            }
        }
    }
    sums.into_values().collect()
}

/// Skips to the first that `is_there`, and leaves it for the next call.
fn reached<'a, I: Iterator<Item = &'a NodeScore>>(
    scores: &mut Peekable<I>,
    is_there: impl Fn(&NodeScore) -> bool,
) -> Option<&'a NodeScore> {
    while scores.next_if(|score| !is_there(score)).is_some() {}
    scores.peek().copied()
}

fn nothing(probe: ProbeId) -> Power {
    let resource = probe.number().into();
    Power { resource, nodes: 0, advertised: 0, probed_nodes: 0, probed: 0, verified: 0 }
}

#[cfg(test)]
mod tests {
    use gpux_proto::evidence::{Description, Descriptor, Host, NodeAnnounced, Offer, Signed, SignedOffer};
    use prost::Message as _;

    use super::*;
    use crate::score::{Estimate, Market, NodeId, ResourceScore, Verdict};

    fn announce(offers: &mut Offers, node: u8, host: Host, until: u64) {
        let descriptor = Descriptor { node: vec![node; 32], host: Some(host), ..Descriptor::default() };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
        let offer = Offer { rate: "1".into(), capacity: 9, valid_until: until, ..Offer::default() };
        let offer = SignedOffer { offer: Some(offer), ..SignedOffer::default() };
        let description = Description { descriptor: Some(signed), offer: Some(offer), membership: None };
        offers.announce(&NodeAnnounced { description: Some(description) }, Market::Development);
    }

    fn scored(node: u8, resources: &[(ProbeId, u16, u32)]) -> NodeScore {
        let estimate = |low_bps| Estimate { low_bps, score_bps: 10_000, high_bps: 10_000 };
        let resource = |&(probe, low, probes): &(ProbeId, u16, u32)| ResourceScore {
            resource: ResourceId(probe.number().into()),
            estimate: estimate(low),
            probes,
            last_epoch: 3,
        };
        NodeScore {
            node: NodeId([node; 32]),
            estimate: estimate(0),
            verdict: Verdict::Unknown,
            probes: 1,
            last_epoch: 3,
            resources: resources.iter().map(resource).collect(),
        }
    }

    /// The numbers of docs/method/usage.md.
    #[test]
    fn the_worked_example_holds() {
        let mut offers = Offers::default();
        for (node, fp64_flops) in [(1, 100), (2, 100), (3, 300)] {
            announce(&mut offers, node, Host { threads: 1, fp64_flops, ..Host::default() }, 100);
        }
        let scores = [scored(1, &[(ProbeId::Cpu, 9_000, 5)]), scored(2, &[(ProbeId::Cpu, 3_000, 5)])];
        let [found] = power(&offers, 60, scores.iter()).try_into().unwrap();
        assert_eq!((found.advertised, found.probed, found.verified), (500, 200, 120));
    }

    #[test]
    fn a_lower_bound_is_what_counts_and_an_offer_that_ended_counts_nothing() {
        let cpu = |fp64_flops| Host { threads: 1, fp64_flops, ..Host::default() };
        let mut offers = Offers::default();
        announce(&mut offers, 2, cpu(1_000), 100);
        announce(&mut offers, 4, cpu(3_000), 100);
        announce(&mut offers, 5, cpu(7_000), 50);
        announce(&mut offers, 6, cpu(u64::MAX), 100);
        announce(&mut offers, 7, Host { ram_bytes: 64, ram_reads: 5, ..cpu(11) }, 100);
        let scores = [
            // Of a node without an offer.
            scored(1, &[(ProbeId::Cpu, 9_999, 5)]),
            scored(2, &[(ProbeId::Cpu, 7_500, 5)]),
            scored(5, &[(ProbeId::Cpu, 10_000, 5)]),
            // Never probed on this resource, whatever its bound.
            scored(6, &[(ProbeId::Cpu, 10_000, 0), (ProbeId::Imma, 10_000, 3)]),
            scored(7, &[(ProbeId::Cpu, 5_000, 1), (ProbeId::Ram, 2_500, 1)]),
        ];
        let found = power(&offers, 60, scores.iter());
        let of = |probe: ProbeId| *found.iter().find(|of| of.resource == u32::from(probe.number())).unwrap();
        let advertised = 1_000 + 3_000 + u128::from(u64::MAX) + 11;
        assert_eq!(
            of(ProbeId::Cpu),
            Power { nodes: 4, advertised, probed_nodes: 2, probed: 1_011, verified: 755, ..nothing(ProbeId::Cpu) }
        );
        assert_eq!(
            of(ProbeId::Ram),
            Power { nodes: 1, advertised: 64, probed_nodes: 1, probed: 64, verified: 16, ..nothing(ProbeId::Ram) }
        );
        assert_eq!(found.len(), 2);
        assert!(power(&offers, 100, scores.iter()).is_empty(), "an offer ends with its last second");
    }
}
