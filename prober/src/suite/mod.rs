//! Every probe that this machine can run, on itself: what there is, how much of it is used, and one session a probe. Shared by
//! `check` and `calibrate`. Never compares with a claim. Invariant: nothing fills more than half of what is free, and what
//! was filled is given back before the next probe.
mod claim;
mod sizes;

pub use claim::{Claim, Error as ClaimError, find};
pub use sizes::{Length, Limits, Unfit, fitted};

use crate::{
    job::{self, Devices},
    session::{Failure, Watch, local},
};
use gpux_kernels::{
    Parameters, ProbeId,
    device::{DeviceInfo, cpu::CpuDevice, disk::DiskDevice, host},
    plan::Plan,
};
use std::path::PathBuf;

/// The probes of a card, in the order in which they run.
pub const OF_CARDS: [ProbeId; 8] = [
    ProbeId::Imma,
    ProbeId::Hmma,
    ProbeId::Fma32,
    ProbeId::Fma64,
    ProbeId::Dp4a,
    ProbeId::Vram,
    ProbeId::Stream,
    ProbeId::Link,
];
/// The probes of the machine itself.
pub const OF_HOST: [ProbeId; 3] = [ProbeId::Cpu, ProbeId::Ram, ProbeId::Disk];

/// What there is on this machine, as its operating system and drivers say.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Threads that may run at once.
    pub threads: usize,
    /// Bytes of main memory.
    pub memory_bytes: u64,
    /// Its cards, or why there is none.
    pub cards: Result<Vec<DeviceInfo>, String>,
}

impl Machine {
    /// Looks around.
    #[must_use]
    pub fn look() -> Self {
        let cards = job::cards();
        let found =
            |devices: Vec<Box<dyn gpux_kernels::device::Device>>| devices.iter().map(|card| card.info()).collect();
        Self {
            processor: host::processor_name().unwrap_or_else(|| "processor".into()),
            threads: host::threads(),
            memory_bytes: host::memory_bytes().unwrap_or(0),
            cards: cards.map(found).map_err(|error| error.to_string()),
        }
    }

    /// Its cards; none is an empty list.
    #[must_use]
    pub fn cards(&self) -> &[DeviceInfo] {
        self.cards.as_deref().unwrap_or_default()
    }
}

/// How the suite runs.
#[derive(Debug, Clone)]
pub struct Suite {
    /// How long.
    pub length: Length,
    /// The folder whose disk is probed.
    pub folder: PathBuf,
    /// Only this card, counted from 0; otherwise all of them at once.
    pub card: Option<usize>,
}

/// There is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The probe does not fit on this machine.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The session could not begin, or could not be examined.
    #[error("{}", .0.detail)]
    Session(Failure),
}

/// A probe that ran.
#[derive(Debug)]
pub struct Ran {
    /// What was asked.
    pub plan: Plan,
    /// What the session showed.
    pub held: local::Held,
}

impl Suite {
    /// Runs one probe.
    pub async fn run(&self, probe: ProbeId, watch: &Watch) -> Result<Ran, Error> {
        let limits = Limits::now(&self.folder);
        let plan = fitted(probe, self.length, &limits)?;
        let suite = self.clone();
        let choose = move |parameters: &Parameters| suite.devices(parameters.probe, &limits);
        let held = local::hold(&plan, choose, watch).await.map_err(Error::Session)?;
        Ok(Ran { plan, held })
    }

    fn devices(&self, probe: ProbeId, limits: &Limits) -> Devices {
        match probe {
            ProbeId::Disk => Ok(vec![Box::new(DiskDevice::new(&self.folder)?)]),
            probe if probe.on_host() => {
                Ok(vec![Box::new(CpuDevice::new(host::threads()).with_usable_bytes(limits.memory_bytes))])
            }
            _ => {
                let cards = job::cards()?;
                let asked = (0..).zip(cards).filter(|(at, _)| self.card.is_none_or(|card| card == *at));
                Ok(asked.map(|(_, card)| card).collect())
            }
        }
    }
}
