//! Compares what was found with what was to be found: one finding a node, in words, with the figures behind it.
//!
//! Bounds are the issue's: an honest median of at least 0.95; a 3060 sold as a 3090 within 0.30..0.42 of its int8 rate and
//! 0.45..0.55 of its memory, and named as what it is. A pure function of what the oracle says.

use super::{
    Market, Node,
    cast::{Role, SMALL, Truth},
    watch::Known,
};
use gpux_oracle::score::{NodeId, Standing};
use gpux_proto::{
    bytes::from_hex,
    evidence::{Outcome, Step},
    oracle::{ReportSummary, Reputation, ResourceReputation, Verdict},
};

/// The least median x of an honest node.
pub const HONEST_BPS: u32 = 9_500;
/// The int8 rate of a 3060 over that of a 3090, in basis points.
pub const COMPUTE_BPS: std::ops::RangeInclusive<u32> = 3_000..=4_200;
/// Its memory.
pub const MEMORY_BPS: std::ops::RangeInclusive<u32> = 4_500..=5_500;
/// Two wrong units convict (design/evidence.md).
pub const WRONG_TO_CONVICT: u32 = 2;

/// What was to be found, and whether it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// About what: a node's name, or "evidence", "chain".
    pub about: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether that is the same.
    pub holds: bool,
}

/// Judges every node.
#[must_use]
pub fn judge(nodes: &[Node], known: &Known) -> Vec<Finding> {
    nodes.iter().map(|node| judge_node(node, known)).collect()
}

/// Judges one node.
#[must_use]
pub fn judge_node(node: &Node, known: &Known) -> Finding {
    match known.of(&node.id) {
        Some(reputation) => {
            let reports: Vec<&ReportSummary> = known.reports_of(&node.id).collect();
            node_finding(node.role, reputation, &reports)
        }
        None => finding(node.role.name, "a reputation", "none".to_owned(), false),
    }
}

/// Judges the oracle's own judgement: every node's verdict and the way to it, every fisher's weight.
#[must_use]
pub fn verdicts(market: &Market, known: &Known) -> Vec<Finding> {
    let nodes = market.nodes.iter().map(|node| {
        let deserved = node.role.truth.verdict();
        let standings = from_hex("node", &node.id).map(|id| known.replica.standings(NodeId(id))).unwrap_or_default();
        let suspected = standings.contains(&Standing::Suspect);
        let given = known.of(&node.id).map_or(Verdict::Unspecified, Reputation::verdict);
        let expected = match deserved {
            Verdict::UnderDelivering => "suspect, then under-delivering".to_owned(),
            verdict => words(verdict).to_owned(),
        };
        let found = if suspected { format!("suspect, then {}", words(given)) } else { words(given).to_owned() };
        // A suspect that is cleared was in nobody's way: suspicion is no judgement.
        let holds = known.judges(node) && (suspected || deserved == Verdict::Honest);
        finding(node.role.name, &expected, found, holds)
    });
    let fishers = market.fishers.iter().map(|fisher| {
        let expected = if fisher.lies { "lies, and weighs nothing" } else { "weighs more than nothing" };
        let found = format!("weighs {}/64", known.replica.weight(fisher.address).in_64ths());
        finding(&fisher.name, expected, found, known.weighs(fisher))
    });
    nodes.chain(fishers).collect()
}

/// A verdict in words.
#[must_use]
pub fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unspecified => "none",
        Verdict::Unknown => "unknown",
        Verdict::Honest => "honest",
        Verdict::UnderDelivering => "under-delivering",
    }
}

fn node_finding(role: &Role, reputation: &Reputation, reports: &[&ReportSummary]) -> Finding {
    let wrong: u32 = reports.iter().map(|report| report.wrong).sum();
    let median = |name| resource(reputation, name).map_or(0, |resource| resource.median_bps);
    match role.truth {
        Truth::Honest => honest(role, reputation, wrong),
        Truth::OtherModel => {
            let (compute, memory) = (median("imma"), median("vram"));
            let named = reputation.nearest_model == SMALL;
            let holds = COMPUTE_BPS.contains(&compute) && MEMORY_BPS.contains(&memory) && named && wrong == 0;
            let found =
                format!("{} imma, {} vram: {} class", percent(compute), percent(memory), reputation.nearest_model);
            finding(role.name, &format!("30-42 % imma, 45-55 % vram, {SMALL}"), found, holds)
        }
        Truth::SkipsWork => {
            let most = reports.iter().map(|report| report.wrong).max().unwrap_or(0);
            let found = format!("{most} wrong units in one session, {wrong} in all");
            finding(role.name, "two wrong drawn units in one session", found, most >= WRONG_TO_CONVICT)
        }
        Truth::LessMemory => {
            let (compute, memory) = (median("imma"), median("vram"));
            let holds = memory < HONEST_BPS && compute >= HONEST_BPS && wrong == 0;
            let found = format!("{} imma, {} vram", percent(compute), percent(memory));
            finding(role.name, "memory below its claim, compute not", found, holds)
        }
        Truth::Stalls => {
            let failed = reports
                .iter()
                .filter(|report| report.outcome() == Outcome::Fail && report.step() == Step::Window)
                .count();
            let found = format!("{failed} of {} sessions failed in a window", reports.len());
            finding(role.name, "sessions that fail in a window", found, failed > 0 && wrong == 0)
        }
    }
}

fn honest(role: &Role, reputation: &Reputation, wrong: u32) -> Finding {
    let medians: Vec<(&str, u32)> = role
        .resources()
        .iter()
        .map(|name| (*name, resource(reputation, name).map_or(0, |resource| resource.median_bps)))
        .collect();
    let holds = wrong == 0 && medians.iter().all(|(_, bps)| *bps >= HONEST_BPS);
    let words: Vec<String> = medians.iter().map(|(name, bps)| format!("{} {name}", percent(*bps))).collect();
    finding(role.name, "at least 95 % everywhere, no wrong bit", format!("{}; {wrong} wrong", words.join(", ")), holds)
}

/// A resource of a reputation.
#[must_use]
pub fn resource<'a>(reputation: &'a Reputation, name: &str) -> Option<&'a ResourceReputation> {
    reputation.resources.iter().find(|resource| resource.resource == name)
}

/// The median x of all conclusive sessions of honest nodes; `None` without any.
#[must_use]
pub fn honest_median(nodes: &[Node], known: &Known) -> Option<f64> {
    let honest = |id: &str| nodes.iter().any(|node| node.id == id && node.role.truth == Truth::Honest);
    let mut all: Vec<u32> = known
        .reports
        .iter()
        .filter(|report| report.outcome() != Outcome::Inconclusive && honest(&report.node))
        .map(|report| report.x_bps)
        .collect();
    all.sort_unstable();
    all.get(all.len().checked_sub(1)? / 2).map(|bps| f64::from(*bps) / 10_000.0)
}

/// Basis points in words.
#[must_use]
pub fn percent(bps: u32) -> String {
    format!("{} %", (bps + 50) / 100)
}

/// A finding.
#[must_use]
pub fn finding(about: &str, expected: &str, found: String, holds: bool) -> Finding {
    Finding { about: about.to_owned(), expected: expected.to_owned(), found, holds }
}

#[cfg(test)]
mod tests;
