//! What this machine reaches with the probes' own code, so that a provider can claim it. A claim is a third of what was
//! measured: a machine that does other things meanwhile still delivers it. Never used to judge anybody.
use anyhow::{Context as _, Result};
use gpux_kernels::{
    Key, Parameters, ProbeId, Shape,
    device::{Device as _, cpu::CpuDevice},
    plan::{Market, plan},
};
use gpux_proto::evidence::Host;
use std::time::{Duration, Instant};

/// What is claimed of the main memory.
const RAM_BYTES: u64 = 128 << 20;
const CELL_BYTES: u64 = 64;
/// How long each probe runs, at least.
const LENGTH: Duration = Duration::from_secs(1);
/// Claimed of what was measured.
const MARGIN: u64 = 3;

/// Measures cores and memory for a few seconds; blocks.
pub(crate) fn host(market: Market) -> Result<Host> {
    let threads = std::thread::available_parallelism().context("the number of threads")?.get();
    let fp64 = rate(parameters(ProbeId::Cpu, market)?, threads)?;
    let reads = rate(parameters(ProbeId::Ram, market)?, threads)?;
    tracing::info!(threads, fp64_flops = fp64, ram_reads = reads, "measured this machine");
    Ok(Host {
        threads: u32::try_from(threads).unwrap_or(u32::MAX),
        fp64_flops: fp64 / MARGIN,
        ram_bytes: RAM_BYTES,
        ram_reads: reads / MARGIN,
        ..Host::default()
    })
}

fn parameters(probe: ProbeId, market: Market) -> Result<Parameters> {
    let mut parameters = plan(probe, market).context("no plan for a probe of the host")?.parameters;
    if let Shape::Walk { cells, .. } = &mut parameters.shape {
        *cells = RAM_BYTES / CELL_BYTES;
    }
    Ok(parameters)
}

/// Runs rounds as a job would and returns work units a second.
fn rate(parameters: Parameters, threads: usize) -> Result<u64> {
    let seed = [0; 32];
    let mut device = CpuDevice::new(threads);
    device.prepare(&parameters, &Key::fill(&seed, 0))?;
    let mut key = Key::first(&seed, 0);
    key = key.next(&device.round(&key)?);
    let (start, mut rounds) = (Instant::now(), 0u128);
    while start.elapsed() < LENGTH {
        key = key.next(&device.round(&key)?);
        rounds += 1;
    }
    Ok(gpux_kernels::measure::rate(rounds * parameters.work_per_round(0), start.elapsed()) as u64)
}
