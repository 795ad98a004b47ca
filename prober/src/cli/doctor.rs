//! `gpux-prober doctor`: what this machine and its surroundings lack for probing, and what to do about it. Looks and never
//! changes: it sends no transaction and registers nothing. What is not named is skipped and said so. Exit code 0 when
//! nothing fails, 2 when something does; a warning is no failure.
mod clock;
mod machine;
mod market;

use super::{endpoint, output, table, wallet::Named};
use crate::session::bounded;
use clap::Args;
use serde::Serialize;
use std::{fmt::Display, path::PathBuf, process::ExitCode};
use tokio_util::sync::CancellationToken;
use tonic::transport::Uri;

/// The longest text of somebody else that is shown, in bytes.
const TEXT_BYTES_MAX: usize = 300;

/// What is looked at.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    named: Named,
    /// The oracle.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    oracle: Option<Uri>,
    /// The folder of the data, whose disk is looked at.
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Nothing is to be done.
    Ok,
    /// It works, less well or not for everything.
    Warn,
    /// It does not work.
    Fail,
    /// It was not looked at.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    found: String,
    /// What to do; empty if nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
}

impl Finding {
    fn new(name: &'static str, state: State, found: impl Display, remedy: impl Into<String>) -> Self {
        // What a server says must not move the cursor of whoever reads it.
        Self { name, state, found: bounded(&found.to_string(), TEXT_BYTES_MAX), remedy: remedy.into() }
    }

    fn ok(name: &'static str, found: impl Display) -> Self {
        Self::new(name, State::Ok, found, "")
    }

    fn warn(name: &'static str, found: impl Display, remedy: impl Into<String>) -> Self {
        Self::new(name, State::Warn, found, remedy)
    }

    fn fail(name: &'static str, found: impl Display, remedy: impl Into<String>) -> Self {
        Self::new(name, State::Fail, found, remedy)
    }

    fn skipped(name: &'static str, remedy: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, "not looked at", remedy)
    }

    fn row(&self) -> [String; 4] {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
            State::Skipped => "-",
        };
        [state.into(), self.name.into(), self.found.clone(), self.remedy.clone()]
    }
}

#[derive(Serialize)]
struct Report<'a> {
    healthy: bool,
    findings: &'a [Finding],
}

/// Runs the command.
pub(super) async fn run(arguments: Doctor, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let findings = tokio::select! {
        findings = findings(&arguments) => findings,
        () = stop.cancelled() => anyhow::bail!("interrupted"),
    };
    let healthy = findings.iter().all(|finding| finding.state != State::Fail);
    if arguments.json {
        output::print_json(&Report { healthy, findings: &findings });
    } else {
        let rows: Vec<_> = findings.iter().map(Finding::row).collect();
        output::text(&table::render(["state", "about", "found", "what to do"], &rows));
    }
    Ok(ExitCode::from(if healthy { 0 } else { 2 }))
}

async fn findings(arguments: &Doctor) -> Vec<Finding> {
    let mut findings = machine::findings(&arguments.data).await;
    let (oracle, oracle_time) = market::oracle(arguments.oracle.as_ref()).await;
    let (chain, chain_time) = market::chain(&arguments.named).await;
    findings.push(clock::finding(oracle_time, chain_time));
    findings.extend(chain);
    findings.push(oracle);
    findings
}
