//! Waits for what a market finds out: polls the oracle's HTTP API until every node was probed often enough.
//!
//! It reads only what anybody can read, and never looks into a program. A program that ends, or a market that takes too
//! long, ends the wait with an error or with what is known.

use super::{Market, cast::Truth};
use gpux_proto::{
    evidence::Outcome,
    oracle::{ReportSummary, Reputation},
};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(700);
/// Below this x a report of a cheating node is a finding: design/scoring.md's rate claim (a session below 0.80).
const FINDING_BELOW_BPS: u32 = 8_000;

/// What is known of a market.
#[derive(Debug, Default)]
pub struct Known {
    /// Every node's reputation.
    pub reputations: Vec<Reputation>,
    /// Every report, newest first.
    pub reports: Vec<ReportSummary>,
    /// From the market's start to the first report that finds a cheating node out.
    pub first_finding: Option<Duration>,
    /// Whether every node has the wanted number of folded probes of each resource.
    pub covered: bool,
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
}

/// Watches until every node has `probes` folded probes of each resource, or `limit` is over.
pub async fn until_covered(
    market: &mut Market,
    probes: u32,
    limit: Duration,
    mut tell: impl FnMut(&str),
) -> anyhow::Result<Known> {
    let deadline = Instant::now() + limit;
    let mut known = Known::default();
    loop {
        market.check_alive()?;
        known.reputations = market.oracle.api.reputations().await?;
        known.reports = market.oracle.api.reports("").await?;
        if known.first_finding.is_none() && finding(market, &known.reports) {
            known.first_finding = Some(market.started.elapsed());
        }
        let (folded, wanted) = folded(market, &known.reputations, probes);
        known.covered = folded == wanted;
        let found =
            known.first_finding.map_or(String::new(), |at| format!(", first finding after {:.0} s", at.as_secs_f64()));
        tell(&format!(
            "{folded} of {wanted} probes folded, {} reports{found} (development parameters)",
            known.reports.len()
        ));
        if known.covered || Instant::now() >= deadline {
            return Ok(known);
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// How many of the wanted probes are folded.
fn folded(market: &Market, reputations: &[Reputation], probes: u32) -> (u32, u32) {
    let (mut folded, mut wanted) = (0, 0);
    for node in &market.nodes {
        let reputation = reputations.iter().find(|reputation| reputation.node == node.id);
        for name in node.role.resources() {
            wanted += probes;
            let resource = reputation.and_then(|r| r.resources.iter().find(|resource| resource.resource == *name));
            folded += resource.map_or(0, |resource| resource.probes.min(probes));
        }
    }
    (folded, wanted)
}

fn finding(market: &Market, reports: &[ReportSummary]) -> bool {
    let cheats = |id: &str| market.nodes.iter().any(|node| node.id == id && node.role.truth != Truth::Honest);
    reports.iter().any(|report| {
        report.outcome() != Outcome::Inconclusive && report.x_bps < FINDING_BELOW_BPS && cheats(&report.node)
    })
}
