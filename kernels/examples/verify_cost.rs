//! Prints what verification costs on this machine: `cargo run -p gpux-kernels --example verify_cost`.
#![allow(clippy::print_stdout)] // An example prints.

fn main() -> Result<(), gpux_kernels::device::Error> {
    let figures = gpux_kernels::bench::verification_cost();
    println!("imma   90 tiles 128x128, k = 8192, operands regenerated  {:>8.3} s", figures.imma.as_secs_f64());
    println!("vram   64 segments of 4096 steps, hard = 128             {:>8.3} s", figures.vram.as_secs_f64());
    println!("fma64  64 lanes of 65536 steps                           {:>8.3} s", figures.fma64.as_secs_f64());
    let budget = gpux_kernels::bench::BUDGET;
    println!("imma + vram {:.3} s of {:.1} s", figures.budgeted().as_secs_f64(), budget.as_secs_f64());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, threads] {
        let gigaflops = gpux_kernels::bench::cpu_rate(threads)? / 1e9;
        println!("cpu device, {threads} threads: {gigaflops:.1} fp64 GFLOP/s");
    }
    Ok(())
}
