//! The real device of every machine: its cores and its memory.
//!
//! Runs any probe on all of its threads; memory probes allocate and fill what they claim. It is what `cpu` and `ram`
//! measure, and the reference that cards are compared with in tests.

use super::engine::{self, Engine, Holding};
use super::{Device, DeviceInfo, DeviceKind, Error, OpenedUnit, Prepared, RoundRoot, host};
use crate::key::Key;
use crate::merkle::{self, Domain};
use crate::probe::{Parameters, ProbeId};

/// The cores and memory of this machine.
#[derive(Debug)]
pub struct CpuDevice {
    threads: usize,
    usable_bytes: u64,
    engine: Option<Engine>,
}

impl CpuDevice {
    /// Makes a device of `threads` threads whose usable memory is three quarters of what is available now: filling
    /// all of it would push the machine into swap and measure the disk.
    pub fn new(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
            usable_bytes: host::available_memory_bytes().unwrap_or(0) / 4 * 3,
            engine: None,
        }
    }

    /// Limits the memory that a job can fill.
    pub fn with_usable_bytes(mut self, bytes: u64) -> Self {
        self.usable_bytes = bytes;
        self
    }

    fn engine(&mut self) -> Result<&mut Engine, Error> {
        self.engine.as_mut().ok_or(Error::NotPrepared)
    }
}

fn name() -> String {
    host::processor_name().unwrap_or_else(|| "cpu".to_owned())
}

impl Device for CpuDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { kind: DeviceKind::Cpu, name: name(), usable_bytes: self.usable_bytes }
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, Error> {
        parameters.validate()?;
        if parameters.probe == ProbeId::Disk {
            return Err(Error::Unsupported(name(), parameters.probe));
        }
        // The memory of the session before is given back first.
        self.engine = None;
        let cells = parameters.cells_for(self.usable_bytes);
        let asked = cells.saturating_mul(parameters.cell_bytes());
        if parameters.cell_bytes() > 0 && (cells == 0 || asked > self.usable_bytes) {
            return Err(Error::Memory { asked, usable: self.usable_bytes });
        }
        self.engine = Some(Engine::new(self.threads, *parameters, fill, Holding { cells, held: cells })?);
        Ok(Prepared { cells })
    }

    fn round(&mut self, key: &Key) -> Result<RoundRoot, Error> {
        Ok(merkle::root(Domain::Round, self.engine()?.round(key)))
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
        let engine = self.engine()?;
        engine::check_units(engine.units(), units)?;
        engine::open(engine.again(key)?, units)
    }
}
