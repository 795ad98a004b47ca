//! What `gpux-oracle` prints on stdout.
//!
//! Owns every line that a person or a script reads there; logs go to stderr. The line that says where the oracle listens is
//! printed after binding and never changes, since scripts wait for it.
#![allow(clippy::print_stdout, reason = "this module is the program's output")]

use std::{net::SocketAddr, time::Duration};

use crate::{arbitrate::Report, config::Config};

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

/// Prints an examination as one JSON object.
pub fn examination_json(report: &Report) -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}
