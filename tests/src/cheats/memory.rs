//! Provers whose memory is not where, or not as large, as they say: `vram` on the paced model's time.
//!
//! A walker waits for each of its reads, and a round ends with its last walker, since the next round's key hangs on all of
//! them. Constants are those of the production plan and of docs/method/probes.md; the reduced walk of the development plan
//! gives the bits, this model the time.

use std::time::Duration;

use gpux_kernels::{
    Digest, ProbeId,
    plan::{Market, plan},
    probe::Shape,
};
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::{
    prover::{Prover, Round},
    random::Random,
    stage::Claim,
    table::{Column, Row},
    walk::{CELL_BYTES, Walk},
    worker::Work,
};

/// Reads that recomputing a cell of hard = 128 takes (design: about ten).
const RECOMPUTED_READS: f64 = 10.0;
/// Reads that fetching a cell from the host's memory takes (docs/method/probes.md: about three).
const FETCHED_READS: f64 = 3.0;
/// Walkers of a warp: the released kernel waits for the slowest of them at each read.
const WARP: i32 = 32;
/// How much the rate must fall short at least.
const SHORT: f64 = 0.25;

pub(super) fn rows() -> Vec<Row> {
    let vram = Claim::of(ProbeId::Vram);
    let absent = |name, column, (share, reads), kernel| {
        Row::prover(name, vram, column, move |seed| Absent { share, reads, kernel, random: Random::new(seed, "walks") })
    };
    vec![
        absent("recomputes 3 % of the fill", Column::Short(SHORT), (0.03, RECOMPUTED_READS), Kernel::AWarpEach),
        absent("keeps 10 % in host memory", Column::Short(SHORT), (0.1, FETCHED_READS), Kernel::Released),
        // A kernel of the host's own escapes the 25 %: what remains is stated.
        absent("the same, a warp for each walker", Column::Stated(0.82), (0.1, FETCHED_READS), Kernel::AWarpEach),
        Row::prover("fills less and wraps addresses", vram, Column::None, |_| Wraps { share: 0.1 }),
    ]
}

/// Who walks.
#[derive(Debug, Clone, Copy)]
enum Kernel {
    /// The worker's own, a walker a lane.
    Released,
    /// The host's own, a walker a warp: no walker waits for another one's reads.
    AWarpEach,
}

/// Answers right, and reads a share of the cells at a higher price.
#[derive(Debug)]
struct Absent {
    share: f64,
    /// The price of an absent cell in reads.
    reads: f64,
    kernel: Kernel,
    random: Random,
}

impl Absent {
    /// How many times longer than an honest one a round takes.
    fn slowdown(&mut self) -> f64 {
        let Some(Shape::Walk { walkers, steps, .. }) =
            plan(ProbeId::Vram, Market::Production).map(|plan| plan.parameters.shape)
        else {
            return 1.0;
        };
        let (waits, waiting) = match self.kernel {
            Kernel::Released => (1.0 - (1.0 - self.share).powi(WARP), f64::from(walkers) / f64::from(WARP)),
            Kernel::AWarpEach => (self.share, f64::from(walkers)),
        };
        // The most waits of `waiting` alike: below x if all are, so its quantile is the root of one's. Among 4,096 steps the
        // number of waits is normal.
        let quantile = self.random.share().powf(1.0 / waiting);
        let deviation = (waits * (1.0 - waits) / f64::from(steps)).sqrt();
        let most = Normal::new(waits, deviation).map_or(waits, |waits| waits.inverse_cdf(quantile));
        1.0 + most * (self.reads - 1.0)
    }
}

impl Prover for Absent {
    fn length(&mut self, honest: Duration) -> Duration {
        honest.mul_f64(self.slowdown())
    }
}

/// Fills a share less than it says, and reads what is missing from the beginning again: fast, and wrong.
#[derive(Debug)]
struct Wraps {
    share: f64,
}

impl Prover for Wraps {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let walk = Walk::new(work, round);
        let held = (walk.cells as f64 * (1.0 - self.share)) as u64;
        walk.leaves(|index| index % held.max(1), CELL_BYTES)
    }
}
