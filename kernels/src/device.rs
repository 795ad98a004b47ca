//! The seam behind which rounds are computed.
//!
//! Owns the trait that the worker drives and its implementations: `cuda` (real: NVIDIA cards), `cpu` and `disk` (real: this
//! machine's cores, memory and disk) and `paced` (simulated: exact results at a reduced size, answered no earlier than the named model would). A
//! device computes and opens; it never times itself and is never believed.

use crate::key::{Digest, Key};
use crate::probe::{self, Parameters};

pub mod cpu;
pub mod cuda;
pub mod disk;
mod engine;
pub mod host;
pub mod paced;

/// The root of a round.
pub type RoundRoot = Digest;

/// The most units that are opened in one call.
pub const OPENED_MAX: usize = crate::draw::DRAWN_MAX as usize;

/// What executes the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// An NVIDIA card.
    Cuda,
    /// The cores and memory of the machine.
    Cpu,
    /// A simulated card: for development markets and tests only.
    Paced,
}

impl DeviceKind {
    /// Returns the stable name; evidence of a simulated device says so.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Cpu => "cpu",
            Self::Paced => "simulated",
        }
    }
}

/// What a device says of itself: shown, never scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What executes.
    pub kind: DeviceKind,
    /// The model's name.
    pub name: String,
    /// Memory that a job can fill, in real bytes.
    pub usable_bytes: u64,
}

/// What a device is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Cells that the device says it holds; 0 for probes without memory.
    pub cells: u64,
}

/// A unit with its inclusion path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedUnit {
    /// The leaf that the round's root commits to.
    pub leaf: Digest,
    /// The path to the round's root, from the leaf upwards.
    pub path: Vec<Digest>,
}

/// Why a device does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The parameters are outside the envelope.
    #[error(transparent)]
    Parameters(#[from] probe::Error),
    /// A round was asked for before parameters were.
    #[error("the device was not prepared")]
    NotPrepared,
    /// The device has no unit for this probe.
    #[error("{0} cannot run probe {1}")]
    Unsupported(String, probe::ProbeId),
    /// There is less memory than the parameters ask for.
    #[error("{asked} bytes do not fit into {usable} usable bytes")]
    Memory {
        /// Bytes asked for.
        asked: u64,
        /// Bytes that can be filled.
        usable: u64,
    },
    /// A simulated device computes reduced sizes only.
    #[error("{what} of {value} is too large to simulate, the most is {max}")]
    TooLargeToSimulate {
        /// What is too large.
        what: &'static str,
        /// Its value.
        value: u128,
        /// The most.
        max: u128,
    },
    /// A round that builds upon the ones before it was never computed here.
    #[error("that round was not computed in this session")]
    NoSuchRound,
    /// A unit does not exist, or more are asked for than are ever opened.
    #[error("unit {unit} cannot be opened, there are {units}")]
    NoSuchUnit {
        /// The unit.
        unit: u32,
        /// The round's units.
        units: u32,
    },
    /// More units are asked for than a session opens.
    #[error("{0} units cannot be opened at once, the most is {OPENED_MAX}")]
    TooMany(usize),
    /// The simulated device refused.
    #[error("the simulated device answered: {0}")]
    Refused(String),
    /// The simulated device's bytes make no sense.
    #[error("the simulated device's answer is malformed: {0}")]
    Protocol(&'static str),
    /// The connection to the simulated device failed.
    #[error("the simulated device is gone")]
    Io(#[from] std::io::Error),
    /// A card cannot be used.
    #[error(transparent)]
    Cuda(#[from] cuda::Error),
    /// The disk cannot be written or read.
    #[error("the file of the disk probe: {0}")]
    Disk(std::io::Error),
}

/// One card, or the host's cores and memory.
pub trait Device: Send {
    /// Says what the device is.
    fn info(&self) -> DeviceInfo;

    /// Gets ready for a session, untimed: allocates, and fills memory under `fill` (made by [`Key::fill`] from the
    /// session's fill seed and the device's index).
    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, Error>;

    /// Computes a round and returns its root.
    fn round(&mut self, key: &Key) -> Result<RoundRoot, Error>;

    /// Recomputes a round, untimed, and returns units of it in the order asked for. Rounds of a session that build upon
    /// each other (`stream`) are opened in the order in which they were computed, or each costs all before it again.
    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error>;
}
