//! gpux-job: the worker that a fisher uploads to a rented node. No flags: it speaks on standard input and output, and finds a
//! simulated card, if there is one, on file descriptor 3. Exit code 0 after a whole session, 1 otherwise.
use std::{io, process::ExitCode};

fn main() -> ExitCode {
    // Standard output is line-buffered by default; every message is flushed by the worker.
    match gpux_prober::job::serve(io::stdin(), io::stdout().lock(), gpux_prober::job::choose) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
