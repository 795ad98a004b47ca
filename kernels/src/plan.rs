//! What a session asks of a node, by probe and market: sizes, windows, openings, deadlines.
//!
//! Owns the numbers that fisher, oracle and verifier must agree on; never measures. Invariant: every plan's parameters
//! pass their own envelope, and a production plan is timed for at least 8 s over at least 3 windows and 40 round trips.

use std::time::Duration;

use crate::probe::{Parameters, ProbeId, Shape};

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// Short windows, small rounds, simulated devices allowed; labelled "development parameters" wherever it shows.
    Development,
    /// Full sizes on real hardware.
    Production,
}

/// How long a fisher waits for each of the node's answers before the session has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From HELLO to OPEN, the upload included.
    pub open: Duration,
    /// From Prepare to Ready: contexts, warm-up, filling memory.
    pub prepare: Duration,
    /// From a Ping to its Pong.
    pub pong: Duration,
    /// From Finish to ROOT and the signature over it.
    pub root: Duration,
    /// From Reveal to the last opening.
    pub openings: Duration,
}

/// A session for one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The probe.
    pub probe: ProbeId,
    /// What a round computes.
    pub parameters: Parameters,
    /// Timed windows.
    pub windows: u32,
    /// The length of a window.
    pub window: Duration,
    /// Round trips of a window, the last one included.
    pub pings: u32,
    /// Units that are drawn and opened.
    pub openings: u32,
    /// The limits of each wait.
    pub deadlines: Deadlines,
}

impl Plan {
    /// How much of a rental is paid back to a fisher who was assigned the session: its windows, and a quarter of the limits of
    /// the other waits. What he really paid stands in no public entry, and paying for the time that he chooses to take would
    /// reward the slow.
    #[must_use]
    pub fn refunded(&self) -> Duration {
        let Deadlines { open, prepare, root, openings, pong: _ } = self.deadlines;
        self.window * self.windows + (open + prepare + root + openings) / 4
    }
}

/// Windows of a session: the fewest of which a median means something.
pub const WINDOWS: u32 = 3;
/// Round trips of a window; three windows give 42, above the 40 that a session needs.
pub const PINGS: u32 = 14;

/// Units that are drawn: a share of 5 % skipped is found with 1 - 0.95^90 = 99.0 %, one of 10 % with 99.99 %.
pub const OPENINGS: u32 = 90;

/// Returns the session that measures `probe`, or `None` for a probe that this version cannot run.
pub fn plan(probe: ProbeId, market: Market) -> Option<Plan> {
    let parameters = match market {
        Market::Development => development(probe)?,
        Market::Production => production(probe)?,
    };
    let seconds = Duration::from_secs;
    let (window, deadlines) = match market {
        Market::Development => (
            Duration::from_millis(500),
            Deadlines {
                open: seconds(10),
                prepare: seconds(20),
                pong: seconds(2),
                root: seconds(3),
                openings: seconds(10),
            },
        ),
        // 3 s: a round trip of 150 ms to the far side of the earth costs an honest node 5 % of a window at most.
        Market::Production => (
            seconds(3),
            Deadlines {
                open: seconds(120),
                prepare: seconds(120),
                pong: seconds(10),
                root: seconds(15),
                openings: seconds(120),
            },
        ),
    };
    Some(Plan { probe, parameters, windows: WINDOWS, window, pings: PINGS, openings: OPENINGS, deadlines })
}

/// Sizes by two rules: a session's rounds over eight of the fastest cards stay below its most (65,536), and a round of the
/// slowest card ends long before a pong's deadline.
fn production(probe: ProbeId) -> Option<Parameters> {
    let shape = match probe {
        // 2.2e12 operations: eight cards of 1e15 a second make 33,000 rounds in 9 s; one of 1e14 makes 136 in a window.
        // Operands are 64 MiB each; making them is 2 % of a round, since the product grows with n squared.
        ProbeId::Imma => Shape::Product { n: 16_384, k: 4_096, tile: 128 },
        // 1.1e12: eight cards of 5e14 make 33,000; half the depth of `imma`, so that both are verified within the budget.
        ProbeId::Hmma => Shape::Product { n: 16_384, k: 2_048, tile: 128 },
        // 2.7e11: eight cards of 8e13 make 21,000, one of 4e12 makes 48 in a window.
        ProbeId::Fma32 => Shape::Chains { lanes: 1 << 19, steps: 1 << 14 },
        // 6.9e10: eight cards of 3.4e13 make 36,000, one of 1.4e11 needs half a second for a round.
        ProbeId::Fma64 => Shape::Chains { lanes: 1 << 18, steps: 1 << 14 },
        // 5.5e11.
        ProbeId::Dp4a => Shape::Chains { lanes: 1 << 18, steps: 1 << 14 },
        // 5.4e9: 128 cores of 1e11 make 21,000, one core of 4e9 makes one in 1.3 s. Shorter chains would measure how lanes are
        // begun and hashed as well: 15 % of the time at 2^14 steps, 4 % at 2^16. A multiple of 16 and 20 lanes on 64 threads.
        ProbeId::Cpu => Shape::Chains { lanes: 5_120, steps: 1 << 16 },
        ProbeId::Vram => Shape::Walk { cells: 0, walkers: 1_024, steps: 4_096, hard: 128 },
        ProbeId::Ram => Shape::Walk { cells: 0, walkers: 64, steps: 4_096, hard: 128 },
        // A pass over all memory takes some 50 ms on every card: bandwidth grows with size.
        ProbeId::Stream => Shape::Pass { blocks: 0 },
        // 64 MiB both ways, 4 ms on PCIe 4.0 x16, and 1 ms of alternations where the card is in the host.
        ProbeId::Link => Shape::Link { blocks: 1_024, trips: 64 },
        // 4 GiB: written within the deadline by a disk of 40 MB a second.
        ProbeId::Disk => Shape::Pages { pages: 1 << 20, walkers: 32, steps: 64 },
        ProbeId::Net => return None,
    };
    Some(Parameters { probe, shape, scale: 1 })
}

/// Simulated GPUs compute a small round that stands for `scale` times the work, so that a few of them fit on one machine;
/// the scales give tens to a few hundred rounds a second for cards of the catalogue. The host's own cores and memory
/// are real: scale 1, with sizes that one machine can host beside the rest of the market.
fn development(probe: ProbeId) -> Option<Parameters> {
    let (shape, scale) = match probe {
        ProbeId::Imma => (Shape::Product { n: 64, k: 64, tile: 16 }, 4_000_000),
        ProbeId::Hmma => (Shape::Product { n: 64, k: 64, tile: 16 }, 1_000_000),
        ProbeId::Fma32 => (Shape::Chains { lanes: 32, steps: 256 }, 1_000_000),
        ProbeId::Fma64 => (Shape::Chains { lanes: 32, steps: 256 }, 32_768),
        ProbeId::Dp4a => (Shape::Chains { lanes: 32, steps: 256 }, 500_000),
        ProbeId::Vram => (Shape::Walk { cells: 0, walkers: 16, steps: 4, hard: 16 }, 4_096),
        ProbeId::Stream => (Shape::Pass { blocks: 0 }, 16_384),
        ProbeId::Link => (Shape::Link { blocks: 4, trips: 8 }, 1_024),
        ProbeId::Cpu => (Shape::Chains { lanes: 512, steps: 1 << 15 }, 1),
        ProbeId::Ram => (Shape::Walk { cells: (128 << 20) / 64, walkers: 64, steps: 4_096, hard: 32 }, 1),
        ProbeId::Disk => (Shape::Pages { pages: (64 << 20) / 4_096, walkers: 8, steps: 16 }, 1),
        ProbeId::Net => return None,
    };
    Some(Parameters { probe, shape, scale })
}

/// Returns the probes that fishers draw in a market. Not `disk`, since no descriptor claims a speed of it. A development market on one small machine draws fewer, so that each
/// resource is probed often within minutes; the others have plans there all the same.
pub fn drawn(market: Market) -> &'static [ProbeId] {
    const PRODUCTION: [ProbeId; 10] = [
        ProbeId::Imma,
        ProbeId::Hmma,
        ProbeId::Fma32,
        ProbeId::Fma64,
        ProbeId::Dp4a,
        ProbeId::Vram,
        ProbeId::Stream,
        ProbeId::Link,
        ProbeId::Cpu,
        ProbeId::Ram,
    ];
    const DEVELOPMENT: [ProbeId; 5] = [ProbeId::Imma, ProbeId::Fma64, ProbeId::Vram, ProbeId::Cpu, ProbeId::Ram];
    match market {
        Market::Production => &PRODUCTION,
        Market::Development => &DEVELOPMENT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_stay_inside_their_own_envelope() {
        for market in [Market::Development, Market::Production] {
            let plans: Vec<Plan> = ProbeId::ALL.into_iter().filter_map(|probe| plan(probe, market)).collect();
            assert_eq!(plans.len(), 11);
            assert!(drawn(market).iter().all(|probe| plan(*probe, market).is_some()));
            for plan in plans {
                plan.parameters.validate().unwrap();
                assert_eq!(plan.parameters.probe, plan.probe);
                assert!(plan.windows >= 3 && plan.windows * plan.pings >= 40 && plan.openings >= 90);
                if market == Market::Production {
                    assert_eq!(plan.parameters.scale, 1);
                    assert!(plan.window * plan.windows >= Duration::from_secs(8));
                }
            }
        }
    }
}
