//! Which probes exist, with which parameters, and what a round of them is worth.
//!
//! A probe is a sequence of rounds; a round is computed from a [`crate::Key`] alone and yields independent units,
//! each of which anybody can recompute alone. [`Parameters::validate`] is the exactness envelope and the hard limit:
//! whatever passes it is exact on every conforming device and bounded in the verifier's time and memory. Numbers and
//! names of probes never change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::block::BLOCK_BYTES;
use crate::disk::PAGE_BYTES;
use crate::key::Digest;
use crate::merkle::LEAVES_MAX;
use crate::vram::CELL_BYTES;

mod encoding;

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

/// A probe, and with it the advertised resource that it measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum ProbeId {
    /// int8 tensor rate.
    Imma = 1,
    /// fp16 tensor rate.
    Hmma = 2,
    /// fp32 rate.
    Fma32 = 3,
    /// fp64 rate.
    Fma64 = 4,
    /// int8 rate of CUDA cores.
    Dp4a = 5,
    /// Device memory: size and residency.
    Vram = 6,
    /// Device memory bandwidth.
    Stream = 7,
    /// PCIe link and locality.
    Link = 8,
    /// The host's cores: `fma64` on every advertised thread at once.
    Cpu = 9,
    /// Host memory: `vram` on the host.
    Ram = 10,
    /// Disk.
    Disk = 11,
    /// Network.
    Net = 12,
}

impl ProbeId {
    /// Every probe, by number.
    pub const ALL: [Self; 12] = [
        Self::Imma,
        Self::Hmma,
        Self::Fma32,
        Self::Fma64,
        Self::Dp4a,
        Self::Vram,
        Self::Stream,
        Self::Link,
        Self::Cpu,
        Self::Ram,
        Self::Disk,
        Self::Net,
    ];

    /// Returns the stable number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imma => "imma",
            Self::Hmma => "hmma",
            Self::Fma32 => "fma32",
            Self::Fma64 => "fma64",
            Self::Dp4a => "dp4a",
            Self::Vram => "vram",
            Self::Stream => "stream",
            Self::Link => "link",
            Self::Cpu => "cpu",
            Self::Ram => "ram",
            Self::Disk => "disk",
            Self::Net => "net",
        }
    }

    /// Says whether the probe belongs to the host machine and not to a card.
    pub fn on_host(self) -> bool {
        matches!(self, Self::Cpu | Self::Ram | Self::Disk | Self::Net)
    }

    /// Says whether the probe fills memory or a disk, so that what it held counts beside its rate.
    pub fn fills_memory(self) -> bool {
        matches!(self, Self::Vram | Self::Ram | Self::Stream | Self::Disk)
    }

    /// Returns the unit of the probe's rate, for people.
    pub fn rate_unit(self) -> &'static str {
        match self {
            Self::Imma | Self::Dp4a => "op/s",
            Self::Hmma | Self::Fma32 | Self::Fma64 | Self::Cpu => "flop/s",
            Self::Vram | Self::Ram => "reads/s",
            Self::Stream | Self::Link | Self::Disk => "B/s",
            Self::Net => "bit/s",
        }
    }

    /// Returns the operations of a lane's step; 0 for probes without chains.
    fn operations_a_step(self) -> u128 {
        match self {
            // Eight pairs, two multiply-adds each.
            Self::Fma32 => 32,
            // Four pairs.
            Self::Fma64 | Self::Cpu => 16,
            // Four groups of four products of four bytes, each with its addition.
            Self::Dp4a => 128,
            _ => 0,
        }
    }
}

impl fmt::Display for ProbeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<u8> for ProbeId {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|probe| probe.number() == number).ok_or(Error::UnknownNumber(number))
    }
}

impl FromStr for ProbeId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownName(name.chars().take(32).collect());
        Self::ALL.into_iter().find(|probe| probe.name() == name).ok_or_else(unknown)
    }
}

/// Why parameters or a probe are refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// No probe has this number.
    #[error("no probe has number {0}")]
    UnknownNumber(u8),
    /// No probe has this name.
    #[error("no probe is called {0:?}")]
    UnknownName(String),
    /// The shape belongs to another probe, or the probe is not in this version.
    #[error("probe {0} does not take parameters of this shape")]
    WrongShape(ProbeId),
    /// A parameter is outside the envelope.
    #[error("{name} is {value}, outside {min}..={max}")]
    OutOfRange {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The least allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// The bytes are not the canonical encoding of parameters.
    #[error("{0} bytes are no canonical parameters")]
    Malformed(usize),
}

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
        encoding::encode(self)
    }

    /// Reads canonical bytes and validates what they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let parameters = encoding::decode(bytes)?;
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

#[cfg(test)]
mod tests;
