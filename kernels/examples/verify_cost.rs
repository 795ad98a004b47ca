//! Prints what verification costs on this machine: `cargo run -p gpux-kernels --example verify_cost`.
#![allow(clippy::print_stdout)] // An example prints.

use std::time::Duration;

use gpux_kernels::{ProbeId, bench};

fn main() -> Result<(), gpux_kernels::device::Error> {
    let mut total = Duration::ZERO;
    for probe in bench::CARD.into_iter().chain([ProbeId::Dp4a]) {
        let cost = bench::verification_cost(probe).unwrap_or_default();
        println!("{probe:<7} 90 openings of a production session  {:>8.3} s", cost.as_secs_f64());
        total += if probe == ProbeId::Dp4a { Duration::ZERO } else { cost };
    }
    println!("a card  {:.3} s of {:.1} s", total.as_secs_f64(), bench::BUDGET.as_secs_f64());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, threads] {
        println!("cpu device, {threads} threads: {:.1} fp64 GFLOP/s", bench::cpu_rate(threads)? / 1e9);
    }
    Ok(())
}
