//! A driver whose memory is the host's and whose kernels are those of the library.

#![allow(unsafe_code)] // The seam to drivers is.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gpux_kernels::device::cuda::driver::{Address, Argument, Driver, Failure, Geometry, Pointers, Properties, Refusal};
use gpux_kernels::release::{Module, Modules};

use crate::buffer::Buffer;
use crate::compiler::MODULES;
use crate::library::{Kernel, UNCHANGED};
use crate::random::Random;

/// The host as a card.
pub(crate) struct Host {
    properties: Properties,
    /// Larger allocations are refused, as on a card whose memory is in use here and there.
    allocation_bytes_max: u64,
    state: Mutex<State>,
}

struct State {
    buffers: BTreeMap<u64, Buffer>,
    /// Names of the kernels that were looked up, each with its module's.
    kernels: Vec<(String, String)>,
    modules: Vec<String>,
    random: Random,
}

/// Modules whose text is their name, from the levels on that the committed ones have.
pub(crate) fn modules() -> Modules {
    let level = |name| if ["imma", "hmma"].contains(&name) { 75 } else { 61 };
    Modules::new(MODULES.map(|name| Module::new(level(name), name, name)).into())
}

fn failure(call: &'static str, name: impl Into<String>) -> Failure {
    Failure { call, code: Failure::INVALID_VALUE, name: name.into() }
}

impl Host {
    pub(crate) fn new(seed: u64, allocation_bytes_max: u64) -> Self {
        let properties = Properties {
            name: "host".into(),
            capability: 90,
            multiprocessors: 1,
            clock_khz: 1,
            memory_bytes: 1 << 30,
            bus: "0000:00:00".into(),
            driver: (12, 9),
        };
        let (buffers, kernels, modules) = (BTreeMap::new(), Vec::new(), Vec::new());
        let state = State { buffers, kernels, modules, random: Random::new(seed) };
        Self { properties, allocation_bytes_max, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Finds the buffer that an address lies in, and how far behind its beginning.
    fn buffer(&mut self, address: Address) -> Option<(&mut Buffer, usize)> {
        let (start, buffer) = self.buffers.range_mut(..=address.0).next_back()?;
        Some((buffer, (address.0 - start) as usize))
    }
}

impl Driver for Host {
    type Module = usize;
    type Kernel = usize;
    type Staging = Vec<u8>;

    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn free_bytes(&self) -> Result<u64, Failure> {
        Ok(self.properties.memory_bytes)
    }

    fn allocate(&self, bytes: u64) -> Result<Address, Failure> {
        if bytes > self.allocation_bytes_max {
            return Err(Failure { call: "allocate", code: Failure::OUT_OF_MEMORY, name: "out of memory".into() });
        }
        let mut buffer = Buffer::new(bytes as usize);
        let address = buffer.address();
        self.state().buffers.insert(address, buffer);
        Ok(Address(address))
    }

    unsafe fn free(&self, address: Address) {
        let buffer = self.state().buffers.remove(&address.0).expect("given back once");
        // Whoever wrote beyond it is found at the latest now.
        buffer.read().expect("nobody wrote beyond the buffer");
    }

    fn staging(&self, bytes: usize) -> Result<Vec<u8>, Failure> {
        Ok(vec![0; bytes])
    }

    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), Failure> {
        let mut state = self.state();
        let (buffer, at) = state.buffer(to).ok_or_else(|| failure("upload", "no such memory"))?;
        buffer.write(at, from);
        Ok(())
    }

    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<(), Failure> {
        let mut state = self.state();
        let (buffer, at) = state.buffer(from).ok_or_else(|| failure("download", "no such memory"))?;
        let bytes = buffer.read().map_err(|name| failure("download", name))?;
        to.copy_from_slice(&bytes[at..at + to.len()]);
        Ok(())
    }

    fn load(&self, ptx: &CStr) -> Result<usize, Refusal> {
        let mut state = self.state();
        state.modules.push(ptx.to_string_lossy().into_owned());
        Ok(state.modules.len() - 1)
    }

    unsafe fn unload(&self, _: usize) {}

    unsafe fn kernel(&self, module: usize, name: &CStr) -> Result<usize, Failure> {
        let mut state = self.state();
        let found = (state.modules[module].clone(), name.to_string_lossy().into_owned());
        state.kernels.push(found);
        Ok(state.kernels.len() - 1)
    }

    unsafe fn launch(&self, kernel: usize, geometry: Geometry, arguments: &[Argument]) -> Result<(), Failure> {
        let ((module, name), seed) = {
            let mut state = self.state();
            (state.kernels[kernel].clone(), state.random.draw())
        };
        let kernel = Kernel { module: &module, name: &name, grid: geometry.grid, block: geometry.block };
        // SAFETY: as the caller says; addresses are those of buffers, whose guards catch what goes a little astray.
        let ran = unsafe { UNCHANGED.call(&kernel, Pointers::new(arguments).as_mut_slice(), seed) };
        ran.map_err(|name| failure("launch", name))
    }

    fn synchronise(&self) -> Result<(), Failure> {
        Ok(())
    }
}
