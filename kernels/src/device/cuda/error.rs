//! Why a card cannot be used.

use super::driver::{Failure, Refusal};
use crate::probe::ProbeId;
use crate::release;

/// Why a card cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The driver's library is not there.
    #[error(
        "no NVIDIA driver on this machine (libcuda was not found): GPU probes cannot run here; install the driver, or give \
         the container its GPUs"
    )]
    NoDriver,
    /// The driver shows no card.
    #[error(
        "the NVIDIA driver of this machine shows no GPU: GPU probes cannot run here; see what nvidia-smi lists and \
         whether CUDA_VISIBLE_DEVICES hides it"
    )]
    NoCard,
    /// The driver knows less than modules and this program need.
    #[error("the NVIDIA driver of this machine is for CUDA {}.{}: GPU probes need one for 11.0 or later", .0.0, .0.1)]
    OldDriver((u32, u32)),
    /// A call of the driver failed.
    #[error(transparent)]
    Driver(#[from] Failure),
    /// The worker's own modules cannot be read.
    #[error(transparent)]
    Modules(#[from] release::Error),
    /// The card is too old for the probe.
    #[error("probe {probe} has no kernels for compute capability {}.{}{}", .capability / 10, .capability % 10, from(.least))]
    Capability {
        /// The probe.
        probe: ProbeId,
        /// The card's capability times ten.
        capability: u16,
        /// The least capability that has the probe's kernels, times ten.
        least: Option<u16>,
    },
    /// The driver did not take a module.
    #[error("the kernels of probe {probe} for compute capability {}.{} were refused: {}", .level / 10, .level % 10, said(.refusal))]
    Refused {
        /// The probe.
        probe: ProbeId,
        /// The module's level.
        level: u16,
        /// What the driver said.
        refusal: Refusal,
    },
    /// A module has no such kernel, which only a damaged worker has.
    #[error("the module of probe {0} has no kernel {1}")]
    NoKernel(ProbeId, &'static str),
    /// Memory is too scattered, or somebody else took it.
    #[error("of {asked} bytes of memory only {got} could be allocated, in pieces of {piece} bytes and more")]
    Memory {
        /// Bytes asked for.
        asked: u64,
        /// Bytes allocated when no further piece could be.
        got: u64,
        /// The smallest piece tried.
        piece: u64,
    },
    /// The kernels' tiles have one size.
    #[error("a GPU computes tiles of 128, not of {0}")]
    Tile(u32),
    /// A real card stands for itself.
    #[error("a GPU computes at scale 1, scale {0} is for simulated ones")]
    Scale(u64),
}

fn from(least: &Option<u16>) -> String {
    least.map_or_else(String::new, |least| format!(", it needs {}.{} or later", least / 10, least % 10))
}

fn said(refusal: &Refusal) -> String {
    match refusal.log.lines().next() {
        Some(line) => format!("{}: {line}", refusal.failure),
        None => refusal.failure.to_string(),
    }
}
