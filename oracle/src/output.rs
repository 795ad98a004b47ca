//! What `gpux-oracle` prints on stdout.
//!
//! Owns every line that a person or a script reads there; logs go to stderr. The line that says where the oracle listens is
//! printed after binding and never changes, since scripts wait for it.
#![allow(clippy::print_stdout, reason = "this module is the program's output")]

use std::{net::SocketAddr, time::Duration};

use gpux_kernels::probe::ProbeId;
use gpux_proto::bytes::to_hex;
use serde_json::json;

use crate::{
    arbitrate::Report,
    config::Config,
    errors::Explanation,
    replay::{History, Outcome},
    score::{Audits, ResourceId, Standing, Step, Verdict},
};

/// Says on stderr why a command failed.
#[allow(clippy::print_stderr, reason = "this module is the program's output")]
pub fn failed(error: &anyhow::Error) {
    eprintln!("gpux-oracle: {error:#}");
}

/// Says that requests are answered.
pub fn listening(address: SocketAddr, after: Duration) {
    println!("listening on http://{address} (gRPC and HTTP), ready after {} ms", after.as_millis());
}

/// Says where the operator's pages are.
pub fn admin(address: SocketAddr) {
    println!("metrics and health on http://{address}");
}

/// Prints the settings in force.
pub fn config(config: &Config) -> Result<(), toml::ser::Error> {
    print!("{}", config.dump()?);
    Ok(())
}

/// Prints an examination, a line a check.
pub fn examination(report: &Report) {
    println!("bundle {} ({})", report.bundle, report.market);
    if let Some(node) = &report.node {
        println!("node {node}");
    }
    if let Some(rental) = &report.rental {
        println!("rental {rental}");
    }
    for check in &report.checks {
        let mark = if check.holds { "holds" } else { "FAILS" };
        println!("  {mark}  {:<13} {}", check.name, check.detail);
    }
    let probe = report.probe.unwrap_or("unknown");
    let device = report.device.unwrap_or("unknown");
    println!("probe {probe} on a {device} device, {} drawn units recomputed", report.drawn);
    if let Some(failure) = &report.failure {
        println!("host failed at {}: {}", failure.step, failure.detail);
    }
    println!("{}", report.judgement);
}

/// Prints what the documentation says of an error.
pub fn explained_error(explanations: &[Explanation]) {
    for (place, explanation) in explanations.iter().enumerate() {
        if place > 0 {
            println!();
        }
        for (heading, cell) in explanation.cells() {
            println!("{heading:<14}  {}", cell.replace('`', ""));
        }
    }
}

/// Prints a text as it is.
pub fn text(text: &str) {
    print!("{text}");
}

/// Prints an examination as one JSON object.
pub fn examination_json(report: &Report) -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

/// Prints what a replay found, compared with whose word.
pub fn replay(outcome: &Outcome, authority: &str) {
    match outcome {
        Outcome::Equal(found) => {
            println!("epoch {}: {} leaves from {} log entries", found.epoch, found.leaves, found.log_size);
            println!("  log root   {}", to_hex(&found.log_root));
            println!("  score root {}", to_hex(&found.root));
            println!("  leaf file  {}", to_hex(&found.data_hash));
            println!("  rewards    {}", to_hex(&found.rewards_root));
            println!("equal: this is what {authority} says was published");
        }
        Outcome::Differs(difference) => println!("different from what {authority} says: {difference}"),
    }
}

/// Prints the same as one JSON object.
pub fn replay_json(outcome: &Outcome, authority: &str) -> Result<(), serde_json::Error> {
    let object = match outcome {
        Outcome::Equal(found) => json!({
            "equal": true,
            "authority": authority,
            "epoch": found.epoch,
            "leaves": found.leaves,
            "logSize": found.log_size,
            "logRoot": to_hex(&found.log_root),
            "root": to_hex(&found.root),
            "dataHash": to_hex(&found.data_hash),
            "rewardsRoot": to_hex(&found.rewards_root),
        }),
        Outcome::Differs(difference) => {
            json!({ "equal": false, "authority": authority, "difference": difference.to_string() })
        }
    };
    println!("{}", serde_json::to_string(&object)?);
    Ok(())
}

/// Prints how a node's score and verdict came about.
pub fn explanation(history: &History) {
    let told = &history.explanation;
    println!("node {} at the end of epoch {}", to_hex(&told.score.node.0), history.epoch);
    println!();
    println!("evidence, one line an epoch and resource: what the bets on its claims were multiplied by");
    println!("  epoch       resource  reports  x          mean bets                rate bets");
    for step in &history.steps {
        self::step(step);
    }
    println!();
    println!("resources");
    for (score, resource) in told.score.resources.iter().zip(&told.resources) {
        let estimate = score.estimate;
        println!(
            "  {:<8}  S = ({} x {:.2} + {:.3}) / ({} + {:.3}) = {:.4}   interval {:.4} to {:.4}   {} probes",
            name(resource.resource),
            PRIOR_PROBES,
            f64::from(resource.prior_bps) / 1e4,
            resource.weighted,
            PRIOR_PROBES,
            resource.weight,
            share(estimate.score_bps),
            share(estimate.low_bps),
            share(estimate.high_bps),
            score.probes,
        );
        println!(
            "            against it E = {:.4}; for it E = {:.4} of {:.0} needed",
            resource.evidence,
            libm::exp(resource.log_honesty),
            libm::exp(told.log_honest),
        );
    }
    println!();
    verdict(history);
}

/// n0 of the method, in probes.
const PRIOR_PROBES: u32 = 5;

fn step(step: &Step) {
    let bets = |factors: &[f64]| factors.iter().map(|factor| format!("{factor:.3}")).collect::<Vec<_>>().join(" ");
    let x: Vec<_> = step.reports.iter().map(|report| f64::from(report.x.lower()) / 64.0).collect();
    let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
    println!(
        "  {:<10}  {:<8}  {:>7}  {:<9.4}  {}  {}",
        step.epoch,
        name(step.resource),
        step.reports.len(),
        mean,
        bets(&step.factors[..4]),
        bets(&step.factors[4..]),
    );
}

fn verdict(history: &History) {
    let told = &history.explanation;
    println!(
        "first stage: E = {:.4} over {} claims; suspect from {:.0} on; at most {:.2} % of all weight may lie",
        told.evidence,
        told.claims,
        told.suspicion,
        f64::from(told.contamination_bps) / 100.0,
    );
    if let Some(audits) = &told.audits {
        second_stage(audits);
    }
    println!("seen by {} owners of relays", told.owners);
    let standing = match told.standing {
        Standing::Watched => "nothing is held against it",
        Standing::Suspect => "it is probed more often, which is no judgement",
        Standing::Convicted => "audits convicted it",
    };
    let verdict = match told.score.verdict {
        Verdict::Unknown => "unknown",
        Verdict::Honest => "honest",
        Verdict::UnderDelivering => "under-delivering",
    };
    let estimate = told.score.estimate;
    println!(
        "score {:.4} ({:.4} to {:.4}), verdict {verdict}: {standing}",
        share(estimate.score_bps),
        share(estimate.low_bps),
        share(estimate.high_bps),
    );
}

fn second_stage(audits: &Audits) {
    println!(
        "second stage, visit {}: {} audits, {} owners dropped in each bet; ln E against it {:.2} of {:.2}, for it {:.2} of {:.2}",
        audits.visit,
        audits.audits,
        audits.dropped,
        audits.log_evidence,
        audits.log_accusation,
        audits.log_honesty,
        audits.log_clearance,
    );
}

fn share(bps: u16) -> f64 {
    f64::from(bps) / 1e4
}

fn name(resource: ResourceId) -> &'static str {
    ProbeId::ALL.iter().find(|probe| u32::from(probe.number()) == resource.0).map_or("unknown", |probe| probe.name())
}
