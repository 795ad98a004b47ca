//! NVIDIA cards: all of a machine, each with a context of its own.
//!
//! Owns the choice of a module by compute capability, the memory of a card and the sequence of launches. What a kernel
//! computes is in `kernels/cuda`, what a card costs is the fisher's to measure. Nothing is linked: the driver is loaded at
//! run time, and a machine without it says so in one line.
//!
//! A round costs launches that nobody waits for and one download of 32 bytes, which does: some 3 microseconds each and
//! 10 for the download, where the rounds of a production plan take 1 to 500 milliseconds.
//!
//! | probe | launches of a round at the sizes of a production plan, and copies |
//! | --- | --- |
//! | `imma`, `hmma` | 2 expansions, the product, 2 of the tree |
//! | `fma32`, `fma64`, `dp4a` | the chains, 2 or 3 of the tree |
//! | `vram` | the walk, 2 of the tree |
//! | `stream` | the pass, 2 or 3 of the tree |
//! | `link` | the blocks there and back, the pass, 2 of the tree; of each trip a launch and a copy of 32 bytes each way |
//!
//! Expansions take n k steps where the product takes n² k, so their share falls with n: 2 % at n = 16,384.
//!
//! *Openings.* A leaf is the hash of the card's own bits, and so is what a card opens: the round is computed again, all of
//! its leaves are brought to the host, and the paths are taken from the tree over them. The verifier computes the bits
//! for itself, so a card that always errs in the same way opens leaves that the verifier finds wrong. One that erred only
//! once opens right leaves that do not lead to the root it sent: that is a path that does not fit, and no wrong bit.

mod chunks;
pub mod driver;
mod error;
mod launches;
mod link;
mod owned;
mod passes;
mod prepare;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use driver::{Driver, Nvidia, Properties};
pub use error::Error;
use session::Session;

use super::{Device, DeviceInfo, DeviceKind, OpenedUnit, Prepared, RoundRoot, engine};
use crate::key::Key;
use crate::probe::Parameters;
use crate::release::Modules;

/// One card, which computes on the thread that it is moved to.
pub struct CudaDevice<D: Driver = Nvidia> {
    session: Option<Session<D>>,
    modules: Arc<Modules>,
    usable_bytes: u64,
    driver: Arc<D>,
}

/// Finds all cards of this machine in the order of their places on the bus.
pub fn devices() -> Result<Vec<CudaDevice>, Error> {
    let modules = Arc::new(Modules::embedded()?);
    Nvidia::all()?.into_iter().map(|card| CudaDevice::new(card, Arc::clone(&modules))).collect()
}

impl<D: Driver> CudaDevice<D> {
    /// Makes a device of a card and the modules of a worker.
    pub fn new(driver: D, modules: Arc<Modules>) -> Result<Self, Error> {
        let usable_bytes = prepare::usable(driver.free_bytes()?);
        Ok(Self { session: None, modules, usable_bytes, driver: Arc::new(driver) })
    }

    /// What the card says of itself.
    pub fn properties(&self) -> &Properties {
        self.driver.properties()
    }

    /// Works with the prepared session. What the driver refused leaves memory in a state that nobody knows, so the session
    /// is over then, and everything that it held is given back.
    fn with<T>(&mut self, work: impl FnOnce(&mut Session<D>) -> Result<T, super::Error>) -> Result<T, super::Error> {
        let mut session = self.session.take().ok_or(super::Error::NotPrepared)?;
        let result = work(&mut session);
        if !matches!(result, Err(super::Error::Cuda(_))) {
            self.session = Some(session);
        }
        result
    }
}

impl<D: Driver> fmt::Debug for CudaDevice<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CudaDevice").field("properties", self.properties()).finish_non_exhaustive()
    }
}

impl<D: Driver> Device for CudaDevice<D> {
    fn info(&self) -> DeviceInfo {
        let name = self.properties().name.clone();
        DeviceInfo { kind: DeviceKind::Cuda, name, usable_bytes: self.usable_bytes }
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, super::Error> {
        // The memory of the session before is given back first.
        self.session = None;
        let (session, prepared) = prepare::session(&self.driver, &self.modules, parameters, fill)?;
        self.session = Some(session);
        Ok(prepared)
    }

    fn round(&mut self, key: &Key) -> Result<RoundRoot, super::Error> {
        self.with(|session| Ok(session.round(key)?))
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, super::Error> {
        self.with(|session| {
            engine::check_units(session.units, units)?;
            engine::open(session.again(key)?.ok_or(super::Error::NoSuchRound)?, units)
        })
    }
}
