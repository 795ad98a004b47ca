//! What a card gave and is given back: memory, and a module with its kernels.

#![allow(unsafe_code)] // Calls of the driver whose conditions ownership fulfils.

use std::ffi::CString;
use std::sync::Arc;

use super::Error;
use super::driver::{Address, Driver, Failure};
use super::launches::{self, Launch};
use crate::probe::ProbeId;
use crate::release::{self, Modules};

/// Memory of a card.
#[derive(Debug)]
pub(super) struct Buffer<D: Driver> {
    driver: Arc<D>,
    address: Address,
    bytes: u64,
}

impl<D: Driver> Buffer<D> {
    /// Allocates memory, whose content is anything. No driver allocates nothing, so there is always a byte.
    pub(super) fn new(driver: &Arc<D>, bytes: u64) -> Result<Self, Failure> {
        let address = driver.allocate(bytes.max(1))?;
        Ok(Self { driver: Arc::clone(driver), address, bytes })
    }

    pub(super) fn address(&self) -> Address {
        self.address
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies to the card.
    pub(super) fn write(&self, at: u64, from: &[u8]) -> Result<(), Failure> {
        let to = self.place("cuMemcpyHtoD", at, from.len())?;
        // SAFETY: all bytes are of this allocation.
        unsafe { self.driver.upload(to, from) }
    }

    /// Copies to the host.
    pub(super) fn read(&self, at: u64, to: &mut [u8]) -> Result<(), Failure> {
        let from = self.place("cuMemcpyDtoH", at, to.len())?;
        // SAFETY: all bytes are of this allocation.
        unsafe { self.driver.download(from, to) }
    }

    /// Where a copy begins; one that leaves the buffer is answered as a driver would.
    fn place(&self, call: &'static str, at: u64, bytes: usize) -> Result<Address, Failure> {
        let end = at.checked_add(bytes as u64).filter(|end| *end <= self.bytes);
        let beyond = || Failure { call, code: Failure::INVALID_VALUE, name: "CUDA_ERROR_INVALID_VALUE".into() };
        end.map(|_| self.address.plus(at)).ok_or_else(beyond)
    }
}

impl<D: Driver> Drop for Buffer<D> {
    fn drop(&mut self) {
        // SAFETY: allocated by this driver and given back once. Sessions launch nothing after they drop a buffer.
        unsafe { self.driver.free(self.address) }
    }
}

/// A probe's module on a card.
pub(super) struct Loaded<D: Driver> {
    driver: Arc<D>,
    module: D::Module,
    /// By the names that the sources give them; in the module they may have others.
    kernels: Vec<(&'static str, D::Kernel)>,
    probe: ProbeId,
}

impl<D: Driver> Loaded<D> {
    /// Loads the module of the highest level that the card runs.
    pub(super) fn new(driver: &Arc<D>, modules: &Modules, probe: ProbeId) -> Result<Self, Error> {
        let capability = driver.properties().capability;
        let module = modules.find(capability, probe.name()).ok_or_else(|| {
            let least = modules.iter().filter(|module| module.probe == probe.name()).map(|module| module.level).min();
            Error::Capability { probe, capability, least }
        })?;
        let text = |text: &str| CString::new(text).map_err(|_| release::Error::Pack("a text has a zero byte"));
        let refused = |refusal| Error::Refused { probe, level: module.level, refusal };
        let handle = driver.load(&text(&module.text)?).map_err(refused)?;
        let mut loaded = Self { driver: Arc::clone(driver), module: handle, kernels: Vec::new(), probe };
        for name in launches::kernels(probe) {
            let called = text(module.kernel(name))?;
            // SAFETY: the module was just loaded, and is given back by `loaded`.
            let kernel = unsafe { driver.kernel(handle, &called) };
            let kernel = kernel.map_err(|failure| match failure.code {
                Failure::NOT_FOUND => Error::NoKernel(probe, name),
                _ => Error::Driver(failure),
            })?;
            loaded.kernels.push((name, kernel));
        }
        Ok(loaded)
    }

    /// Launches a kernel of the module.
    ///
    /// # Safety
    /// What the arguments address lies in buffers that are not dropped before the launch has ended.
    pub(super) unsafe fn launch(&self, launch: &Launch) -> Result<(), Error> {
        let kernel = self.kernels.iter().find(|(name, _)| *name == launch.kernel);
        let (_, kernel) = kernel.ok_or(Error::NoKernel(self.probe, launch.kernel))?;
        // SAFETY: the module is loaded; `launches` gives each kernel the arguments that it declares, which a test compares
        // with the modules; the caller says the rest.
        unsafe { self.driver.launch(*kernel, launch.geometry, &launch.arguments) }.map_err(Error::Driver)
    }
}

impl<D: Driver> Drop for Loaded<D> {
    fn drop(&mut self) {
        // SAFETY: loaded by this driver and given back once, together with the only copies of its kernels.
        unsafe { self.driver.unload(self.module) }
    }
}
