//! Ingest and fold, as the oracle's own benchmarks measure them: programs that print `name=value` lines, started here so
//! that their figures stand beside the others.

use crate::{
    binaries::Binaries,
    figures::{Budget, Figure},
};
use anyhow::{Context as _, bail, ensure};
use std::process::Command;

/// The budgets of DESIGN.md, by what a program calls the figure: durable ingest reaches this share of a bare loop that
/// inserts the same bytes; the fold keeps up with a market of a million nodes on one core, and so does the schedule.
const BUDGETS: [(&str, Budget); 6] = [
    ("store_ingest_ratio", Budget::Least(0.6)),
    ("fold_items_per_second", Budget::Least(1e6)),
    ("epoch_of_a_million_nodes_seconds", Budget::Most(5.0)),
    ("schedule_of_a_million_nodes_seconds", Budget::Most(5.0)),
    ("bytes_per_node_claim", Budget::Most(400.0)),
    ("replay_of_ten_million_seconds", Budget::Most(60.0)),
];

/// Runs the benchmarks.
pub fn figures(binaries: &Binaries) -> anyhow::Result<Vec<Figure>> {
    let mut figures = run(binaries, "examples/bench_store")?;
    figures.extend(run(binaries, "examples/bench_fold")?);
    for (name, _) in BUDGETS {
        ensure!(figures.iter().any(|figure| figure.name == words(name).0), "no benchmark printed {name}");
    }
    Ok(figures)
}

fn run(binaries: &Binaries, name: &str) -> anyhow::Result<Vec<Figure>> {
    let program = binaries.path(name)?;
    let output = Command::new(&program).output().with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

fn read(text: &str) -> anyhow::Result<Vec<Figure>> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| {
            let value = value.trim().parse().with_context(|| format!("{name} is {value:?}, no number"))?;
            let (called, unit) = words(name);
            Ok(match BUDGETS.iter().find(|budget| budget.0 == name) {
                Some((_, budget)) => Figure::budgeted(called, value, unit, *budget),
                None => Figure::printed(called, value, unit),
            })
        })
        .collect()
}

/// What a figure is called among others, and its unit.
fn words(name: &str) -> (String, &'static str) {
    let units = [("_per_second", "1/s"), ("_seconds", "s"), ("_ratio", "ratio")];
    let (name, unit) = units
        .iter()
        .find_map(|(ending, unit)| Some((name.strip_suffix(ending)?, *unit)))
        .unwrap_or((name, if name.starts_with("bytes") { "bytes" } else { "count" }));
    (name.replace('_', " "), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_gate_and_other_rates_are_printed() {
        let figures =
            read("bare_inserts_per_second=16000\nstore_ingest_ratio=0.59\nbytes_per_node_claim=401\n").unwrap();
        assert_eq!((figures[0].unit.as_str(), figures[0].holds), ("1/s", true));
        assert_eq!((figures[1].unit.as_str(), figures[1].holds), ("ratio", false));
        assert_eq!((figures[2].unit.as_str(), figures[2].holds), ("bytes", false));
        assert!(read("store_ingest_ratio=0.60").unwrap()[0].holds);
        assert!(read("store_ingest_ratio=fast").is_err());
    }
}
