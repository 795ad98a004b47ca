//! Everything that the commands print: results on standard output, progress on standard error. Text from nodes is cut and
//! stripped of control characters before it gets here.
#![allow(clippy::print_stdout, reason = "this is where the program speaks to its user")]
use super::{check::Identified, table};
use crate::{
    report::{CLEAN, Finding},
    session::{Stage, Watch, bounded},
};
use gpux_kernels::{
    evidence::{Expectation, remedy, step_name},
    measure::RATIO_ONE,
    probe::ProbeId,
};
use gpux_proto::{bytes::to_hex, evidence::Outcome};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{io::IsTerminal as _, process::ExitCode, sync::Arc, time::Duration};

/// A session's result as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) node: String,
    pub(super) probe: &'static str,
    /// "pass", "fail" or "inconclusive".
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) step: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    /// What to do about it; empty for a pass.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) remedy: &'static str,
    /// What the node claims: a model, or "host".
    pub(super) claimed: String,
    pub(super) measured_rate: u64,
    pub(super) expected_rate: u64,
    pub(super) measured_bytes: u64,
    pub(super) expected_bytes: u64,
    /// x in 64ths, rounded down and up.
    pub(super) x_lower: u32,
    pub(super) x_upper: u32,
    pub(super) drawn: u32,
    pub(super) wrong: u32,
    pub(super) convicts: bool,
    pub(super) simulated: bool,
    pub(super) development: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rental: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<String>,
    #[serde(skip)]
    pub(super) id: Option<ProbeId>,
}

impl Line {
    /// A line from a finding.
    pub(super) fn new(node: &[u8; 32], finding: &Finding, expectation: &Expectation, development: bool) -> Self {
        let figures = finding.measurement.clone().unwrap_or_default();
        Self {
            node: to_hex(node),
            probe: finding.probe.name(),
            outcome: match finding.outcome {
                Outcome::Pass => "pass",
                Outcome::Fail => "fail",
                _ => "inconclusive",
            },
            step: step_name(finding.step),
            detail: finding.detail.clone(),
            remedy: remedy(finding.outcome, finding.step),
            claimed: if expectation.model.is_empty() { "host".into() } else { bounded(&expectation.model, 128) },
            measured_rate: figures.rate,
            expected_rate: expectation.rate as u64,
            measured_bytes: figures.bytes,
            expected_bytes: expectation.bytes as u64,
            x_lower: finding.x.0,
            x_upper: finding.x.1,
            drawn: finding.drawn,
            wrong: finding.wrong,
            convicts: finding.convicts,
            simulated: finding.device == gpux_proto::evidence::DeviceKind::Simulated,
            development,
            rental: None,
            report: None,
            id: Some(finding.probe),
        }
    }

    /// Whether the claim holds.
    pub(super) fn is_clean(&self) -> bool {
        self.outcome == "pass" && self.x_upper >= CLEAN
    }

    /// x in per cent.
    pub(super) fn percent(&self) -> f64 {
        f64::from(self.x_lower + self.x_upper) * 50.0 / f64::from(RATIO_ONE)
    }

    /// "81.9 of 227 Top/s": size or rate of memory, whichever is worse, rate of everything else.
    pub(super) fn figures(&self) -> String {
        let memory = self.expected_bytes > 0;
        // Of a memory probe the worse of both is the finding.
        let share = |measured: u64, expected: u64| measured as f64 / (expected.max(1)) as f64;
        let by_size = share(self.measured_bytes, self.expected_bytes) <= share(self.measured_rate, self.expected_rate);
        if memory && by_size {
            return of(self.measured_bytes, self.expected_bytes, "B");
        }
        of(self.measured_rate, self.expected_rate, self.id.map_or("", ProbeId::rate_unit))
    }

    /// The finding in a sentence.
    pub(super) fn sentence(&self) -> String {
        let node = &self.node[..10.min(self.node.len())];
        let head = format!("node {node}… claims {}: {}", self.claimed, self.probe);
        match self.outcome {
            "pass" => format!("{head} {} ({:.0} %)", self.figures(), self.percent()),
            "fail" if self.convicts => format!("{head} FAILS: {} — this bundle convicts", self.detail),
            "fail" => format!("{head} FAILS at {}: {} ({})", self.step, self.detail, self.remedy),
            _ => format!("{head} inconclusive at {}: {} ({})", self.step, self.detail, self.remedy),
        }
    }
}

/// A figure in its unit with three digits.
pub(super) fn amount(value: f64, unit: &str) -> String {
    let (scale, prefix) = prefix(value);
    format!("{} {prefix}{unit}", digits(value / scale))
}

fn prefix(largest: f64) -> (f64, &'static str) {
    let prefixes = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
    prefixes.into_iter().find(|(scale, _)| largest >= *scale).unwrap_or((1.0, ""))
}

/// Two figures in one unit with three digits.
pub(super) fn of(measured: u64, expected: u64, unit: &str) -> String {
    let (scale, prefix) = prefix(measured.max(expected) as f64);
    format!("{} of {} {prefix}{unit}", digits(measured as f64 / scale), digits(expected as f64 / scale))
}

fn digits(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// The progress of a command: a bar on a terminal, nothing elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    bar: ProgressBar,
    json: bool,
}

impl Progress {
    /// Starts; `total` 0 means that the end is open.
    pub(super) fn start(total: u64, json: bool) -> Self {
        let bar = if json || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else if total == 0 {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::new(total)
        };
        let template = if total == 0 { "{spinner} {pos} sessions {msg}" } else { "{bar:24} {pos}/{len} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, json }
    }

    /// What a session tells while it runs.
    pub(super) fn watch(&self, of: String) -> Arc<Watch> {
        let bar = self.bar.clone();
        Arc::new(move |stage| bar.set_message(format!("{of}: {}", words(stage))))
    }

    /// Says that one of the steps is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }

    /// Prints a session's result.
    pub(super) fn line(&self, line: &Line) {
        self.bar.inc(1);
        let text = if self.json { json(line) } else { line.sentence() };
        self.bar.suspend(|| println!("{text}"));
    }

    /// Prints a note for people.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            self.bar.suspend(|| println!("{text}"));
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn words(stage: Stage) -> String {
    match stage {
        Stage::Hello => "hello and upload".into(),
        Stage::Waiting => "waits for the machine".into(),
        Stage::Prepare => "sets up".into(),
        Stage::Window { window, windows } => format!("window {} of {windows}", window + 1),
        Stage::Root => "root".into(),
        Stage::Openings => "openings".into(),
    }
}

pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
}

/// The table of `check`.
pub(super) fn table(node: &str, lines: &[Line], identified: Option<&Identified>, development: bool) {
    println!("node {node}{}", if development { " (development parameters)" } else { "" });
    let row = |line: &Line| {
        let figures = if line.measured_rate > 0 { line.figures() } else { "-".into() };
        let result = match line.outcome {
            "pass" if line.is_clean() => "as claimed".to_owned(),
            "pass" => "less than claimed".to_owned(),
            outcome => format!("{outcome}: {}", line.detail),
        };
        [line.probe.to_owned(), line.claimed.clone(), figures, format!("{:.0} %", line.percent()), result]
    };
    print!(
        "{}",
        table::render(["probe", "claimed", "measured", "x", "result"], &lines.iter().map(row).collect::<Vec<_>>())
    );
    if let Some(identified) = identified {
        println!("{}", likely(identified));
    }
}

/// "measured like A (90 %), B (9 %); cannot be told from C".
pub(super) fn likely(identified: &Identified) -> String {
    let models = identified.models.iter().map(|of| format!("{} ({:.0} %)", of.model, of.likelihood * 100.0));
    let like = format!("measured like {}", models.collect::<Vec<_>>().join(", "));
    match identified.cannot_be_told_from.as_slice() {
        [] => like,
        others => format!("{like}; cannot be told from {}", others.join(", ")),
    }
}

/// Prints text as it is.
pub(super) fn text(text: &str) {
    print!("{text}");
}

/// Prints one JSON value.
pub(super) fn print_json(value: &impl Serialize) {
    println!("{}", json(value));
}

/// The result of `sweep`.
pub(super) fn swept(empty: usize, left: usize) {
    println!("{empty} throw-away accounts emptied, {left} still hold money");
}

/// Flags that do not go together.
pub(super) fn misused(words: &str) -> ExitCode {
    eprintln!("error: {words}\n\nFor more information, try '--help'.");
    ExitCode::from(64)
}

/// An error that ends the program.
pub(super) fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("gpux-prober: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_in_one_unit_with_three_digits() {
        assert_eq!(of(81_900_000_000_000, 227_000_000_000_000, "op/s"), "81.9 of 227 Top/s");
        assert_eq!(of(12_000_000_000, 24_000_000_000, "B"), "12.0 of 24.0 GB");
        assert_eq!(of(0, 0, "B"), "0.00 of 0.00 B");
    }
}
