//! Which probes exist, and with which parameters.
//!
//! A probe is a sequence of rounds; a round is computed from a [`crate::Key`] (of `stream` from all keys so far) and yields
//! independent units, each of which anybody can recompute alone. [`Parameters::validate`] is the exactness envelope and the hard limit:
//! whatever passes it is exact on every conforming device and bounded in the verifier's time and memory. Numbers and
//! names of probes never change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod encoding;
mod parameters;

pub use parameters::{
    CELLS_MAX, CHAIN_STEPS_MAX, HARD_MIN, LINK_BLOCKS_MAX, PAGE_STEPS_MAX, PAGES_MAX, PRODUCT_EDGE_MAX, Parameters,
    SCALE_MAX, SEGMENT_CALLS_MAX, SINGLE_STEPS_MAX, Shape, TILE_MAX, TRIPS_MAX, WALKERS_MAX,
};

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

    /// Says whether the probe is about the size and residency of memory, which it fills, and not about a rate alone.
    pub fn fills_memory(self) -> bool {
        matches!(self, Self::Vram | Self::Ram)
    }

    /// Returns what the probe measures, as a sentence names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Imma => "int8 tensor rate",
            Self::Hmma => "fp16 tensor rate",
            Self::Fma32 => "fp32 rate",
            Self::Fma64 => "fp64 rate",
            Self::Dp4a => "int8 rate",
            Self::Vram => "memory",
            Self::Stream => "memory bandwidth",
            Self::Link => "link rate",
            Self::Cpu => "CPU rate",
            Self::Ram => "main memory",
            Self::Disk => "disk",
            Self::Net => "network rate",
        }
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
    pub(crate) fn operations_a_step(self) -> u128 {
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

#[cfg(test)]
mod tests;
