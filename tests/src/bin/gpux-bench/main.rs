//! `gpux-bench`: the figures of `make bench`. Exit codes: 0 every budget holds, 1 failed, 2 one does not, 64 usage.

use clap::Parser;
use gpux_tests::{bench, binaries::Binaries, figures, output};
use std::process::ExitCode;

/// Measures what the design has budgets for, prints a table and writes target/figures/bench.json.
#[derive(Debug, Parser)]
#[command(name = "gpux-bench", version)]
struct Arguments {}

fn main() -> ExitCode {
    if let Err(error) = Arguments::try_parse() {
        let code = if error.use_stderr() { 64 } else { 0 };
        let _ = error.print();
        return ExitCode::from(code);
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            output::problem(format!("gpux-bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<bool> {
    let binaries = Binaries::beside_this_program()?;
    let mut figures = bench::verification::figures();
    figures.extend(bench::probes::figures()?);
    figures.extend(bench::store::figures(&binaries)?);
    figures::print(&figures);
    figures::write(&figures::path(binaries.target(), "bench"), &figures)?;
    Ok(figures::all_hold(&figures))
}
