//! Waits for what a market finds out: polls the oracle's API, and folds its log, until every node is judged.
//!
//! It reads only what anybody can read, and never looks into a program. A program that ends, or a market that takes too
//! long, ends the wait with an error or with what is known.

use super::{Fisher, Market, Node, cast::Truth, findings, replica::Replica};
use gpux_oracle::score::Weight;
use gpux_proto::{
    evidence::Outcome,
    oracle::{ReportSummary, Reputation},
};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(700);
/// Below this x a report of a cheating node is a finding: design/scoring.md's rate claim (a session below 0.80).
const FINDING_BELOW_BPS: u32 = 8_000;
/// Fewer folded probes of a resource have no median that is worth showing.
const PROBES_MIN: u32 = 3;

/// What is known of a market.
#[derive(Debug)]
pub struct Known {
    /// Every node's reputation.
    pub reputations: Vec<Reputation>,
    /// Every report, newest first.
    pub reports: Vec<ReportSummary>,
    /// The log, folded here.
    pub replica: Replica,
    /// From the market's start to the first report that finds a cheating node out.
    pub first_finding: Option<Duration>,
    /// From the market's start to the moment at which every node had the verdict that it deserves, on figures that show why,
    /// and every fisher the weight; absent if that never came.
    pub judged: Option<Duration>,
}

impl Known {
    /// A node's reputation.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&Reputation> {
        self.reputations.iter().find(|reputation| reputation.node == id)
    }

    /// The reports about a node, newest first.
    pub fn reports_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a ReportSummary> {
        self.reports.iter().filter(move |report| report.node == id)
    }

    /// Whether a node has the verdict that it deserves, on enough probes of each resource that show why.
    #[must_use]
    pub fn judges(&self, node: &Node) -> bool {
        let Some(reputation) = self.of(&node.id) else { return false };
        let probed = |name: &str| {
            reputation.resources.iter().any(|resource| resource.resource == name && resource.probes >= PROBES_MIN)
        };
        reputation.verdict() == node.role.truth.verdict()
            && node.role.resources().iter().all(|name| probed(name))
            && findings::judge_node(node, self).holds
    }

    /// Whether a fisher's word weighs what it should: a liar's nothing.
    #[must_use]
    pub fn weighs(&self, fisher: &Fisher) -> bool {
        (self.replica.weight(fisher.address) == Weight::ZERO) == fisher.lies
    }
}

/// Watches until every node and every fisher is judged as it deserves, or `limit` is over.
pub async fn until_judged(market: &mut Market, limit: Duration, mut tell: impl FnMut(&str)) -> anyhow::Result<Known> {
    let deadline = Instant::now() + limit;
    let replica = Replica::of(market.oracle.api.url()).await?;
    let mut known = Known { reputations: Vec::new(), reports: Vec::new(), replica, first_finding: None, judged: None };
    loop {
        market.check_alive()?;
        known.reputations = market.oracle.api.reputations().await?;
        known.reports = market.oracle.api.reports("").await?;
        known.replica.catch_up().await?;
        if known.first_finding.is_none() && finding(market, &known.reports) {
            known.first_finding = Some(market.started.elapsed());
        }
        let judged = market.nodes.iter().filter(|node| known.judges(node)).count();
        let weighed = market.fishers.iter().filter(|fisher| known.weighs(fisher)).count();
        let open = market.nodes.iter().filter(|node| !known.judges(node)).map(|node| node.role.name);
        let open = open.collect::<Vec<_>>().join(", ");
        let open = if open.is_empty() { open } else { format!("; open: {open}") };
        let found =
            known.first_finding.map_or(String::new(), |at| format!(", first finding after {:.0} s", at.as_secs_f64()));
        tell(&format!(
            "{judged} of {} nodes and {weighed} of {} fishers judged, {} reports{found}{open} (development \
             parameters)",
            market.nodes.len(),
            market.fishers.len(),
            known.reports.len()
        ));
        if judged == market.nodes.len() && weighed == market.fishers.len() {
            known.judged = Some(market.started.elapsed());
        }
        if known.judged.is_some() || Instant::now() >= deadline {
            return Ok(known);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn finding(market: &Market, reports: &[ReportSummary]) -> bool {
    let cheats = |id: &str| market.nodes.iter().any(|node| node.id == id && node.role.truth != Truth::Honest);
    reports.iter().any(|report| {
        report.outcome() != Outcome::Inconclusive && report.x_bps < FINDING_BELOW_BPS && cheats(&report.node)
    })
}
