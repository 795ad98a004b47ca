//! What a session asks of a node, by probe and market: sizes, windows, openings, deadlines.
//!
//! Owns the numbers that fisher, oracle and verifier must agree on; never measures. Invariant: every plan's parameters
//! pass their own envelope, and a production plan is timed for at least 8 s over at least 3 windows and 40 round trips.

use std::time::Duration;

use crate::probe::{Parameters, ProbeId, Shape};

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// Short windows, few openings, simulated devices allowed; labelled "development parameters" wherever it shows.
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

/// Windows of a session: the fewest of which a median means something.
pub const WINDOWS: u32 = 3;
/// Round trips of a window; three windows give 42, above the 40 that a session needs.
pub const PINGS: u32 = 14;

/// Returns the session that measures `probe`, or `None` for a probe that this version cannot run.
pub fn plan(probe: ProbeId, market: Market) -> Option<Plan> {
    let parameters = match market {
        Market::Development => development(probe)?,
        Market::Production => production(probe)?,
    };
    let seconds = Duration::from_secs;
    let (window, openings, deadlines) = match market {
        Market::Development => (
            Duration::from_millis(500),
            24,
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
            90,
            Deadlines {
                open: seconds(120),
                prepare: seconds(120),
                pong: seconds(10),
                root: seconds(15),
                openings: seconds(120),
            },
        ),
    };
    Some(Plan { probe, parameters, windows: WINDOWS, window, pings: PINGS, openings, deadlines })
}

fn production(probe: ProbeId) -> Option<Parameters> {
    let shape = match probe {
        // 1.1e12 operations: 9 s of the fastest cards (2e15 a second) are 16,000 rounds, far below a session's most; the
        // slowest with tensor cores (1e14) still make 270 in a window.
        ProbeId::Imma => Shape::Imma { n: 8_192, k: 8_192, tile: 128 },
        ProbeId::Fma64 => Shape::Fma64 { lanes: 1 << 16, steps: 1 << 14 },
        ProbeId::Cpu => Shape::Fma64 { lanes: 4_096, steps: 1 << 14 },
        ProbeId::Vram => Shape::Vram { cells: 0, walkers: 1_024, steps: 4_096, hard: 128 },
        ProbeId::Ram => Shape::Vram { cells: 0, walkers: 64, steps: 4_096, hard: 128 },
        _ => return None,
    };
    Some(Parameters { probe, shape, scale: 1 })
}

/// Simulated GPUs compute a small round that stands for `scale` times the work, so that a few of them fit on one machine;
/// the scales give tens to a few hundred rounds a second for cards of the catalogue. The host's own cores and memory
/// are real: scale 1, with sizes that one machine can host beside the rest of the market.
fn development(probe: ProbeId) -> Option<Parameters> {
    let (shape, scale) = match probe {
        ProbeId::Imma => (Shape::Imma { n: 64, k: 64, tile: 16 }, 4_000_000),
        ProbeId::Fma64 => (Shape::Fma64 { lanes: 32, steps: 256 }, 32_768),
        ProbeId::Vram => (Shape::Vram { cells: 0, walkers: 16, steps: 4, hard: 16 }, 4_096),
        ProbeId::Cpu => (Shape::Fma64 { lanes: 512, steps: 1 << 15 }, 1),
        ProbeId::Ram => (Shape::Vram { cells: (128 << 20) / 64, walkers: 64, steps: 4_096, hard: 32 }, 1),
        _ => return None,
    };
    Some(Parameters { probe, shape, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_stay_inside_their_own_envelope() {
        for market in [Market::Development, Market::Production] {
            let plans: Vec<Plan> = ProbeId::ALL.into_iter().filter_map(|probe| plan(probe, market)).collect();
            assert_eq!(plans.len(), 5);
            for plan in plans {
                plan.parameters.validate().unwrap();
                assert_eq!(plan.parameters.probe, plan.probe);
                assert!(plan.windows >= 3 && plan.windows * plan.pings >= 40);
                if market == Market::Production {
                    assert_eq!(plan.parameters.scale, 1);
                    assert!(plan.window * plan.windows >= Duration::from_secs(8) && plan.openings >= 90);
                }
            }
        }
    }
}
