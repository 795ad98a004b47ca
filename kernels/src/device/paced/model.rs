//! A simulated card: exact results, the named model's time.
//!
//! Owns the reduced computation, its limits (a job's parameters must not exhaust the node that simulates) and the
//! cheats that live in a card. Replaying, overselling and going offline are the node's.

use std::thread;
use std::time::{Duration, Instant};

use super::schedule::Card;
use crate::block::BLOCK_BYTES;
use crate::calibration;
use crate::catalogue::Model;
use crate::device::engine::{self, Engine, Holding};
use crate::device::{Device, DeviceInfo, DeviceKind, Error, OpenedUnit, Prepared, RoundRoot};
use crate::key::{Digest, Key};
use crate::merkle::{self, Domain};
use crate::probe::{Parameters, Shape};

/// The most operations that a round really computes: about a quarter of a second of one core.
const WORK_MAX: u128 = 1 << 32;
/// The most Philox calls that filling memory or walking costs without vectors: a few seconds of one core.
const FILL_CALLS_MAX: u128 = 1 << 28;
/// The most bytes that a simulated card really allocates.
const MEMORY_MAX: u64 = 64 << 20;
/// Reads that recomputing a cell of hard = 128 is worth (kernels.md, Residency).
const RECOMPUTED_READS: f64 = 10.0;

/// What a simulated card does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    /// Computes everything.
    Honest,
    /// Makes up this share of each round's leaves and takes proportionally less time.
    SkipsWork {
        /// 0..=1.
        share: f64,
    },
    /// Says that it holds all cells, holds this share, and recomputes the others when they are read: right, but slow.
    HoldsLess {
        /// 0..=1.
        share: f64,
    },
    /// Answers nothing for `pause` before each round after the first `rounds`.
    Stalls {
        /// Rounds that are answered in time.
        rounds: u32,
        /// How long each later round is held back.
        pause: Duration,
    },
}

/// A simulated card of a model.
#[derive(Debug)]
pub struct PacedModel {
    model: Model,
    card: Card,
    behaviour: Behaviour,
    rounds: u32,
    ready: Option<Ready>,
}

#[derive(Debug)]
struct Ready {
    engine: Engine,
    length: Duration,
}

impl PacedModel {
    /// Makes a card; rentals that share `card` share its time, a card for each of them is overselling's lie.
    pub fn new(model: Model, card: Card, behaviour: Behaviour) -> Self {
        Self { model, card, behaviour, rounds: 0, ready: None }
    }

    fn ready(&mut self) -> Result<&mut Ready, Error> {
        self.ready.as_mut().ok_or(Error::NotPrepared)
    }

    /// Returns the time that the model takes for a round, the behaviour's gain or loss included.
    fn length(&self, parameters: &Parameters) -> Result<Duration, Error> {
        let rate = calibration::simulated_rate(&self.model, parameters.probe)
            .map_err(|_| Error::Unsupported(self.model.name.clone(), parameters.probe))?;
        let work = parameters.work_per_round(parameters.cells_for(self.model.usable_bytes));
        let honest = work as f64 / rate;
        let factor = match self.behaviour {
            Behaviour::SkipsWork { share } => 1.0 - share.clamp(0.0, 1.0),
            Behaviour::HoldsLess { share } if parameters.probe.fills_memory() => {
                let held = share.clamp(0.0, 1.0);
                held + (1.0 - held) * RECOMPUTED_READS
            }
            _ => 1.0,
        };
        let too_long = Error::TooLargeToSimulate { what: "round", value: work, max: WORK_MAX };
        Duration::try_from_secs_f64(honest * factor).ok().filter(|length| *length <= ROUND_MAX).ok_or(too_long)
    }
}

/// Makes up what the behaviour skips.
fn twisted(behaviour: Behaviour, key: &Key, mut leaves: Vec<Digest>) -> Vec<Digest> {
    if let Behaviour::SkipsWork { share } = behaviour {
        let total = leaves.len() as u32;
        for (unit, leaf) in (0u32..).zip(&mut leaves) {
            if skipped(key, unit, share) {
                *leaf = merkle::unit_leaf(unit, total, b"made up");
            }
        }
    }
    leaves
}

/// The longest round that is simulated.
const ROUND_MAX: Duration = Duration::from_secs(3_600);

/// Says whether a unit is made up: the same answer when the round is opened.
fn skipped(key: &Key, unit: u32, share: f64) -> bool {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/skipped-unit/1");
    hasher.update(key.as_bytes()).update(&unit.to_le_bytes());
    let hash = hasher.finalize();
    let word = u32::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1], hash.as_bytes()[2], hash.as_bytes()[3]]);
    f64::from(word) < share * 4_294_967_296.0
}

/// Refuses what only real hardware should compute.
fn check_size(parameters: &Parameters, cells: u64) -> Result<(), Error> {
    let limit = |what, value: u128, max: u128| {
        if value <= max { Ok(()) } else { Err(Error::TooLargeToSimulate { what, value, max }) }
    };
    let memory = u128::from(cells) * u128::from(parameters.cell_bytes());
    limit("memory", memory, MEMORY_MAX.into())?;
    match parameters.shape {
        Shape::Walk { walkers, steps, hard, .. } => {
            limit("fill", u128::from(cells) * u128::from(hard), FILL_CALLS_MAX)?;
            limit("walk", u128::from(walkers) * u128::from(steps) * u128::from(hard), FILL_CALLS_MAX)
        }
        Shape::Product { n, k, .. } => {
            limit("operand", u128::from(n) * u128::from(k.next_multiple_of(16)) * 4, MEMORY_MAX.into())?;
            limit("round", 2 * u128::from(n).pow(2) * u128::from(k), WORK_MAX)
        }
        Shape::Chains { lanes, steps } => limit("round", u128::from(lanes) * u128::from(steps) * 32, WORK_MAX),
        Shape::Link { blocks, .. } => limit("transfer", u128::from(blocks) * BLOCK_BYTES as u128, MEMORY_MAX.into()),
        Shape::Pass { .. } | Shape::Pages { .. } => Ok(()),
    }
}

impl Device for PacedModel {
    fn info(&self) -> DeviceInfo {
        let usable_bytes = self.model.usable_bytes;
        DeviceInfo { kind: DeviceKind::Paced, name: self.model.name.clone(), usable_bytes }
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, Error> {
        parameters.validate()?;
        self.ready = None;
        let cells = parameters.cells_for(self.model.usable_bytes);
        let asked = u64::try_from(parameters.bytes_of_cells(cells)).unwrap_or(u64::MAX);
        if parameters.cell_bytes() > 0 && (cells == 0 || asked > self.model.usable_bytes) {
            return Err(Error::Memory { asked, usable: self.model.usable_bytes });
        }
        check_size(parameters, cells)?;
        let held = match self.behaviour {
            Behaviour::HoldsLess { share } => (cells as f64 * share.clamp(0.0, 1.0)) as u64,
            _ => cells,
        };
        let length = self.length(parameters)?;
        let engine = Engine::new(1, *parameters, fill, Holding { cells, held })?;
        self.ready = Some(Ready { engine, length });
        Ok(Prepared { cells })
    }

    fn round(&mut self, key: &Key) -> Result<RoundRoot, Error> {
        let (card, behaviour) = (self.card.clone(), self.behaviour);
        let ready = self.ready()?;
        let done_at = card.reserve(Instant::now(), ready.length);
        let root = merkle::root(Domain::Round, twisted(behaviour, key, ready.engine.round(key)));
        card.wait(done_at);
        self.rounds = self.rounds.saturating_add(1);
        match behaviour {
            Behaviour::Stalls { rounds, pause } if self.rounds > rounds => thread::sleep(pause),
            _ => {}
        }
        Ok(root)
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
        let behaviour = self.behaviour;
        let ready = self.ready()?;
        engine::check_units(ready.engine.units(), units)?;
        engine::open(twisted(behaviour, key, ready.engine.again(key)?), units)
    }
}
