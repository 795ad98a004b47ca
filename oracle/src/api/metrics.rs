//! The counters of `/metrics`.
//!
//! Owns a fixed set of atomics and their text form (Prometheus exposition format 0.0.4). Labels come from closed sets only,
//! never from a request: no node or fisher can make the page grow.

use std::fmt::Write as _;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::reason::{REASONS, Reason};

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    Http,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Ok,
    /// The client's fault, or a limit.
    Refused,
    /// The oracle's fault.
    Failed,
}

/// What ingest accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Node,
    Fisher,
    Commit,
    Report,
    Relay,
    Stamps,
    Countersignature,
}

const PROTOCOLS: [&str; 2] = ["grpc", "http"];
const OUTCOMES: [&str; 3] = ["ok", "refused", "failed"];
const KINDS: [&str; 7] = ["node", "fisher", "commit", "report", "relay", "stamps", "countersignature"];

/// The counters; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    /// Requests by protocol and outcome.
    requests: [[AtomicU64; 3]; 2],
    /// What was accepted, by kind.
    accepted: [AtomicU64; KINDS.len()],
    /// What ingest refused, by reason.
    refused: [AtomicU64; REASONS.len()],
    /// Epochs whose root is on chain.
    epochs_published: AtomicU64,
    /// Entries of the log.
    log_entries: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: Default::default(),
            accepted: Default::default(),
            // The standard library has defaults of arrays up to 32 alone.
            refused: std::array::from_fn(|_| AtomicU64::default()),
            epochs_published: AtomicU64::default(),
            log_entries: AtomicU64::default(),
        }
    }
}

impl Metrics {
    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A request was answered.
    pub fn request(&self, protocol: Protocol, outcome: Outcome) {
        self.0.requests[protocol as usize][outcome as usize].fetch_add(1, Relaxed);
    }

    /// Something became durable.
    pub fn accepted(&self, kind: Kind) {
        self.0.accepted[kind as usize].fetch_add(1, Relaxed);
    }

    /// Ingest refused something.
    pub fn refused(&self, code: &str) {
        self.0.refused[Reason::position(code)].fetch_add(1, Relaxed);
    }

    /// An epoch's root is on chain.
    pub fn epoch_published(&self) {
        self.0.epochs_published.fetch_add(1, Relaxed);
    }

    /// The log's size, as it was last seen.
    pub fn set_log_entries(&self, entries: u64) {
        self.0.log_entries.store(entries, Relaxed);
    }

    /// The page.
    #[must_use]
    pub fn render(&self, ready: bool) -> String {
        let mut page = Page::default();
        page.family("gpux_oracle_requests_total", "counter", "Requests by protocol and outcome.");
        for (protocol, row) in PROTOCOLS.iter().zip(&self.0.requests) {
            for (outcome, count) in OUTCOMES.iter().zip(row) {
                let labels = format!("{{protocol=\"{protocol}\",outcome=\"{outcome}\"}}");
                page.sample("gpux_oracle_requests_total", &labels, count.load(Relaxed));
            }
        }
        page.family("gpux_oracle_accepted_total", "counter", "What was accepted durably, by kind.");
        for (kind, count) in KINDS.iter().zip(&self.0.accepted) {
            page.sample("gpux_oracle_accepted_total", &format!("{{kind=\"{kind}\"}}"), count.load(Relaxed));
        }
        page.family("gpux_oracle_refused_total", "counter", "What was refused, by reason (docs/errors.md).");
        for (reason, count) in REASONS.iter().zip(&self.0.refused) {
            let labels = format!("{{reason=\"{}\"}}", reason.code);
            page.sample("gpux_oracle_refused_total", &labels, count.load(Relaxed));
        }
        page.family("gpux_oracle_epochs_published_total", "counter", "Epochs whose root is on chain since the start.");
        page.sample("gpux_oracle_epochs_published_total", "", self.0.epochs_published.load(Relaxed));
        page.family("gpux_oracle_log_entries", "gauge", "Entries of the public log.");
        page.sample("gpux_oracle_log_entries", "", self.0.log_entries.load(Relaxed));
        page.family("gpux_oracle_ready", "gauge", "1 when store and chain are up.");
        page.sample("gpux_oracle_ready", "", u64::from(ready));
        page.0
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_their_rows() {
        let metrics = Metrics::new();
        metrics.request(Protocol::Http, Outcome::Refused);
        metrics.accepted(Kind::Report);
        metrics.accepted(Kind::Report);
        metrics.refused("NOT_COMMITTED");
        metrics.refused("a code that nobody knows");
        metrics.set_log_entries(17);
        let page = metrics.render(true);
        for line in [
            "gpux_oracle_requests_total{protocol=\"http\",outcome=\"refused\"} 1",
            "gpux_oracle_requests_total{protocol=\"grpc\",outcome=\"refused\"} 0",
            "gpux_oracle_accepted_total{kind=\"report\"} 2",
            "gpux_oracle_refused_total{reason=\"NOT_COMMITTED\"} 1",
            "gpux_oracle_refused_total{reason=\"INTERNAL\"} 1",
            "gpux_oracle_log_entries 17",
            "gpux_oracle_ready 1",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is missing in\n{page}");
        }
    }
}
