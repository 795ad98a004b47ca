//! What the crate computes on this machine's cores.

use gpux_kernels::device::cpu::CpuDevice;
use gpux_kernels::device::{Device, OPENED_MAX};
use gpux_kernels::merkle::{self, Domain};
use gpux_kernels::{Digest, Key, Parameters, ProbeId, Shape};

/// A session of the `cpu` device.
pub(crate) struct Reference(CpuDevice);

impl Reference {
    pub(crate) fn new(probe: ProbeId, shape: Shape, fill: &Key) -> Self {
        let mut device = CpuDevice::new(1).with_usable_bytes(1 << 30);
        device.prepare(&Parameters { probe, shape, scale: 1 }, fill).expect("the parameters are in the envelope");
        Self(device)
    }

    /// Compares the leaves of a session's next round.
    pub(crate) fn compare(&mut self, key: &Key, leaves: &[Digest]) -> Result<(), String> {
        let root = self.0.round(key).expect("the device is prepared");
        if merkle::root(Domain::Round, leaves.to_vec()) == root {
            return Ok(());
        }
        let units: Vec<u32> = (0..leaves.len() as u32).collect();
        for part in units.chunks(OPENED_MAX) {
            let opened = self.0.open(key, part).map_err(|error| error.to_string())?;
            if let Some((unit, _)) =
                part.iter().zip(opened).find(|(unit, opened)| leaves[**unit as usize] != opened.leaf)
            {
                return Err(format!("unit {unit} of {} differs", leaves.len()));
            }
        }
        Err(format!("the number of leaves is not {}", leaves.len()))
    }
}

/// Compares bytes and says where they differ first.
pub(crate) fn compare_bytes(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what} has {} bytes, not {}", found.len(), expected.len()));
    }
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        Some(at) => Err(format!("{what} differs from byte {at} of {} on", found.len())),
        None => Ok(()),
    }
}
