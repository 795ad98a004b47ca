//! Computes rounds on this machine's threads: the inside of the `cpu` and of the `paced` device.
//!
//! Owns the prepared parameters and the filled memory. All threads take pieces of a round from one counter, so none
//! idles while another has more than a piece left. Invariant: leaves depend on key and parameters only, not on threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Error, OPENED_MAX, OpenedUnit};
use crate::key::{Digest, Key};
use crate::merkle::{Domain, Tree};
use crate::probe::{Parameters, ProbeId, Shape};
use crate::product::{Operands, Product};
use crate::vram::{self, CELL_BYTES, Fill, Held};
use crate::{chain, dp4a, fma32, fma64, link, stream};

/// Pieces a thread of work that is cut evenly: few enough to be cheap, enough to even out.
const PIECES_A_THREAD: usize = 4;

/// The leaves of lanes of chains, each named by its key and number, of so many lanes with so many steps.
type Chains = fn(&[(Key, u32)], u32, u32) -> Vec<Digest>;

/// A prepared session.
#[derive(Debug)]
pub(super) struct Engine {
    threads: usize,
    parameters: Parameters,
    fill: Key,
    units: u32,
    memory: Memory,
}

/// What a session holds between rounds.
#[derive(Debug)]
enum Memory {
    None,
    Cells(vram::Memory),
    /// Passed over, round upon round; and the keys of all rounds so far, of which any may be opened.
    Blocks(stream::Memory, Vec<Key>),
}

/// How much memory is claimed, and how much of it is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    pub(super) cells: u64,
    pub(super) held: u64,
}

impl Engine {
    pub(super) fn new(threads: usize, parameters: Parameters, fill: &Key, holding: Holding) -> Result<Self, Error> {
        let units = parameters.units_per_round(holding.cells);
        let mut engine = Self { threads: threads.max(1), parameters, fill: *fill, units, memory: Memory::None };
        engine.memory = match parameters.shape {
            Shape::Walk { hard, .. } => {
                let fill = Fill { key: *fill, hard, cells: holding.cells.max(1) };
                Memory::Cells(engine.fill(fill, holding.held)?)
            }
            Shape::Pass { .. } => Memory::Blocks(stream::Memory::new(*fill, units), Vec::new()),
            _ => Memory::None,
        };
        Ok(engine)
    }

    pub(super) fn units(&self) -> u32 {
        self.units
    }

    fn fill(&self, fill: Fill, held: u64) -> Result<vram::Memory, Error> {
        let asked = held.saturating_mul(CELL_BYTES as u64);
        let refused = Error::Memory { asked, usable: 0 };
        let Ok(length) = usize::try_from(held) else { return Err(refused) };
        let mut cells: Vec<Held> = Vec::new();
        if cells.try_reserve_exact(length).is_err() {
            return Err(refused);
        }
        vram::ahead::in_large_pages(&mut cells);
        cells.resize(length, Held::default());
        let part = length.div_ceil(self.threads).max(1);
        thread::scope(|scope| {
            for (at, chunk) in cells.chunks_mut(part).enumerate() {
                let fill = &fill;
                scope.spawn(move || vram::fill(fill, (at * part) as u64, chunk));
            }
        });
        Ok(vram::Memory { fill, held: cells })
    }

    /// Computes the next round and returns all its leaves.
    pub(super) fn round(&mut self, key: &Key) -> Vec<Digest> {
        match &mut self.memory {
            Memory::Blocks(memory, history) => {
                history.push(*key);
                // After an opening the memory stands elsewhere.
                replay(memory, history);
                memory.leaves()
            }
            _ => self.leaves(key),
        }
    }

    /// Computes a round again.
    pub(super) fn again(&mut self, key: &Key) -> Result<Vec<Digest>, Error> {
        match &mut self.memory {
            Memory::Blocks(memory, history) => {
                let round = history.iter().position(|made| made == key).ok_or(Error::NoSuchRound)?;
                replay(memory, &history[..=round]);
                Ok(memory.leaves())
            }
            _ => Ok(self.leaves(key)),
        }
    }

    /// Computes all leaves of a round that hangs on its key alone.
    fn leaves(&self, key: &Key) -> Vec<Digest> {
        let units = self.units;
        match (self.parameters.shape, &self.memory) {
            (Shape::Product { n, k, tile }, _) => {
                let hmma = self.parameters.probe == ProbeId::Hmma;
                let operands = if hmma { Operands::Halves } else { Operands::Bytes };
                self.product(key, Product { operands, n, k, tile })
            }
            (Shape::Chains { steps, .. }, _) => {
                // Pieces end where groups of lanes do that are computed side by side.
                let (chains, together): (Chains, _) = match self.parameters.probe {
                    ProbeId::Fma32 => (fma32::leaves, chain::TOGETHER),
                    ProbeId::Dp4a => (dp4a::leaves, chain::TOGETHER),
                    _ => (fma64::leaves, fma64::together()),
                };
                self.split(units, together as u32, |part| chains(&items(key, part), units, steps))
            }
            (Shape::Walk { steps, .. }, Memory::Cells(memory)) => {
                // Walks of one thread go side by side, as many as its reads can overlap: one after another each would wait.
                let piece = units.div_ceil(self.threads as u32).min(vram::ABREAST as u32);
                self.pieces(units, piece, |part| {
                    vram::leaves(memory, memory.fill.cells, &items(key, part), (units, steps))
                })
            }
            (Shape::Link { blocks, trips }, _) => {
                let leaf = |unit| link::leaf(&self.fill, key, unit, (blocks, trips));
                self.split(units, 1, |part| part.map(leaf).collect())
            }
            _ => Vec::new(),
        }
    }

    /// Computes a product: the bands of B once, then each thread takes bands of A.
    fn product(&self, key: &Key, product: Product) -> Vec<Digest> {
        let bands = product.n.div_ceil(product.tile) as usize;
        let right = self.each(bands, |band| product.right(key, band as u32));
        let rows = self.each(bands, |band| {
            let left = product.left(key, band as u32);
            let columns = right.iter().enumerate();
            columns
                .map(|(column, right)| product.leaf((band * bands + column) as u32, &left, right))
                .collect::<Vec<_>>()
        });
        rows.concat()
    }

    /// Cuts units into pieces of whole groups and computes them on all threads.
    fn split(&self, units: u32, group: u32, work: impl Fn(std::ops::Range<u32>) -> Vec<Digest> + Sync) -> Vec<Digest> {
        let pieces = (self.threads * PIECES_A_THREAD) as u32;
        self.pieces(units, units.div_ceil(pieces).next_multiple_of(group), work)
    }

    /// Computes units in pieces of this size on all threads.
    fn pieces(&self, units: u32, piece: u32, work: impl Fn(std::ops::Range<u32>) -> Vec<Digest> + Sync) -> Vec<Digest> {
        let piece = piece.max(1);
        let parts = self.each(units.div_ceil(piece) as usize, |at| {
            let from = at as u32 * piece;
            work(from..(from + piece).min(units))
        });
        parts.concat()
    }

    /// Computes `count` results on all threads and returns them in order.
    fn each<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let threads = self.threads.min(count);
        if threads <= 1 {
            return (0..count).map(work).collect();
        }
        let taken = AtomicUsize::new(0);
        let run = || {
            let take = || Some(taken.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count);
            std::iter::from_fn(take).map(|at| (at, work(at))).collect::<Vec<_>>()
        };
        let mut results: Vec<(usize, T)> = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
            let mut results = run();
            for other in others {
                results.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            results
        });
        results.sort_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Brings memory to where exactly `passes` were made, from where it stands if that is on the way.
fn replay(memory: &mut stream::Memory, passes: &[Key]) {
    if !passes.starts_with(&memory.passes) {
        memory.refill();
    }
    for key in &passes[memory.passes.len()..] {
        memory.pass(key);
    }
}

fn items(key: &Key, units: std::ops::Range<u32>) -> Vec<(Key, u32)> {
    units.map(|unit| (*key, unit)).collect()
}

/// Checks which units are asked for before anything is computed.
pub(super) fn check_units(units: u32, asked: &[u32]) -> Result<(), Error> {
    if asked.len() > OPENED_MAX {
        return Err(Error::TooMany(asked.len()));
    }
    match asked.iter().find(|unit| **unit >= units) {
        Some(&unit) => Err(Error::NoSuchUnit { unit, units }),
        None => Ok(()),
    }
}

/// Opens units of a round from its leaves.
pub(super) fn open(leaves: Vec<Digest>, asked: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
    let tree = Tree::new(Domain::Round, leaves);
    let opened = |&unit: &u32| {
        let (leaf, path) = tree.open(unit).ok_or(Error::NoSuchUnit { unit, units: tree.total() })?;
        Ok(OpenedUnit { leaf, path })
    };
    asked.iter().map(opened).collect()
}
