//! What verification costs on this machine, at production size.
//!
//! Runs the verifier's own functions on one thread over fresh keys and times them; `make bench` prints the figures and
//! holds the budget. The only place here, beside simulated cards, that reads a clock.

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
