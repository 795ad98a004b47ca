//! Was a session computed? The verifier: pure, single-threaded, bounded on any bytes.
//!
//! Takes what both sides signed: parameters, seeds, every round's root and ROOT, and the openings of the drawn units.
//! It recomputes the key chain from the seeds, ROOT from the roots, the draw, and each drawn unit exactly from its
//! round's key. Order everywhere: window, device, round, unit. Wrong bits under a valid path convict; anything
//! malformed is a typed error, a failure of the job and never a proof. Windows have their own seeds: rounds cannot
//! move between windows to lift the median.

use crate::draw::{DRAWN_MAX, draw};
use crate::key::{Digest, Key};
use crate::merkle::{self, Domain, PATH_MAX};
use crate::probe::{self, Parameters, ProbeId, Shape};
use crate::product::{Operands, Product};
use crate::vram::{self, Fill};
use crate::{disk, dp4a, fma32, fma64, link, stream};

/// The most rounds of a session, over all windows and devices.
pub const ROUNDS_MAX: usize = 65_536;
/// The most passes over memory that a device may make in a session: a verifier replays them all for each drawn block. A
/// pass takes 25 ms at least on any card of the catalogue, 360 in 9 s.
pub const PASSES_MAX: usize = 1_024;
/// The most windows of a session.
pub const WINDOWS_MAX: usize = 64;
/// The most devices of a session.
pub const DEVICES_MAX: usize = 64;

/// A session as the worker claims to have computed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The CHALLENGE's parameters.
    pub parameters: Parameters,
    /// A fresh seed a window, in order.
    pub seeds: Vec<[u8; 32]>,
    /// The seed of all devices' memory.
    pub fill_seed: [u8; 32],
    /// Cells (of `stream` blocks, of `disk` pages) that each device says it holds; for probes without memory 0 each. Its
    /// length is the number of devices.
    pub cells: Vec<u64>,
    /// Rounds made, by window and device.
    pub rounds: Vec<Vec<u32>>,
    /// The roots of all rounds, in order.
    pub round_roots: Vec<Digest>,
    /// ROOT, as the node signed it.
    pub root: Digest,
}

/// What fixes the draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The fisher's secret s, of which HELLO holds the hash.
    pub secret: [u8; 32],
    /// The node's head after ROOT.
    pub head_after_root: Digest,
    /// How many units are opened.
    pub count: u32,
}

/// An opened unit of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The unit's index in the session.
    pub index: u64,
    /// The leaf that its round's root commits to.
    pub leaf: Digest,
    /// The path to its round's root.
    pub path: Vec<Digest>,
}

/// Where a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The window.
    pub window: usize,
    /// The device.
    pub device: usize,
    /// The round, counted from the window's first on this device.
    pub round: u32,
    /// The round, counted over the session: its place in `round_roots`.
    pub ordinal: usize,
    /// The unit in the round.
    pub unit: u32,
}

/// How the units of a session are numbered: by window, device, round, unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout<'a> {
    /// Units of a round of each device.
    pub units: Vec<u32>,
    /// Rounds by window and device.
    pub rounds: &'a [Vec<u32>],
}

impl Layout<'_> {
    /// Returns the number of units of the session.
    pub fn units(&self) -> u64 {
        let by_device = self.rounds.iter().flat_map(|window| window.iter().zip(&self.units));
        by_device.map(|(rounds, units)| u64::from(*rounds) * u64::from(*units)).fold(0, u64::saturating_add)
    }

    /// Finds a unit of the session.
    pub fn place(&self, index: u64) -> Option<Place> {
        let (mut left, mut before) = (index, 0usize);
        for (window, devices) in self.rounds.iter().enumerate() {
            for (device, (&rounds, &units)) in devices.iter().zip(&self.units).enumerate() {
                let here = u64::from(rounds) * u64::from(units);
                if left < here {
                    let (round, unit) = ((left / u64::from(units)) as u32, (left % u64::from(units)) as u32);
                    return Some(Place { window, device, round, ordinal: before + round as usize, unit });
                }
                left -= here;
                before += rounds as usize;
            }
        }
        None
    }
}

/// What the openings show, by session index in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Units that are right.
    pub right: Vec<u64>,
    /// Units whose bits are wrong: two of them convict.
    pub wrong: Vec<u64>,
}

/// Why a session is a failure of the job.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The parameters are outside the envelope.
    #[error(transparent)]
    Parameters(#[from] probe::Error),
    /// A count is outside its limits.
    #[error("{what}: {count} is outside {min}..={max}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The fewest allowed.
        min: usize,
        /// The most allowed.
        max: usize,
    },
    /// A device's cells do not fit the parameters.
    #[error("device {device} claims {cells} cells, the parameters do not allow that")]
    Cells {
        /// The device.
        device: usize,
        /// Its cells.
        cells: u64,
    },
    /// ROOT is not the root over the rounds' roots.
    #[error("ROOT is not the root of the rounds' roots")]
    Root,
    /// The opened set is not the drawn set.
    #[error("{opened} units were opened that are not the {drawn} drawn")]
    NotTheDraw {
        /// Units opened.
        opened: usize,
        /// Units drawn.
        drawn: usize,
    },
    /// A path does not lead from the leaf to the round's root.
    #[error("the path of unit {0} does not lead to its round's root")]
    Path(u64),
    /// A unit is beyond the session's last.
    #[error("unit {0} is beyond the session's last")]
    NoSuchUnit(u64),
}

fn count(what: &'static str, count: usize, min: usize, max: usize) -> Result<(), Error> {
    if (min..=max).contains(&count) { Ok(()) } else { Err(Error::Count { what, count, min, max }) }
}

impl Claimed {
    /// Checks everything but the openings: limits, counts and ROOT.
    pub fn validate(&self) -> Result<(), Error> {
        self.parameters.validate()?;
        count("windows", self.seeds.len(), 1, WINDOWS_MAX)?;
        count("devices", self.cells.len(), 1, DEVICES_MAX)?;
        count("windows with rounds", self.rounds.len(), self.seeds.len(), self.seeds.len())?;
        let mut total = 0usize;
        for window in &self.rounds {
            count("devices of a window", window.len(), self.cells.len(), self.cells.len())?;
            total = window.iter().fold(total, |total, rounds| total.saturating_add(*rounds as usize));
        }
        count("rounds", total, 1, ROUNDS_MAX)?;
        if matches!(self.parameters.shape, Shape::Pass { .. }) {
            for device in 0..self.cells.len() {
                let passes = self.rounds.iter().map(|window| window[device] as usize).sum();
                count("passes of a device", passes, 0, PASSES_MAX)?;
            }
        }
        count("roots of rounds", self.round_roots.len(), total, total)?;
        for (device, &cells) in self.cells.iter().enumerate() {
            if !self.parameters.allows_cells(cells) {
                return Err(Error::Cells { device, cells });
            }
        }
        if merkle::session_root(&self.round_roots) == self.root { Ok(()) } else { Err(Error::Root) }
    }

    /// Returns where each unit stands.
    pub fn layout(&self) -> Layout<'_> {
        let units = self.cells.iter().map(|cells| self.parameters.units_per_round(*cells)).collect();
        Layout { units, rounds: &self.rounds }
    }

    /// Returns the number of units of the session.
    pub fn units(&self) -> u64 {
        self.layout().units()
    }

    /// Finds a unit of the session.
    pub fn place(&self, index: u64) -> Option<Place> {
        self.layout().place(index)
    }

    fn fill(&self, device: usize) -> Key {
        Key::fill(&self.fill_seed, device as u32)
    }

    /// Returns the keys of all rounds of one device in order, the warm-up first.
    fn passes(&self, keys: &[Key], device: usize) -> Vec<Key> {
        let mut passes = vec![Key::warm_up(&self.fill_seed, device as u32)];
        let mut before = 0;
        for (at, &rounds) in self.rounds.iter().flat_map(|window| window.iter().enumerate()) {
            if at == device {
                passes.extend_from_slice(&keys[before..before + rounds as usize]);
            }
            before += rounds as usize;
        }
        passes
    }

    /// Returns the rounds that a place's device made in earlier windows.
    fn rounds_before(&self, place: &Place) -> usize {
        self.rounds[..place.window].iter().map(|window| window[place.device] as usize).sum()
    }

    /// Recomputes the key of every round from the seeds and the rounds' roots.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::with_capacity(self.round_roots.len());
        let mut roots = self.round_roots.iter();
        for (seed, devices) in self.seeds.iter().zip(&self.rounds) {
            for (device, &rounds) in (0u32..).zip(devices) {
                let mut key = Key::first(seed, device);
                for root in roots.by_ref().take(rounds as usize) {
                    keys.push(key);
                    key = key.next(root);
                }
            }
        }
        keys
    }
}

/// Checks a session without computing anything of it: its form, that the openings are the draw, and their paths.
/// Returns where the opened units stand.
pub fn check_session(claimed: &Claimed, drawn: &Draw, openings: &[Opening]) -> Result<Vec<Place>, Error> {
    claimed.validate()?;
    count("openings", openings.len(), 1, DRAWN_MAX as usize)?;
    let mut asked = draw(&drawn.secret, &drawn.head_after_root, claimed.units(), drawn.count);
    let mut indices: Vec<u64> = openings.iter().map(|opening| opening.index).collect();
    asked.sort_unstable();
    indices.sort_unstable();
    if asked != indices {
        return Err(Error::NotTheDraw { opened: indices.len(), drawn: asked.len() });
    }
    let layout = claimed.layout();
    let mut places = Vec::with_capacity(openings.len());
    for opening in openings {
        let place = layout.place(opening.index).ok_or(Error::NoSuchUnit(opening.index))?;
        let total = layout.units[place.device];
        let root = &claimed.round_roots[place.ordinal];
        let led = opening.path.len() <= PATH_MAX
            && merkle::verify(Domain::Round, root, (place.unit, total), &opening.leaf, &opening.path);
        if !led {
            return Err(Error::Path(opening.index));
        }
        places.push(place);
    }
    Ok(places)
}

/// Verifies a session: all of [`check_session`], and the bits of the opened units.
pub fn verify_session(claimed: &Claimed, drawn: &Draw, openings: &[Opening]) -> Result<Verified, Error> {
    let places = check_session(claimed, drawn, openings)?;
    let mut verified = Verified::default();
    for (opening, truth) in openings.iter().zip(recompute(claimed, &places)) {
        if opening.leaf == truth {
            verified.right.push(opening.index);
        } else {
            verified.wrong.push(opening.index);
        }
    }
    verified.right.sort_unstable();
    verified.wrong.sort_unstable();
    Ok(verified)
}

/// Recomputes the leaves at `places`, units of different rounds side by side.
pub(crate) fn recompute(claimed: &Claimed, places: &[Place]) -> Vec<Digest> {
    let keys = claimed.keys();
    let items: Vec<(Key, u32)> = places.iter().map(|place| (keys[place.ordinal], place.unit)).collect();
    let total = claimed.parameters.units_per_round(0);
    match (claimed.parameters.probe, claimed.parameters.shape) {
        (probe, Shape::Product { n, k, tile }) => {
            let operands = if probe == ProbeId::Hmma { Operands::Halves } else { Operands::Bytes };
            Product { operands, n, k, tile }.leaves(&items)
        }
        (ProbeId::Fma32, Shape::Chains { steps, .. }) => fma32::leaves(&items, total, steps),
        (ProbeId::Dp4a, Shape::Chains { steps, .. }) => dp4a::leaves(&items, total, steps),
        (_, Shape::Chains { steps, .. }) => fma64::leaves(&items, total, steps),
        (_, Shape::Link { blocks, trips }) => {
            let of = |(place, (key, unit)): (&Place, &(Key, u32))| {
                link::leaf(&claimed.fill(place.device), key, *unit, (blocks, trips))
            };
            places.iter().zip(&items).map(of).collect()
        }
        (_, Shape::Walk { .. } | Shape::Pass { .. } | Shape::Pages { .. }) => {
            let mut truths = vec![Digest::default(); items.len()];
            for device in 0..claimed.cells.len() {
                let own: Vec<usize> = (0..places.len()).filter(|&at| places[at].device == device).collect();
                let units: Vec<(Place, Key)> = own.iter().map(|&at| (places[at], items[at].0)).collect();
                for (at, leaf) in own.into_iter().zip(on_memory(claimed, &keys, device, &units)) {
                    truths[at] = leaf;
                }
            }
            truths
        }
    }
}

/// Recomputes units that hang on what one device has filled.
fn on_memory(claimed: &Claimed, keys: &[Key], device: usize, units: &[(Place, Key)]) -> Vec<Digest> {
    let (fill, cells) = (claimed.fill(device), claimed.cells[device]);
    let total = claimed.parameters.units_per_round(cells);
    match claimed.parameters.shape {
        Shape::Walk { steps, hard, .. } => {
            let walks: Vec<(Key, u32)> = units.iter().map(|(place, key)| (*key, place.unit)).collect();
            vram::leaves(&Fill { key: fill, hard, cells }, cells, &walks, (total, steps))
        }
        Shape::Pages { steps, .. } => {
            let walk = |(place, key): &(Place, Key)| {
                let Ok(leaf) = disk::leaf(&disk::Fill(fill), cells, (key, place.unit), (total, steps));
                leaf
            };
            units.iter().map(walk).collect()
        }
        _ => {
            let passes = claimed.passes(keys, device);
            let leaf = |(place, _): &(Place, Key)| {
                // The warm-up, and all rounds up to this one.
                let made = claimed.rounds_before(place) + place.round as usize + 2;
                stream::leaf(&fill, place.unit, total, &passes[..made])
            };
            units.iter().map(leaf).collect()
        }
    }
}

#[cfg(test)]
mod tests;
