//! What is launched for each probe, as data: kernels, geometry and arguments from shapes, keys and addresses.
//!
//! Owns the interface of `kernels/cuda`: names of kernels, threads of a block, order of arguments. Never touches a card.
//! Invariant: what a launch reads and writes lies within the memory that the same shape is given here.

pub(super) mod blocks;
pub(super) mod cells;
pub(super) mod chains;
pub(super) mod product;
pub(super) mod tree;

use super::driver::{Argument, Geometry};
use crate::probe::ProbeId;

/// A kernel of the sources, called by its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    pub(super) kernel: &'static str,
    pub(super) geometry: Geometry,
    pub(super) arguments: Vec<Argument>,
}

/// A launch of `grid` blocks of `block` threads.
fn launch(kernel: &'static str, grid: [u32; 2], block: u32, arguments: Vec<Argument>) -> Launch {
    Launch { kernel, geometry: Geometry { grid, block }, arguments }
}

/// The kernels that a probe's rounds are made of; none for a probe of the host.
pub(super) fn kernels(probe: ProbeId) -> &'static [&'static str] {
    match probe {
        ProbeId::Imma => &["gpux_expand_i8", "gpux_imma", tree::KERNEL],
        ProbeId::Hmma => &["gpux_expand_f16", "gpux_hmma", tree::KERNEL],
        ProbeId::Fma32 => &["gpux_fma32", tree::KERNEL],
        ProbeId::Fma64 => &["gpux_fma64", tree::KERNEL],
        ProbeId::Dp4a => &["gpux_dp4a", tree::KERNEL],
        ProbeId::Vram => &["gpux_fill", "gpux_walk", tree::KERNEL],
        ProbeId::Stream => &["gpux_block_fill", "gpux_stream", tree::KERNEL],
        ProbeId::Link => &["gpux_link", "gpux_trip", tree::KERNEL],
        ProbeId::Cpu | ProbeId::Ram | ProbeId::Disk | ProbeId::Net => &[],
    }
}
