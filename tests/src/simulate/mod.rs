//! `make simulate`: what the method promises, tried on simulated markets, beside what others grade by.
//!
//! Owns the markets, their people and the report. Our model is the oracle's own fold and nothing else. Reads no clock and
//! prints no time, so one seed gives the same bytes on every machine.

mod baselines;
mod boundary;
mod delay;
mod economics;
mod fisher;
mod host;
mod identity;
mod market;
mod model;
mod owner;
mod parallel;
mod promise;
mod situation;
mod stream;
mod table;
mod world;

pub use promise::Promise;

use anyhow::Result;
use market::Market;

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Decides every random number.
    pub seed: u64,
    /// A small market and short paths, for tests.
    pub quick: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// For people.
    pub text: String,
    /// What was promised.
    pub promises: Vec<Promise>,
    /// For each baseline, the largest share of compliant nodes that it accused in any market in which it was compared.
    pub baselines: Vec<(&'static str, f64)>,
}

/// How much of everything is simulated.
struct Size {
    market: Market,
    delayed: usize,
    paths: usize,
    probes: u32,
    slandered: usize,
    audits: u32,
}

const FULL: Size =
    Size { market: Market::FULL, delayed: 300, paths: 4_000, probes: 10_000, slandered: 300, audits: 600 };
const QUICK: Size = Size { market: Market::QUICK, delayed: 20, paths: 100, probes: 500, slandered: 12, audits: 200 };

/// Simulates everything, and shows each part of the report as soon as it is there.
pub fn run(options: &Options, show: &mut dyn FnMut(&str)) -> Result<Report> {
    let (seed, size) = (options.seed, if options.quick { &QUICK } else { &FULL });
    let mut report = Report::default();
    let mut add = |title: &str, (text, promises): (String, Vec<Promise>)| {
        let part = format!("{title}\n\n{text}");
        show(&part);
        report.text.push_str(&part);
        report.promises.extend(promises);
    };
    let tuned = baselines::tune(seed, &size.market)?;
    add("Baselines, tuned on other seeds", (baselines::render(&tuned), vec![]));
    let settings: Vec<_> = tuned.iter().map(|tuned| tuned.setting).collect();
    let rows = table::rows(seed, &size.market, &settings, options.quick)?;
    add(OURS, (table::ours(&rows), table::promises(&rows, options.quick)));
    add(THEIRS, (table::theirs(&rows), vec![]));
    add("Situations", situation::report(&situation::findings(seed, options.quick)?));
    add("Economics", economics::report(&rows)?);
    add(DELAYS, delay::report(seed, size.delayed, options.quick)?);
    add(SLANDER, boundary::corrupt_owners(seed, size.slandered, size.audits)?);
    add(EDGE, boundary::null(seed, size.paths, size.probes)?);
    report.baselines = table::baselines(&rows);
    let promises = format!("Promises\n\n{}", promise::render(&report.promises));
    show(&promises);
    report.text.push_str(&promises);
    Ok(report)
}

const OURS: &str = "GPUX: nodes accused and suspect of those that keep their claims; cheats found, probes to suspicion + \
                    audits to the verdict (medians)";
const THEIRS: &str = "Beside what others grade by, with the same audits; cheats found and probes (medians)";
const DELAYS: &str =
    "Delays beside the Kullback-Leibler bound, honest fishers and owners; c is the share of owners left out";
const EDGE: &str = "Hosts at the edge: the share of paths whose E ever reached";
const SLANDER: &str = "Honest nodes convicted while all fishers say that they are dead, 8 of 40 owners left out";
