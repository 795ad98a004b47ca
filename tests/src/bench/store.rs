//! Ingest and fold, as the oracle's own benchmark measures them: a program that prints `name=value` lines, started here so
//! that its figures stand beside the others.

use crate::{
    binaries::Binaries,
    figures::{Budget, Figure},
};
use anyhow::{Context as _, bail, ensure};
use std::process::Command;

/// DESIGN.md, Budgets: durable ingest reaches this share of a bare loop that inserts the same bytes.
const INGEST_RATIO_LEAST: f64 = 0.6;
const RATIO: &str = "store_ingest_ratio";

/// Runs the benchmark.
pub fn figures(binaries: &Binaries) -> anyhow::Result<Vec<Figure>> {
    let program = binaries.path("examples/bench_store")?;
    let output = Command::new(&program).output().with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("bench_store failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let figures = read(&String::from_utf8_lossy(&output.stdout))?;
    ensure!(figures.iter().any(|figure| figure.name == words(RATIO)), "bench_store printed no {RATIO}");
    Ok(figures)
}

fn read(text: &str) -> anyhow::Result<Vec<Figure>> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| {
            let value = value.trim().parse().with_context(|| format!("{name} is {value:?}, no number"))?;
            Ok(match name {
                RATIO => Figure::budgeted(words(name), value, "ratio", Budget::Least(INGEST_RATIO_LEAST)),
                _ if name.ends_with("_per_second") => {
                    Figure::printed(words(name.trim_end_matches("_per_second")), value, "1/s")
                }
                _ if name.ends_with("_seconds") => {
                    Figure::printed(words(name.trim_end_matches("_seconds")), value, "s")
                }
                _ => Figure::printed(words(name), value, "count"),
            })
        })
        .collect()
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_gates_and_rates_are_printed() {
        let figures = read("bare_inserts_per_second=16000\nstore_ingest_ratio=0.59\n").unwrap();
        assert_eq!((figures[0].unit.as_str(), figures[0].holds), ("1/s", true));
        assert_eq!((figures[1].unit.as_str(), figures[1].holds), ("ratio", false));
        assert!(read("store_ingest_ratio=0.60").unwrap()[0].holds);
        assert!(read("store_ingest_ratio=fast").is_err());
    }
}
