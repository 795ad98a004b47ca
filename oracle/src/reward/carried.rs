//! Whose evidence carried the conviction of a node.
//!
//! Owns, for each suspect or convicted node, what the audited accusations of each fisher weighed, from the epoch on in which it
//! became a suspect. Bounded by the nodes that are accused and by [`FISHERS_MAX`] of each.

use std::collections::{BTreeMap, HashMap};

use gpux_proto::evidence::{AuditFolded, ReportFolded};

use crate::score::{FisherId, NodeId, Parameters, ReportId, Standing, State, Weight};

/// The most fishers who share in one conviction. More come only after whom the verdict stands already.
const FISHERS_MAX: usize = 256;

/// The accusations that count.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    /// By node and fisher the weights of accusations that stamps confirm, in 64ths.
    nodes: BTreeMap<NodeId, BTreeMap<FisherId, u64>>,
    /// Accusing reports of the open epoch, until their audit comes.
    heard: HashMap<ReportId, (FisherId, Weight)>,
}

impl Carried {
    /// Notes a report that says less of its node than an honest one delivers on average.
    pub(super) fn heard(&mut self, folded: &ReportFolded, fisher: FisherId, weight: Weight, state: &State) {
        // It was read by the fold.
        let Ok(report) = <[u8; 32]>::try_from(folded.report.as_slice()).map(ReportId) else { return };
        if weight != Weight::ZERO && accuses(folded.x_upper, state.parameters()) {
            self.heard.insert(report, (fisher, weight));
        }
    }

    /// Counts a report whose session's stamps say the same of its node.
    pub(super) fn audited(&mut self, audit: &AuditFolded, state: &State) {
        let report = <[u8; 32]>::try_from(audit.report.as_slice()).map(ReportId);
        let node = <[u8; 32]>::try_from(audit.node.as_slice()).map(NodeId);
        let (Ok(report), Ok(node)) = (report, node) else { return };
        let Some((fisher, weight)) = self.heard.remove(&report) else { return };
        if !accuses(audit.x_upper, state.parameters()) {
            return;
        }
        let fishers = self.nodes.entry(node).or_default();
        if fishers.len() < FISHERS_MAX || fishers.contains_key(&fisher) {
            let carried = fishers.entry(fisher).or_default();
            *carried = carried.saturating_add(weight.in_64ths().into());
        }
    }

    /// Forgets the epoch's reports, and the nodes that are accused no more.
    pub(super) fn close(&mut self, state: &State) {
        self.heard.clear();
        self.nodes.retain(|node, _| is_accused(node, state));
    }

    /// Shares what a conviction brought, by what each one's accusations weighed, rounded down. They are spent with it.
    pub(super) fn share(&mut self, node: &NodeId, amount: u128) -> Vec<(FisherId, u128)> {
        let fishers = self.nodes.remove(node).unwrap_or_default();
        let all: u128 = fishers.values().map(|carried| u128::from(*carried)).sum();
        let part = |carried: u128| match amount.checked_mul(carried) {
            Some(product) => product / all,
            // Beyond any real supply; a smaller share, never a larger one.
            None => amount / all * carried,
        };
        fishers.into_iter().map(|(fisher, carried)| (fisher, part(carried.into()))).collect()
    }
}

fn is_accused(node: &NodeId, state: &State) -> bool {
    matches!(state.standing(node), Some(Standing::Suspect | Standing::Convicted))
}

/// Whether x, rounded up and in 64ths, lies below what an honest host delivers on average. An inconclusive one never does.
fn accuses(x_upper: u32, parameters: &Parameters) -> bool {
    u64::from(x_upper) * 10_000 < u64::from(parameters.mean_bps) * 64
}
