//! `gpux-simulate`: what `make simulate` prints. Exit codes: 0 every promise holds, 1 failed, 2 one does not, 64 usage.

use clap::Parser;
use gpux_tests::{output, simulate};
use std::process::ExitCode;

/// Tries the method's promises on simulated markets, beside what others grade by. One seed prints the same bytes.
#[derive(Debug, Parser)]
#[command(name = "gpux-simulate", version)]
struct Arguments {
    /// Decides every random number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A small market and short paths.
    #[arg(long)]
    quick: bool,
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
    let options = simulate::Options { seed: arguments.seed, quick: arguments.quick };
    match simulate::run(&options, &mut |part| output::line(part)) {
        Ok(report) => {
            if report.promises.iter().all(simulate::Promise::holds) {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            }
        }
        Err(error) => {
            output::problem(format!("gpux-simulate: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
