//! `fma32`, `fma64` and `dp4a`: one launch, a thread a lane.

use super::{Launch, launch};
use crate::device::cuda::driver::Address;
use crate::key::Key;
use crate::probe::ProbeId;

const THREADS: u32 = 256;

/// A round; `None` for probes without chains.
pub(in crate::device::cuda) fn round(
    probe: ProbeId,
    (lanes, steps): (u32, u32),
    key: &Key,
    leaves: Address,
) -> Option<Launch> {
    let kernel = match probe {
        ProbeId::Fma32 => "gpux_fma32",
        ProbeId::Fma64 => "gpux_fma64",
        ProbeId::Dp4a => "gpux_dp4a",
        _ => return None,
    };
    let [k0, k1] = key.words();
    let arguments = vec![lanes.into(), steps.into(), k0.into(), k1.into(), leaves.into()];
    Some(launch(kernel, [lanes.div_ceil(THREADS), 1], THREADS, arguments))
}
