//! What verification costs on this machine, at production size.
//!
//! Runs the verifier's own functions on one thread over fresh keys and times them; `make bench` prints the figures and
//! holds the budget. The only place here, beside simulated cards, that reads a clock.

use std::time::{Duration, Instant};

use crate::device::cpu::CpuDevice;
use crate::device::{self, Device};
use crate::key::Key;
use crate::measure;
use crate::probe::{Parameters, ProbeId, Shape};
use crate::vram::{self, Fill};
use crate::{fma64, imma};

/// The budget of verifying a session of one card on one core.
pub const BUDGET: Duration = Duration::from_millis(1_500);

const TILES: u32 = 90;
const SEGMENTS: u32 = 64;
const LANES: u32 = 64;

/// Seconds on one core.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// 90 tiles of 128 x 128 at k = 8,192 in 90 different rounds, operands regenerated.
    pub imma: Duration,
    /// 64 segments of 4,096 steps at hard = 128 over 24 GiB.
    pub vram: Duration,
    /// 64 lanes of 65,536 steps.
    pub fma64: Duration,
}

impl Figures {
    /// Returns what the budget is about: tiles and segments.
    pub fn budgeted(&self) -> Duration {
        self.imma + self.vram
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let from = Instant::now();
    std::hint::black_box(work());
    from.elapsed()
}

fn items(count: u32, units: u32) -> Vec<(Key, u32)> {
    // Units far apart, each in a round of its own: nothing is shared between them.
    let unit = |at: u32| at.wrapping_mul(0x9E37_79B9) % units;
    (0..count).map(|at| (Key::first(&[42; 32], at), unit(at))).collect()
}

/// Measures on the calling thread.
pub fn verification_cost() -> Figures {
    let product = imma::Product { n: 8_192, k: 8_192, tile: 128 };
    let fill = Fill { key: Key::fill(&[43; 32], 0), hard: 128, cells: (24 << 30) / vram::CELL_BYTES as u64 };
    Figures {
        imma: timed(|| product.leaves(&items(TILES, product.units()))),
        vram: timed(|| vram::leaves(&fill, fill.cells, &items(SEGMENTS, SEGMENTS), (SEGMENTS, 4_096))),
        fma64: timed(|| fma64::leaves(&items(LANES, LANES), LANES, 65_536)),
    }
}

/// Measures the fp64 rate, in floating-point operations a second, that the `cpu` device reaches on `threads` threads.
pub fn cpu_rate(threads: usize) -> Result<f64, device::Error> {
    let shape = Shape::Fma64 { lanes: 512, steps: 1 << 15 };
    let parameters = Parameters { probe: ProbeId::Cpu, shape, scale: 1 };
    let mut device = CpuDevice::new(threads);
    device.prepare(&parameters, &Key::fill(&[44; 32], 0))?;
    let mut key = Key::first(&[45; 32], 0);
    let rounds = 8u32;
    let from = Instant::now();
    for _ in 0..rounds {
        key = key.next(&device.round(&key)?);
    }
    Ok(measure::rate(u128::from(rounds) * parameters.work_per_round(), from.elapsed()))
}
