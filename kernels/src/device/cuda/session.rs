//! A prepared card: a probe's module and memory, and how its rounds are computed.
//!
//! Owns everything that the card gave for a session and gives all of it back when dropped, whatever went wrong before.
//! Invariant: after a round the card holds one leaf a unit, in the order of the units.

#![allow(unsafe_code)] // Launches, on memory that is held here.

use std::sync::Arc;

use super::Error;
use super::chunks::Chunks;
use super::driver::Driver;
use super::launches::cells::{self, Walk};
use super::launches::product::{Places, Product};
use super::launches::{chains, tree};
use super::link::Link;
use super::owned::{Buffer, Loaded};
use super::passes::Passes;
use crate::key::{Digest, Key};
use crate::merkle::{self, Domain};
use crate::probe::ProbeId;

/// A prepared card. Fields are dropped in their order: memory before the module.
pub(super) struct Session<D: Driver> {
    pub(super) units: u32,
    pub(super) work: Work<D>,
    pub(super) leaves: Buffer<D>,
    /// The levels of the tree above the leaves.
    pub(super) nodes: Buffer<D>,
    /// What a round brings back, or takes along on a trip: 32 bytes.
    pub(super) digest: D::Staging,
    pub(super) loaded: Loaded<D>,
    pub(super) driver: Arc<D>,
}

/// What a probe holds and computes.
pub(super) enum Work<D: Driver> {
    Product { product: Product, left: Buffer<D>, right: Buffer<D> },
    Chains { probe: ProbeId, lanes: u32, steps: u32 },
    Walk { walk: Walk, chunks: Chunks<D> },
    Passes(Passes<D>),
    Link(Link<D>),
}

impl<D: Driver> Session<D> {
    /// Computes the next round and returns its root.
    pub(super) fn round(&mut self, key: &Key) -> Result<Digest, Error> {
        let before = if let Work::Passes(passes) = &mut self.work { passes.next(key) } else { 0 };
        self.compute(key, before)?;
        let top = self.top()?;
        Ok(merkle::seal(Domain::Round, self.units, &top))
    }

    /// Computes a round again and returns its leaves; `None` if it builds upon others and was never computed here.
    pub(super) fn again(&mut self, key: &Key) -> Result<Option<Vec<Digest>>, Error> {
        let before = if let Work::Passes(passes) = &self.work { passes.find(key) } else { Some(0) };
        let Some(before) = before else { return Ok(None) };
        self.compute(key, before)?;
        let mut leaves = vec![Digest::default(); self.units as usize];
        self.leaves.read(0, leaves.as_flattened_mut())?;
        Ok(Some(leaves))
    }

    /// Fills the memory that rounds read, and waits for it.
    pub(super) fn fill(&mut self, hard: u32, key: &Key) -> Result<(), Error> {
        match &mut self.work {
            Work::Walk { chunks, .. } => {
                for piece in chunks.pieces() {
                    // SAFETY: the table and the piece are held by this session.
                    unsafe { self.loaded.launch(&cells::fill(chunks.table(), piece, hard, key))? };
                }
            }
            Work::Passes(passes) => passes.refill(&self.loaded)?,
            Work::Product { .. } | Work::Chains { .. } | Work::Link(_) => {}
        }
        Ok(self.driver.synchronise()?)
    }

    /// Launches the round of a key, before which `before` rounds were made.
    fn compute(&mut self, key: &Key, before: usize) -> Result<(), Error> {
        let (loaded, leaves) = (&self.loaded, self.leaves.address());
        match &mut self.work {
            Work::Product { product, left, right } => {
                let places = Places { left: left.address(), right: right.address(), leaves };
                // SAFETY: operands and leaves are held by this session, as large as the product says.
                product.launches(key, places).iter().try_for_each(|launch| unsafe { loaded.launch(launch) })
            }
            Work::Chains { probe, lanes, steps } => {
                let launch = chains::round(*probe, (*lanes, *steps), key, leaves);
                // SAFETY: the leaves are held by this session, one a lane.
                launch.iter().try_for_each(|launch| unsafe { loaded.launch(launch) })
            }
            Work::Walk { walk, chunks, .. } => {
                // SAFETY: the table, all its pieces and a leaf a walker are held by this session.
                unsafe { loaded.launch(&walk.round(chunks.table(), key, leaves)) }
            }
            Work::Passes(passes) => passes.make(loaded, before, (leaves, self.units)),
            Work::Link(link) => link.round(loaded, &self.leaves, &mut self.digest, key),
        }
    }

    /// Reduces the leaves on the card and brings back the one node that is left, which waits for all of the round.
    fn top(&mut self) -> Result<Digest, Error> {
        let (launches, top) = tree::reduction(self.leaves.address(), self.units, self.nodes.address());
        // SAFETY: leaves and nodes are held by this session, as large as the tree says.
        launches.iter().try_for_each(|launch| unsafe { self.loaded.launch(launch) })?;
        let held = if launches.is_empty() { &self.leaves } else { &self.nodes };
        held.read(top.0 - held.address().0, self.digest.as_mut())?;
        Ok(self.digest.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl<D: Driver> Drop for Session<D> {
    fn drop(&mut self) {
        // After an error launches may still run on the memory that is given back next. A driver that fails here has ended
        // them.
        let _ = self.driver.synchronise();
    }
}
