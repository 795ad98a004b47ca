//! Gets a card ready for a probe: chooses the module, allocates, fills.
//!
//! Sizes come from parameters that passed their envelope and are compared with what the card has before anything is
//! allocated.

use std::sync::Arc;

use super::Error;
use super::chunks::Chunks;
use super::driver::Driver;
use super::launches::cells::Walk;
use super::launches::product::{Product, TILE};
use super::launches::tree::{self, NODE_BYTES};
use super::link::Link;
use super::owned::{Buffer, Loaded};
use super::passes::Passes;
use super::session::{Session, Work};
use crate::device::{self, Prepared};
use crate::key::{Digest, Key};
use crate::probe::{Parameters, ProbeId, Shape};
use crate::product::Operands;
use crate::release::Modules;

/// What stays free for the driver, which allocates the stacks of kernels when they are first launched.
const RESERVE_BYTES: u64 = 64 << 20;
/// The share of memory that leaves and tables may take: the leaves of a pass are 1/2,048 of its blocks.
const LEAVES_SHARE: u64 = 1_024;

/// How much of the memory that is free a job can fill.
pub(super) fn usable(free_bytes: u64) -> u64 {
    (free_bytes - free_bytes / LEAVES_SHARE).saturating_sub(RESERVE_BYTES)
}

/// Prepares a session. Whatever was allocated is given back on an error.
pub(super) fn session<D: Driver>(
    driver: &Arc<D>,
    modules: &Modules,
    parameters: &Parameters,
    fill: &Key,
) -> Result<(Session<D>, Prepared), device::Error> {
    parameters.validate()?;
    if parameters.probe.on_host() {
        return Err(unsupported(driver, parameters.probe));
    }
    if parameters.scale != 1 {
        return Err(Error::Scale(parameters.scale).into());
    }
    if let Shape::Product { tile, .. } = parameters.shape
        && tile != TILE
    {
        return Err(Error::Tile(tile).into());
    }
    let loaded = Loaded::new(driver, modules, parameters.probe)?;
    let free = driver.free_bytes().map_err(Error::Driver)?;
    let memory = Memory::of(parameters, usable(free))?;
    // Before the memory of the probe, which takes all that is left.
    let mut leaves = Leaves::new(driver, parameters.units_per_round(memory.cells))?;
    let (work, cells) = work(driver, parameters, memory, fill)?;
    leaves.units = parameters.units_per_round(cells);
    let Leaves { units, leaves, nodes, digest } = leaves;
    let mut session = Session { units, work, leaves, nodes, digest, loaded, driver: Arc::clone(driver) };
    let hard = if let Shape::Walk { hard, .. } = parameters.shape { hard } else { 0 };
    session.fill(hard, fill)?;
    Ok((session, Prepared { cells }))
}

/// Cells that are to be filled.
#[derive(Clone, Copy)]
struct Memory {
    cells: u64,
    cell_bytes: u64,
    /// The parameters name no number, so that it is for the card to say.
    all: bool,
}

impl Memory {
    /// Compares what is asked for with what there is.
    fn of(parameters: &Parameters, usable: u64) -> Result<Self, device::Error> {
        let (cells, cell_bytes) = (parameters.cells_for(usable), parameters.cell_bytes());
        let asked = cells.saturating_mul(cell_bytes);
        if cell_bytes > 0 && (cells == 0 || asked > usable) {
            return Err(device::Error::Memory { asked: asked.max(cell_bytes), usable });
        }
        Ok(Self { cells, cell_bytes, all: parameters.cells_for(0) == 0 })
    }

    /// Allocates the cells. A card that was to fill all of its memory fills what it gets.
    fn take<D: Driver>(self, driver: &Arc<D>) -> Result<(Chunks<D>, u64), Error> {
        let take = |cells| Ok((Chunks::new(driver, cells, self.cell_bytes)?, cells));
        match take(self.cells) {
            Err(Error::Memory { got, .. }) if self.all && got > RESERVE_BYTES => {
                take((got - RESERVE_BYTES) / self.cell_bytes)
            }
            taken => taken,
        }
    }
}

/// A round's leaves and the tree over them.
struct Leaves<D: Driver> {
    units: u32,
    leaves: Buffer<D>,
    nodes: Buffer<D>,
    digest: D::Staging,
}

impl<D: Driver> Leaves<D> {
    fn new(driver: &Arc<D>, units: u32) -> Result<Self, Error> {
        Ok(Self {
            units,
            leaves: Buffer::new(driver, u64::from(units) * NODE_BYTES)?,
            nodes: Buffer::new(driver, tree::nodes_bytes(units))?,
            digest: driver.staging(size_of::<Digest>())?,
        })
    }
}

fn work<D: Driver>(
    driver: &Arc<D>,
    parameters: &Parameters,
    memory: Memory,
    fill: &Key,
) -> Result<(Work<D>, u64), device::Error> {
    let probe = parameters.probe;
    let work = match parameters.shape {
        Shape::Product { n, k, .. } => {
            let operands = if probe == ProbeId::Hmma { Operands::Halves } else { Operands::Bytes };
            let product = Product { operands, n, k };
            let operand = || Buffer::new(driver, product.operand_bytes()).map_err(Error::Driver);
            Work::Product { product, left: operand()?, right: operand()? }
        }
        Shape::Chains { lanes, steps } => Work::Chains { probe, lanes, steps },
        Shape::Walk { walkers, steps, .. } => {
            let (chunks, cells) = memory.take(driver)?;
            return Ok((Work::Walk { walk: Walk { cells, walkers, steps }, chunks }, cells));
        }
        Shape::Pass { .. } => {
            let (chunks, blocks) = memory.take(driver)?;
            return Ok((Work::Passes(Passes::new(chunks, fill)), blocks));
        }
        Shape::Link { blocks, trips } => Work::Link(Link::new(driver, (blocks, trips), fill)?),
        Shape::Pages { .. } => return Err(unsupported(driver, probe)),
    };
    Ok((work, 0))
}

fn unsupported<D: Driver>(driver: &Arc<D>, probe: ProbeId) -> device::Error {
    device::Error::Unsupported(driver.properties().name.clone(), probe)
}
