//! Prints what a market found out, for a person: a row a node, a line a finding, and what to try next.

use super::{
    Market,
    cast::Truth,
    findings::{COMPUTE_BPS, Finding, HONEST_BPS, MEMORY_BPS, honest_median, percent, resource, words},
    watch::Known,
};
use crate::{
    figures::{Budget, Figure},
    output,
};
use gpux_proto::oracle::{Reputation, Score};

/// A row a node: what it claims, what it was measured to be, its score with its interval, and the verdict in words.
pub fn nodes(market: &Market, known: &Known) {
    output::line("Nodes (development parameters; every device but this-machine is simulated)");
    output::blank();
    let rows: Vec<Vec<String>> = market
        .nodes
        .iter()
        .map(|node| {
            let reputation = known.of(&node.id);
            let claim = reputation.map_or_else(|| node.role.claimed().to_owned(), |r| r.claim.clone());
            vec![
                node.role.name.to_owned(),
                claim,
                reputation.map_or_else(String::new, measured),
                reputation.map_or_else(String::new, nearest),
                reputation.and_then(|r| r.score.as_ref()).map_or_else(|| "none yet".to_owned(), score),
                reputation.map_or_else(String::new, |r| words(r.verdict()).to_owned()),
            ]
        })
        .collect();
    output::table(&["node", "claims", "delivers (median)", "measures like", "S [L, U]", "verdict"], &rows);
    for node in &market.nodes {
        if let Some(words) = known.of(&node.id).map(|r| &r.finding).filter(|words| !words.is_empty()) {
            output::line(format!("{}: {words}", node.role.name));
        }
    }
    output::blank();
}

fn measured(reputation: &Reputation) -> String {
    let resources = reputation.resources.iter().filter(|resource| resource.probes > 0);
    let words = resources.map(|resource| format!("{} {}", resource.resource, percent(resource.median_bps)));
    words.collect::<Vec<_>>().join(", ")
}

/// Which model it measures like. Ratios end at 1, so of a node that delivers what it claims nothing more is known.
fn nearest(reputation: &Reputation) -> String {
    let short = reputation.resources.iter().any(|resource| resource.probes > 0 && resource.median_bps < HONEST_BPS);
    if short { reputation.nearest_model.clone() } else { "as claimed".to_owned() }
}

/// A score is never shown without its interval.
fn score(score: &Score) -> String {
    let share = |bps: u32| f64::from(bps) / 10_000.0;
    format!("{:.2} [{:.2}, {:.2}]", share(score.score_bps), share(score.low_bps), share(score.high_bps))
}

/// A line a finding.
pub fn findings(findings: &[Finding]) {
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let holds = if finding.holds { "found" } else { "MISSING" };
            vec![holds.to_owned(), finding.about.clone(), finding.expected.clone(), finding.found.clone()]
        })
        .collect();
    output::table(&["", "about", "expected", "found"], &rows);
}

/// The figures of `target/figures/demo.json`.
#[must_use]
pub fn figures(market: &Market, known: &Known, findings: &[Finding]) -> Vec<Figure> {
    let share = |bps: u32| f64::from(bps) / 10_000.0;
    let range = |range: &std::ops::RangeInclusive<u32>| Budget::Within(share(*range.start()), share(*range.end()));
    let first = known.first_finding.map_or(f64::NAN, |at| at.as_secs_f64());
    let judged = known.judged.map_or(f64::NAN, |at| at.as_secs_f64());
    let missing = findings.iter().filter(|finding| !finding.holds).count();
    let mut figures = vec![
        Figure::budgeted("oracle's port open after", market.oracle.open_after.as_secs_f64(), "s", Budget::Most(5.0)),
        Figure::budgeted("first finding after", first, "s", Budget::Most(60.0)),
        Figure::budgeted("every verdict after", judged, "s", Budget::Most(300.0)),
        Figure::budgeted("expected findings missing", missing as f64, "count", Budget::Most(0.0)),
        Figure::budgeted(
            "median x of honest nodes",
            honest_median(&market.nodes, known).unwrap_or(f64::NAN),
            "ratio",
            Budget::Least(share(HONEST_BPS)),
        ),
    ];
    for (name, budget) in [("imma", range(&COMPUTE_BPS)), ("vram", range(&MEMORY_BPS))] {
        let node = market.nodes.iter().find(|node| node.role.truth == Truth::OtherModel);
        let median = node.and_then(|node| known.of(&node.id)).and_then(|r| resource(r, name)).map(|r| r.median_bps);
        let value = median.map_or(f64::NAN, share);
        figures.push(Figure::budgeted(format!("median x of the 3060 sold as a 3090, {name}"), value, "ratio", budget));
    }
    let wrong: u32 = known.reports.iter().map(|report| report.wrong).sum();
    figures.push(Figure::printed("drawn units with wrong bits", f64::from(wrong), "count"));
    figures.push(Figure::printed("sessions reported", known.reports.len() as f64, "count"));
    figures.push(Figure::printed("the market ran for", market.started.elapsed().as_secs_f64(), "s"));
    figures
}

/// What to try while the market runs.
pub fn next(market: &Market, known: &Known) {
    let url = market.oracle.api.url();
    output::line(format!("Open {url}/explorer/ in a browser (development parameters), or try:"));
    output::line(format!("  curl -s {url}/v1/reputations"));
    if let Some(node) = market.nodes.iter().find(|node| node.role.truth == Truth::OtherModel) {
        output::line(format!("  curl -s {url}/v1/nodes/{}/reputation", node.id));
        output::line(format!("  curl -s '{url}/v1/reports?node={}'", node.id));
    }
    let convicts = known.reports.iter().find(|report| report.wrong > 1 && !report.bundle_digest.is_empty());
    if let (Some(report), Ok(program)) = (convicts, market.stage.binaries.path("gpux-oracle")) {
        output::line(format!("  curl -s {url}/v1/bundles/{} > skips-work.bundle", report.bundle_digest));
        output::line(format!("  {} verify-evidence skips-work.bundle --development", program.display()));
    }
    output::line(format!("Everything is kept in {}; logs lie in its folder logs.", market.stage.folder.display()));
}
