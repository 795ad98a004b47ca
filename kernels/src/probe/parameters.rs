//! What a round of a probe computes, what it is worth, and the bounds of both.
//!
//! Owns the exactness envelope: whatever passes [`Parameters::validate`] is exact on every conforming device and bounded in
//! the verifier's time and memory. What a device may still choose, how much it holds, is bounded by
//! [`Parameters::allows_cells`].

use super::{Error, ProbeId};
use crate::block::BLOCK_BYTES;
use crate::disk::PAGE_BYTES;
use crate::key::Digest;
use crate::merkle::LEAVES_MAX;
use crate::vram::CELL_BYTES;

/// The largest edge and depth of a product. Exactness alone would allow k < 131,072 for `imma` (k * 128^2 < 2^31) and
/// k < 33,026 for `hmma` (k * 255^2 < 2^31).
pub const PRODUCT_EDGE_MAX: u32 = 16_384;
/// The largest edge of a tile, and the one in production.
pub const TILE_MAX: u32 = 128;
/// The most steps of a lane of chains.
pub const CHAIN_STEPS_MAX: u32 = 1 << 20;
/// The most steps of an `fma32` lane under one key: single-precision chains are re-keyed every 2^14 steps.
pub const SINGLE_STEPS_MAX: u32 = 1 << 14;
/// The most cells of memory: 64 TiB.
pub const CELLS_MAX: u64 = 1 << 40;
/// The most walkers. Production uses few, so that the walk is bound by latency.
pub const WALKERS_MAX: u32 = 4_096;
/// The most Philox calls that re-walking one segment may cost: steps * hard (production: 4,096 * 128 = 2^19).
pub const SEGMENT_CALLS_MAX: u64 = 1 << 20;
/// The fewest sequential Philox calls of a cell: its 64 bytes are the last four results.
pub const HARD_MIN: u32 = 4;
/// The most blocks of a `link` round: 1 GiB that travels both ways.
pub const LINK_BLOCKS_MAX: u32 = 1 << 14;
/// The most alternations of a `link` round.
pub const TRIPS_MAX: u32 = 1 << 17;
/// The most pages of a disk: 64 TiB.
pub const PAGES_MAX: u64 = 1 << 34;
/// The most pages that one segment of a disk's walk reads.
pub const PAGE_STEPS_MAX: u32 = 1 << 12;
/// The largest scale.
pub const SCALE_MAX: u64 = 1 << 40;

/// What a round computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// An n x n x k product of integer matrices; a unit is a tile of `tile` x `tile` results (cut at the edge).
    Product {
        /// Rows and columns of the result.
        n: u32,
        /// Depth of the product.
        k: u32,
        /// Edge of a tile.
        tile: u32,
    },
    /// Lanes of coupled chains; a unit is a lane.
    Chains {
        /// Independent lanes.
        lanes: u32,
        /// Steps of each chain.
        steps: u32,
    },
    /// Walks over filled memory; a unit is a walker's segment.
    Walk {
        /// Cells of 64 bytes; 0 means all of the device's usable memory.
        cells: u64,
        /// Walkers.
        walkers: u32,
        /// Dependent reads of a walker in a round.
        steps: u32,
        /// Sequential Philox calls that fill one cell.
        hard: u32,
    },
    /// One pass over filled memory, on top of all passes before it; a unit is a block of 64 KiB.
    Pass {
        /// Blocks; 0 means all of the device's usable memory.
        blocks: u32,
    },
    /// A transfer of blocks to the device and back, then alternations; a unit is a block, the last one the alternations.
    Link {
        /// Blocks of 64 KiB that travel both ways.
        blocks: u32,
        /// Alternations between host and device.
        trips: u32,
    },
    /// Walks over a written file; a unit is a walker's segment.
    Pages {
        /// Pages of 4 KiB; 0 means as many as the claimed or free space holds.
        pages: u64,
        /// Walkers.
        walkers: u32,
        /// Dependent reads of a walker in a round.
        steps: u32,
    },
}

/// A probe's parameters as a CHALLENGE names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// The probe.
    pub probe: ProbeId,
    /// What a round computes.
    pub shape: Shape,
    /// 1 on real hardware. In the development market the number of real operations, reads or bytes for which one that
    /// is computed, made or held stands.
    pub scale: u64,
}

fn within(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), Error> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(Error::OutOfRange { name, value, min, max }) }
}

impl Parameters {
    /// Checks the exactness envelope and the limits; everything else here assumes that they hold.
    pub fn validate(&self) -> Result<(), Error> {
        within("scale", self.scale, 1, SCALE_MAX)?;
        match (self.probe, self.shape) {
            (ProbeId::Imma | ProbeId::Hmma, Shape::Product { n, k, tile }) => {
                within("n", n.into(), 1, PRODUCT_EDGE_MAX.into())?;
                within("k", k.into(), 1, PRODUCT_EDGE_MAX.into())?;
                within("tile", tile.into(), 1, TILE_MAX.into())?;
                let units = u64::from(n.div_ceil(tile)).pow(2);
                within("tiles", units, 1, LEAVES_MAX.into())
            }
            (ProbeId::Fma32 | ProbeId::Fma64 | ProbeId::Dp4a | ProbeId::Cpu, Shape::Chains { lanes, steps }) => {
                let most = if self.probe == ProbeId::Fma32 { SINGLE_STEPS_MAX } else { CHAIN_STEPS_MAX };
                within("lanes", lanes.into(), 1, LEAVES_MAX.into())?;
                within("steps", steps.into(), 1, most.into())
            }
            (ProbeId::Vram | ProbeId::Ram, Shape::Walk { cells, walkers, steps, hard }) => {
                within("cells", cells, 0, CELLS_MAX)?;
                within("walkers", walkers.into(), 1, WALKERS_MAX.into())?;
                within("steps", steps.into(), 1, SEGMENT_CALLS_MAX)?;
                within("hard", hard.into(), HARD_MIN.into(), SEGMENT_CALLS_MAX)?;
                within("steps * hard", u64::from(steps) * u64::from(hard), 1, SEGMENT_CALLS_MAX)
            }
            (ProbeId::Stream, Shape::Pass { blocks }) => within("blocks", blocks.into(), 0, LEAVES_MAX.into()),
            (ProbeId::Link, Shape::Link { blocks, trips }) => {
                within("blocks", blocks.into(), 1, LINK_BLOCKS_MAX.into())?;
                within("trips", trips.into(), 0, TRIPS_MAX.into())
            }
            (ProbeId::Disk, Shape::Pages { pages, walkers, steps }) => {
                within("pages", pages, 0, PAGES_MAX)?;
                within("walkers", walkers.into(), 1, WALKERS_MAX.into())?;
                within("steps", steps.into(), 1, PAGE_STEPS_MAX.into())
            }
            (probe, _) => Err(Error::WrongShape(probe)),
        }
    }

    /// Returns the number of units of a round on a device that holds `cells`; those of a pass are its blocks.
    pub fn units_per_round(&self, cells: u64) -> u32 {
        match self.shape {
            Shape::Product { n, tile, .. } => n.div_ceil(tile.max(1)).saturating_pow(2),
            Shape::Chains { lanes, .. } => lanes,
            Shape::Walk { walkers, .. } | Shape::Pages { walkers, .. } => walkers,
            Shape::Pass { .. } => u32::try_from(cells).unwrap_or(u32::MAX),
            Shape::Link { blocks, .. } => blocks.saturating_add(1),
        }
    }

    /// Returns a round's work in the claim's unit, times scale, on a device that holds `cells`.
    ///
    /// Operations for products (2 n² k) and for chains (a multiply and an add are two: 32 a step of `fma32`, 16 of
    /// `fma64` and `cpu`, 128 of `dp4a`); for `vram` and `ram` the *length* of the walk, reads that follow one upon
    /// another: walkers walk side by side and do not lengthen it, so the rate is one over the latency of a read whatever
    /// their number. Bytes for `stream` (read and written), for `link` (one way and the other) and for `disk` (read).
    pub fn work_per_round(&self, cells: u64) -> u128 {
        let bytes = |blocks: u64| u128::from(blocks) * BLOCK_BYTES as u128;
        let computed = match self.shape {
            Shape::Product { n, k, .. } => 2 * u128::from(n) * u128::from(n) * u128::from(k),
            Shape::Chains { lanes, steps } => u128::from(lanes) * u128::from(steps) * self.probe.operations_a_step(),
            Shape::Walk { steps, .. } => u128::from(steps),
            Shape::Pass { .. } => 2 * bytes(cells),
            Shape::Link { blocks, .. } => 2 * bytes(blocks.into()),
            Shape::Pages { walkers, steps, .. } => u128::from(walkers) * u128::from(steps) * PAGE_BYTES as u128,
        };
        computed * u128::from(self.scale)
    }

    /// Returns the bytes of what a device counts as one cell: a cell of 64 bytes, a block of a pass, a page of a disk.
    pub fn cell_bytes(&self) -> u64 {
        match self.shape {
            Shape::Walk { .. } => CELL_BYTES as u64,
            Shape::Pass { .. } => BLOCK_BYTES as u64,
            Shape::Pages { .. } => PAGE_BYTES as u64,
            Shape::Product { .. } | Shape::Chains { .. } | Shape::Link { .. } => 0,
        }
    }

    /// Returns the bytes for which `cells` cells stand.
    pub fn bytes_of_cells(&self, cells: u64) -> u128 {
        u128::from(cells) * u128::from(self.cell_bytes()) * u128::from(self.scale)
    }

    /// Returns the cells that a device with `usable_bytes` fills: the named number, or all that fit when it is 0.
    pub fn cells_for(&self, usable_bytes: u64) -> u64 {
        let (named, most) = match self.shape {
            Shape::Walk { cells, .. } => (cells, CELLS_MAX),
            Shape::Pass { blocks } => (blocks.into(), LEAVES_MAX.into()),
            Shape::Pages { pages, .. } => (pages, PAGES_MAX),
            Shape::Product { .. } | Shape::Chains { .. } | Shape::Link { .. } => return 0,
        };
        if named > 0 { named } else { (usable_bytes / self.cell_bytes() / self.scale.max(1)).min(most) }
    }

    /// Says whether a device may claim to hold `cells` under these parameters.
    pub fn allows_cells(&self, cells: u64) -> bool {
        match self.cell_bytes() {
            0 => cells == 0,
            _ => {
                cells > 0 && self.cells_for(u64::MAX) >= cells && (self.cells_for(0) == 0 || self.cells_for(0) == cells)
            }
        }
    }

    /// Returns the canonical bytes: version, probe, scale, then the shape's fields, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        super::encoding::encode(self)
    }

    /// Reads canonical bytes and validates what they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let parameters = super::encoding::decode(bytes)?;
        parameters.validate()?;
        Ok(parameters)
    }

    /// Returns the digest of the canonical bytes under `gpux/parameters/1`.
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("gpux/parameters/1");
        hasher.update(&self.to_bytes());
        *hasher.finalize().as_bytes()
    }
}
