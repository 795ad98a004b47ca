//! gpux-prober: the fisher's program.
use std::process::ExitCode;

fn main() -> ExitCode {
    gpux_prober::cli::main()
}
