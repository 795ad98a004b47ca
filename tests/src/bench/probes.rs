//! How near the host's probes come to the machine: an honest host is scored by what our kernels reach, so they must reach what a
//! tenant's best loop would.

use crate::figures::{Budget, Figure};
use anyhow::Context as _;
use gpux_kernels::bench::{Beside, cpu_beside_fma, ram_beside_reads};

/// The least share of a plain loop's rate that a probe reaches.
const LEAST: f64 = 0.85;
/// Turns of both loops; an odd number has a middle.
const TURNS: usize = 9;
/// Memory that is walked over, twice: far more than a core's caches, and there is as much on any machine that builds this.
const MEMORY_BYTES: u64 = 2 << 30;

/// Measures on all threads of this machine, probe and plain loop in turns.
pub fn figures() -> anyhow::Result<Vec<Figure>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpu = cpu_beside_fma(threads, TURNS).context("the cpu probe has no plan")??;
    let mut figures = of("cpu", "multiply-adds", "flop/s", &cpu);
    figures.extend(of("ram", "dependent reads", "reads/s", &ram_beside_reads(threads, MEMORY_BYTES, TURNS)?));
    Ok(figures)
}

fn of(probe: &str, loops: &str, unit: &str, beside: &Beside) -> Vec<Figure> {
    let [reached, plain] = beside.medians();
    vec![
        Figure::printed(format!("{probe} probe"), reached, unit),
        Figure::printed(format!("plain loop of {loops}"), plain, unit),
        Figure::budgeted(format!("{probe} probe over the plain loop"), beside.ratio(), "ratio", Budget::Least(LEAST)),
    ]
}
