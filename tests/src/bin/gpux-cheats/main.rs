//! `gpux-cheats`: the table of `make cheats`. Exit codes: 0 every row is inside its column, 1 one is not, or the run
//! failed, 64 usage.

use clap::Parser;
use gpux_tests::{
    cheats::{self, Judged, Options},
    output,
};
use std::process::ExitCode;

/// Plays every cheating prover, and every fisher who frames an honest node, many times under a virtual clock, and says
/// what the fisher's own verifier made of them.
#[derive(Debug, Parser)]
#[command(name = "gpux-cheats", version)]
struct Arguments {
    /// How often each row is played.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    runs: u64,
    /// What decides every seed, draw and choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only rows whose name contains this.
    #[arg(long, default_value_t)]
    only: String,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let options = Options { runs: arguments.runs, seed: arguments.seed, only: arguments.only };
    match cheats::play(&options, |row| output::progress(&format!("{}: {} passed", row.name, row.passes))) {
        Ok(rows) => show(&rows, &options),
        Err(error) => {
            output::problem(format!("gpux-cheats: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn show(rows: &[Judged], options: &Options) -> ExitCode {
    let cells = |row: &Judged| {
        vec![
            row.name.to_owned(),
            row.caught.chars().take(CAUGHT_MAX).collect(),
            row.passes.to_string(),
            row.allowed.clone(),
            row.gain.map_or_else(|| "-".to_owned(), |gain| format!("{gain:.2}")),
            if row.holds { "ok" } else { "NOT" }.to_owned(),
        ]
    };
    let passes = format!("passes of {}", options.runs);
    let header = ["cheat", "caught by (most often)", &passes, "allowed", "gain", ""];
    output::table(&header, &rows.iter().map(cells).collect::<Vec<_>>());
    let outside = rows.iter().filter(|row| !row.holds).count();
    output::line(format!("{} rows, {outside} outside their column (seed {})", rows.len(), options.seed));
    if outside == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The longest reason that is shown, in characters.
const CAUGHT_MAX: usize = 96;
