//! Organisations: what the record of a lab's nodes says of its next one.
//!
//! Owns who belongs to whom. The shrunken mean of an organisation's scores is the prior of its new nodes and nothing
//! else: it moves a young score inside fixed limits, and never a factor, an interval or a verdict.

use std::collections::BTreeMap;

use super::entry::OrganisationId;
use super::parameters::Parameters;

/// An organisation, by its number in the fold.
pub(super) type Number = u32;

/// The organisations and the nodes that they signed, by their numbers in the fold.
#[derive(Debug, Clone, Default)]
pub(super) struct Organisations {
    numbers: BTreeMap<OrganisationId, Number>,
    nodes: Vec<Vec<u32>>,
}

impl Organisations {
    /// The number of an organisation; a new one gets the next.
    pub(super) fn number(&mut self, id: OrganisationId) -> Number {
        let nodes = &mut self.nodes;
        *self.numbers.entry(id).or_insert_with(|| {
            nodes.push(Vec::new());
            nodes.len() as Number - 1
        })
    }

    /// Notes that an organisation signed a node.
    pub(super) fn join(&mut self, organisation: Number, node: u32) {
        let nodes = &mut self.nodes[organisation as usize];
        if let Err(at) = nodes.binary_search(&node) {
            nodes.insert(at, node);
        }
    }

    /// Notes that a node no longer belongs to an organisation.
    pub(super) fn leave(&mut self, organisation: Number, node: u32) {
        let nodes = &mut self.nodes[organisation as usize];
        if let Ok(at) = nodes.binary_search(&node) {
            nodes.remove(at);
        }
    }

    /// The nodes of an organisation, in the order in which they appeared.
    pub(super) fn members(&self, organisation: Number) -> &[u32] {
        &self.nodes[organisation as usize]
    }
}

/// The prior of an organisation's next node in basis points: (n0 m0 + sum of scores) / (n0 + nodes), the mean shrunken
/// as if n0 nodes of the common prior stood beside (design/scoring.md section 12), inside the limits.
pub(super) fn prior_bps(parameters: &Parameters, scores_bps: impl Iterator<Item = u16>) -> u16 {
    let n0 = u64::from(parameters.organisation_prior_nodes);
    let (nodes, sum) = scores_bps.fold((0_u64, 0_u64), |(nodes, sum), score| (nodes + 1, sum + u64::from(score)));
    let mean = (n0 * u64::from(parameters.prior_mean_bps) + sum) / (n0 + nodes).max(1);
    let mean = u16::try_from(mean).unwrap_or(u16::MAX);
    mean.clamp(parameters.prior_min_bps, parameters.prior_max_bps)
}

/// The score at the edge of the worst tenth of an organisation's nodes: what its customers must reckon with.
#[must_use]
pub fn worst_decile_bps(scores_bps: &[u16]) -> Option<u16> {
    let mut sorted = scores_bps.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().div_ceil(10).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisations_record_moves_the_prior_inside_its_limits() {
        let parameters = Parameters::production();
        let prior = |scores: &[u16]| prior_bps(&parameters, scores.iter().copied());
        assert_eq!(prior(&[]), 7_000);
        // (5 * 7,000 + 5 * 9,000) / 10.
        assert_eq!(prior(&[9_000; 5]), 8_000);
        assert_eq!(prior(&[10_000; 1_000]), 9_000);
        assert_eq!(prior(&[0; 1_000]), 5_000);
    }

    #[test]
    fn one_rotten_node_shows_in_the_worst_decile() {
        assert_eq!(worst_decile_bps(&[]), None);
        assert_eq!(worst_decile_bps(&[9_500, 3_600, 9_400, 9_600]), Some(3_600));
        let mut many = [9_500; 30];
        many[7] = 100;
        assert_eq!(worst_decile_bps(&many), Some(9_500));
        many[..3].copy_from_slice(&[100, 200, 300]);
        assert_eq!(worst_decile_bps(&many), Some(200));
    }

    #[test]
    fn nodes_join_once_and_leave() {
        let mut organisations = Organisations::default();
        let lab = organisations.number(OrganisationId([1; 32]));
        assert_ne!(organisations.number(OrganisationId([2; 32])), lab);
        assert_eq!(organisations.number(OrganisationId([1; 32])), lab);
        organisations.join(lab, 7);
        organisations.join(lab, 3);
        organisations.join(lab, 7);
        assert_eq!(organisations.members(lab), [3, 7]);
        organisations.leave(lab, 3);
        organisations.leave(lab, 3);
        assert_eq!(organisations.members(lab), [7]);
    }
}
