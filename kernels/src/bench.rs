//! What verification costs on this machine, at production size, and how near the host's probes come to what it can do.
//!
//! Runs the verifier's own functions on one thread over fresh keys and times them, and the `cpu` device beside the fastest loops
//! that we can write; `make bench` prints the figures and holds the budgets. The only place here, beside simulated cards, that
//! reads a clock.

mod fma;
mod reads;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::device::cpu::CpuDevice;
use crate::device::{self, Device};
use crate::draw::draw;
use crate::key::Key;
use crate::measure;
use crate::merkle;
use crate::plan::{Market, OPENINGS, plan};
use crate::probe::{Parameters, ProbeId, Shape};
use crate::session::{self, Claimed};
use crate::vram;

/// The budget of verifying a session of one card on one core, all of its probes together.
pub const BUDGET: Duration = Duration::from_millis(1_500);

/// The probes of a card with tensor cores; `dp4a` is for cards without.
pub const CARD: [ProbeId; 7] =
    [ProbeId::Imma, ProbeId::Hmma, ProbeId::Fma32, ProbeId::Fma64, ProbeId::Vram, ProbeId::Stream, ProbeId::Link];

/// Rounds of each of three windows: 60 make the 180 passes over memory that a card makes in 9 s; for other probes their
/// number does not matter, as long as nearly every drawn unit is in a round of its own.
const ROUNDS: u32 = 60;
/// The memory of a card of 24 GB.
const MEMORY_BYTES: u64 = 24 << 30;

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let from = Instant::now();
    std::hint::black_box(work());
    from.elapsed()
}

/// Measures what recomputing the drawn units of a production session costs on the calling thread; `None` for a probe
/// without a plan.
pub fn verification_cost(probe: ProbeId) -> Option<Duration> {
    let parameters = plan(probe, Market::Production)?.parameters;
    let rounds = vec![vec![ROUNDS]; 3];
    // Roots that nobody computed: what is drawn is recomputed all the same.
    let round_roots: Vec<_> = (0..3 * ROUNDS).map(|round| merkle::unit_leaf(round, 3 * ROUNDS, b"root")).collect();
    let claimed = Claimed {
        parameters,
        seeds: vec![[41; 32], [42; 32], [43; 32]],
        fill_seed: [44; 32],
        cells: vec![parameters.cells_for(MEMORY_BYTES)],
        rounds,
        root: merkle::session_root(&round_roots),
        round_roots,
    };
    let drawn = draw(&[45; 32], &claimed.root, claimed.units(), OPENINGS);
    let places: Vec<_> = drawn.iter().filter_map(|unit| claimed.place(*unit)).collect();
    Some(timed(|| session::recompute(&claimed, &places)))
}

/// Measures the fp64 rate, in floating-point operations a second, that the `cpu` device reaches on `threads` threads.
pub fn cpu_rate(threads: usize) -> Result<f64, device::Error> {
    let shape = Shape::Chains { lanes: 512, steps: 1 << 15 };
    let parameters = Parameters { probe: ProbeId::Cpu, shape, scale: 1 };
    let mut device = CpuDevice::new(threads);
    device.prepare(&parameters, &Key::fill(&[44; 32], 0))?;
    let mut key = Key::first(&[45; 32], 0);
    let rounds = 8u32;
    let from = Instant::now();
    for _ in 0..rounds {
        key = key.next(&device.round(&key)?);
    }
    Ok(measure::rate(u128::from(rounds) * parameters.work_per_round(0), from.elapsed()))
}

/// What a device reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// Work units a second.
    pub rate: f64,
    /// Cells that it held.
    pub cells: u64,
}

/// Measures the rate that a device reaches in a chain of rounds which takes at least `window`, after one that warms it up.
pub fn device_rate(
    device: &mut dyn Device,
    parameters: &Parameters,
    window: Duration,
) -> Result<Reached, device::Error> {
    let cells = device.prepare(parameters, &Key::fill(&[44; 32], 0))?.cells;
    device.round(&Key::warm_up(&[44; 32], 0))?;
    let mut key = Key::first(&[45; 32], 0);
    let mut rounds = 0u128;
    let from = Instant::now();
    while from.elapsed() < window {
        key = key.next(&device.round(&key)?);
        rounds += 1;
    }
    Ok(Reached { rate: measure::rate(rounds * parameters.work_per_round(cells), from.elapsed()), cells })
}

/// A probe's rate and that of the plain loop, turn by turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beside {
    /// The probe's rates, in its unit a second.
    pub probe: Vec<f64>,
    /// The plain loop's.
    pub plain: Vec<f64>,
}

impl Beside {
    /// The median rate of either.
    pub fn medians(&self) -> [f64; 2] {
        [&self.probe, &self.plain].map(|rates| measure::median(rates).unwrap_or_default())
    }

    /// The median of each turn's ratio: what slows the machine for a while slows both loops of a turn.
    pub fn ratio(&self) -> f64 {
        let ratios: Vec<f64> = self.probe.iter().zip(&self.plain).map(|(probe, plain)| probe / plain).collect();
        measure::median(&ratios).unwrap_or_default()
    }
}

/// How long each loop runs in a turn, at least.
const TURN: Duration = Duration::from_millis(250);

/// Repeats `work`, which returns what it did, until a turn is over.
fn rate_of(mut work: impl FnMut() -> Result<u128, device::Error>) -> Result<f64, device::Error> {
    let (from, mut done) = (Instant::now(), 0);
    while from.elapsed() < TURN {
        done += work()?;
    }
    Ok(measure::rate(done, from.elapsed()))
}

/// Runs the rounds of a probe's production plan and a plain loop in turns.
fn beside(
    device: &mut CpuDevice,
    parameters: &Parameters,
    turns: usize,
    plain: impl Fn() -> u128,
) -> Result<Beside, device::Error> {
    let cells = device.prepare(parameters, &Key::fill(&[44; 32], 0))?.cells;
    let mut key = Key::first(&[45; 32], 0);
    // One round and one loop that nobody sees.
    device.round(&key)?;
    plain();
    let mut rates = Beside::default();
    for _ in 0..turns {
        rates.probe.push(rate_of(|| {
            key = key.next(&device.round(&key)?);
            Ok(parameters.work_per_round(cells))
        })?);
        rates.plain.push(rate_of(|| Ok(plain()))?);
    }
    Ok(rates)
}

/// Runs a loop on every thread at once.
fn on_all(threads: usize, work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let work = &work;
            scope.spawn(move || work(thread));
        }
    });
}

/// Compares the `cpu` probe by its production plan with the fastest loop of multiply-adds, in floating-point operations a
/// second; `None` without a plan.
pub fn cpu_beside_fma(threads: usize, turns: usize) -> Option<Result<Beside, device::Error>> {
    let parameters = plan(ProbeId::Cpu, Market::Production)?.parameters;
    Some(beside(&mut CpuDevice::new(threads), &parameters, turns, || {
        let done = AtomicU64::new(0);
        on_all(threads, |_| {
            done.fetch_add(fma::turn(), Ordering::Relaxed);
        });
        done.into_inner().into()
    }))
}

/// Compares the `ram` probe with a plain walk over as much memory, both with eight walks a thread, in reads a second of all
/// walks together.
pub fn ram_beside_reads(threads: usize, bytes: u64, turns: usize) -> Result<Beside, device::Error> {
    const READS: u32 = 1 << 12;
    // Every thread has walks for a few turns of eight.
    let walkers = (threads * 4 * vram::TOGETHER) as u32;
    // A fill of the least cost: what is walked over is the same.
    let shape = Shape::Walk { cells: 0, walkers, steps: READS, hard: crate::probe::HARD_MIN };
    let parameters = Parameters { probe: ProbeId::Ram, shape, scale: 1 };
    let lines = reads::Lines::new(bytes);
    let mut device = CpuDevice::new(threads).with_usable_bytes(bytes);
    let mut rates = beside(&mut device, &parameters, turns, || {
        on_all(threads, |thread| lines.walk(thread, READS));
        u128::from(READS) * (threads * vram::TOGETHER) as u128
    })?;
    // The probe counts the length of the walk, whatever the number of walkers.
    rates.probe.iter_mut().for_each(|rate| *rate *= f64::from(walkers));
    Ok(rates)
}
