//! The cheating provers behind `make cheats`, and the fishers who frame honest nodes: each row of the table in
//! docs/method/cheats.md, many times, in one process under a virtual clock.
//!
//! A prover answers the fisher's own session code (`gpux_prober::session`) as a function call; the fisher's own judge
//! (`gpux_prober::report`, which examines the bundle as verify-evidence does) says what passes. The harness counts, and never
//! asks who cheats. Invariant: a seed decides everything, so that a table can be printed again.

mod cards;
mod clocks;
mod framer;
mod framing;
mod host;
mod invented;
mod memory;
mod openings;
mod product;
mod prover;
mod random;
mod stage;
mod table;
mod tiles;
mod transcripts;
mod units;
mod walk;
mod worker;
mod world;

use gpux_kernels::ProbeId;

pub use table::Judged;

use prover::Honest;
use stage::Claim;
use table::{Column, Row};

/// What is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs of each row.
    pub runs: u64,
    /// What decides everything.
    pub seed: u64,
    /// Rows whose name contains this; all of them when empty.
    pub only: String,
}

fn rows() -> Vec<Row> {
    let honest = |name, probe| Row::prover(name, Claim::of(probe), Column::All, |_| Honest);
    let mut rows = vec![
        honest("honest", ProbeId::Imma),
        honest("honest, fp16", ProbeId::Hmma),
        honest("honest, memory", ProbeId::Vram),
        honest("honest, bandwidth", ProbeId::Stream),
    ];
    rows.extend(tiles::rows());
    rows.extend(openings::rows());
    rows.extend(transcripts::rows());
    rows.extend(clocks::rows());
    rows.extend(cards::rows());
    rows.extend(memory::rows());
    rows.extend(units::rows());
    rows.extend(framing::rows());
    rows.extend(invented::rows());
    rows
}

/// Plays all chosen rows; `done` hears each as soon as it is finished.
pub fn play(options: &Options, done: impl FnMut(&Judged)) -> anyhow::Result<Vec<Judged>> {
    let mut rows = rows();
    rows.retain(|row| row.name().contains(&options.only));
    anyhow::ensure!(!rows.is_empty(), "no row's name contains {:?}", options.only);
    table::play(&rows, options.runs, options.seed, done)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of each row in the tests: enough that what always fails does, and what seldom passes may.
    const RUNS: u64 = 24;

    #[test]
    fn every_row_keeps_its_column() {
        let options = Options { runs: RUNS, seed: 1, only: String::new() };
        let judged = play(&options, |_| {}).unwrap();
        let outside: Vec<_> = judged.iter().filter(|row| !row.holds).collect();
        assert!(outside.is_empty(), "{outside:#?}");
        // Whoever is caught is told where and why.
        assert!(judged.iter().all(|row| row.passes == RUNS || row.caught.contains(": ")), "{judged:#?}");
    }

    #[test]
    fn a_seed_decides_everything() {
        let options = Options { runs: 4, seed: 7, only: "skips 5 %".into() };
        assert_eq!(play(&options, |_| {}).unwrap(), play(&options, |_| {}).unwrap());
        assert!(play(&Options { only: "no such row".into(), ..options }, |_| {}).is_err());
    }
}
