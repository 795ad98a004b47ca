//! Cards behind NVIDIA's driver, which is loaded at run time: this program needs no CUDA to be built or started.
//!
//! Uses the thin layer of cudarc, whose functions are the driver's with results. Its safe layer would allocate from pools
//! and record events, and a probe has neither to trust nor to pay for them. Each card has its primary context and the
//! default stream of it; a context is made current before every call, since calls come from whichever thread the card
//! was moved to.

#![allow(unsafe_code)] // Every function of the driver is foreign.

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;

use super::{Address, Argument, Driver, Failure, Geometry, Pointers, Properties, Refusal};
use crate::device::cuda::Error;

/// The version that has every function that is called here; cudarc panics where one is missing.
const OLDEST: (u32, u32) = (11, 0);
/// What the driver's compiler may write about a module that it refuses.
const LOG_BYTES: usize = 1_024;

/// One card of this machine.
#[derive(Debug)]
pub struct Nvidia {
    context: Arc<Context>,
    properties: Properties,
}

/// The primary context of a card, held until nothing needs it.
#[derive(Debug)]
struct Context {
    device: sys::CUdevice,
    context: sys::CUcontext,
}

// SAFETY: the driver's functions may be called from any thread, and the handles are never changed.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// A loaded module.
#[derive(Clone, Copy, Debug)]
pub struct Module(sys::CUmodule);

// SAFETY: a handle, which the driver's functions take on any thread.
unsafe impl Send for Module {}

/// A kernel of a loaded module.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(sys::CUfunction);

// SAFETY: a handle, which the driver's functions take on any thread.
unsafe impl Send for Kernel {}

/// Page-locked memory of the host.
#[derive(Debug)]
pub struct Staging {
    context: Arc<Context>,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is of the process and owned by this value alone.
unsafe impl Send for Staging {}

fn failure(call: &'static str) -> impl Fn(DriverError) -> Failure {
    move |error| {
        let name = error.error_name().map_or("an unknown error".into(), CStr::to_string_lossy);
        Failure { call, code: error.0 as u32, name: name.into_owned() }
    }
}

impl Nvidia {
    /// Finds every card of the machine that the driver shows, in the order of their places on the bus.
    pub fn all() -> Result<Vec<Self>, Error> {
        // SAFETY: loads the driver's library, whose initialisers are trusted as much as the driver is. Everything else
        // here would panic without it.
        if !unsafe { sys::is_culib_present() } {
            return Err(Error::NoDriver);
        }
        match result::init().map_err(failure("cuInit")) {
            Err(Failure { code: Failure::NO_DEVICE, .. }) => return Err(Error::NoCard),
            other => other?,
        }
        let version = version()?;
        if version < OLDEST {
            return Err(Error::OldDriver(version));
        }
        let count = result::device::get_count().map_err(failure("cuDeviceGetCount"))?;
        let mut cards = (0..count).map(|ordinal| Self::open(ordinal, version)).collect::<Result<Vec<_>, _>>()?;
        cards.sort_by(|one, other| one.properties.bus.cmp(&other.properties.bus));
        if cards.is_empty() { Err(Error::NoCard) } else { Ok(cards) }
    }

    fn open(ordinal: i32, driver: (u32, u32)) -> Result<Self, Failure> {
        let device = result::device::get(ordinal).map_err(failure("cuDeviceGet"))?;
        let properties = properties(device, driver)?;
        // SAFETY: the device is of `device::get`.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(failure("cuDevicePrimaryCtxRetain"))?;
        Ok(Self { context: Arc::new(Context { device, context }), properties })
    }
}

/// The newest CUDA version that the driver knows, major and minor.
fn version() -> Result<(u32, u32), Failure> {
    let mut version = 0;
    // SAFETY: writes one integer.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().map_err(failure("cuDriverGetVersion"))?;
    // 1000 times major plus 10 times minor.
    let version = version.unsigned_abs();
    Ok((version / 1_000, version % 1_000 / 10))
}

fn properties(device: sys::CUdevice, driver: (u32, u32)) -> Result<Properties, Failure> {
    use sys::CUdevice_attribute as Name;
    let attribute = |name| {
        // SAFETY: the device is of `device::get`.
        let value = unsafe { result::device::get_attribute(device, name) };
        value.map(i32::unsigned_abs).map_err(failure("cuDeviceGetAttribute"))
    };
    // SAFETY: the device is of `device::get`.
    let memory = unsafe { result::device::total_mem(device) }.map_err(failure("cuDeviceTotalMem"))?;
    let capability = 10 * attribute(Name::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?
        + attribute(Name::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(Properties {
        name: result::device::get_name(device).map_err(failure("cuDeviceGetName"))?,
        // Below 10 * 2^16 by far; should a driver ever answer nonsense, no module fits.
        capability: u16::try_from(capability).unwrap_or_default(),
        multiprocessors: attribute(Name::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        clock_khz: attribute(Name::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?,
        memory_bytes: memory as u64,
        bus: format!(
            "{:04x}:{:02x}:{:02x}",
            attribute(Name::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?,
            attribute(Name::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?,
            attribute(Name::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?,
        ),
        driver,
    })
}

impl Context {
    /// Makes the context current on the calling thread.
    fn enter(&self) -> Result<(), Failure> {
        // SAFETY: the context is held.
        unsafe { result::ctx::set_current(self.context) }.map_err(failure("cuCtxSetCurrent"))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: retained once and not released. A failure means that the driver has ended, and the context with it.
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}

impl Driver for Nvidia {
    type Module = Module;
    type Kernel = Kernel;
    type Staging = Staging;

    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn free_bytes(&self) -> Result<u64, Failure> {
        self.context.enter()?;
        let (free, _) = result::mem_get_info().map_err(failure("cuMemGetInfo"))?;
        Ok(free as u64)
    }

    fn allocate(&self, bytes: u64) -> Result<Address, Failure> {
        self.context.enter()?;
        // More than the address space becomes more than there is, and not less.
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        // SAFETY: what is returned is an address and no reference, so its content does not matter.
        unsafe { result::malloc_sync(bytes) }.map(Address).map_err(failure("cuMemAlloc"))
    }

    unsafe fn free(&self, Address(address): Address) {
        if self.context.enter().is_ok() {
            // SAFETY: as the caller says.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    fn staging(&self, bytes: usize) -> Result<Staging, Failure> {
        self.context.enter()?;
        // SAFETY: the content is set below, before anything can read it. The driver allocates no empty memory.
        let start = unsafe { result::malloc_host(bytes.max(1), 0) }.map_err(failure("cuMemHostAlloc"))?;
        let null = || Failure { call: "cuMemHostAlloc", code: 0, name: "success without memory".into() };
        let start = NonNull::new(start.cast::<u8>()).ok_or_else(null)?;
        // SAFETY: as many bytes were allocated.
        unsafe { start.write_bytes(0, bytes) };
        Ok(Staging { context: Arc::clone(&self.context), start, bytes })
    }

    unsafe fn upload(&self, Address(to): Address, from: &[u8]) -> Result<(), Failure> {
        self.context.enter()?;
        // SAFETY: as the caller says; returns when the bytes were read.
        unsafe { result::memcpy_htod_sync(to, from) }.map_err(failure("cuMemcpyHtoD"))
    }

    unsafe fn download(&self, Address(from): Address, to: &mut [u8]) -> Result<(), Failure> {
        self.context.enter()?;
        // SAFETY: as the caller says; returns when the bytes were written.
        unsafe { result::memcpy_dtoh_sync(to, from) }.map_err(failure("cuMemcpyDtoH"))
    }

    fn load(&self, ptx: &CStr) -> Result<Module, Refusal> {
        self.context.enter().map_err(|failure| Refusal { failure, log: String::new() })?;
        let mut log = [0u8; LOG_BYTES];
        let mut names =
            [sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER, sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
        // A size stands in the place of a pointer, as the option is defined. The driver keeps a byte for the end.
        let mut values = [log.as_mut_ptr().cast::<c_void>(), ptr::without_provenance_mut(LOG_BYTES)];
        let mut module = MaybeUninit::uninit();
        // SAFETY: the text ends with a zero, the two options have a value each, and the log is as long as it says.
        let answer = unsafe {
            sys::cuModuleLoadDataEx(
                module.as_mut_ptr(),
                ptx.as_ptr().cast(),
                names.len() as u32,
                names.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        };
        let refusal = |error| {
            let log = CStr::from_bytes_until_nul(&log).unwrap_or_default().to_string_lossy().trim().to_owned();
            Refusal { failure: failure("cuModuleLoadDataEx")(error), log }
        };
        answer.result().map_err(refusal)?;
        // SAFETY: written by a call that succeeded.
        Ok(Module(unsafe { module.assume_init() }))
    }

    unsafe fn unload(&self, Module(module): Module) {
        if self.context.enter().is_ok() {
            // SAFETY: as the caller says.
            let _ = unsafe { result::module::unload(module) };
        }
    }

    unsafe fn kernel(&self, Module(module): Module, name: &CStr) -> Result<Kernel, Failure> {
        self.context.enter()?;
        // SAFETY: as the caller says.
        let kernel = unsafe { result::module::get_function(module, name.to_owned()) };
        kernel.map(Kernel).map_err(failure("cuModuleGetFunction"))
    }

    unsafe fn launch(&self, Kernel(kernel): Kernel, shape: Geometry, arguments: &[Argument]) -> Result<(), Failure> {
        self.context.enter()?;
        let mut pointers = Pointers::new(arguments);
        let (grid, block) = ((shape.grid[0], shape.grid[1], 1), (shape.block, 1, 1));
        // SAFETY: as the caller says; the arguments are read before the call returns.
        let launched =
            unsafe { result::launch_kernel(kernel, grid, block, 0, result::stream::null(), pointers.as_mut_slice()) };
        launched.map_err(failure("cuLaunchKernel"))
    }

    fn synchronise(&self) -> Result<(), Failure> {
        self.context.enter()?;
        result::ctx::synchronize().map_err(failure("cuCtxSynchronize"))
    }
}

impl AsRef<[u8]> for Staging {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: allocated and set for as long as this value lives; the card touches it during copies only, which
        // borrow it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }
}

impl AsMut<[u8]> for Staging {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else holds a reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if self.context.enter().is_ok() {
            // SAFETY: of `malloc_host`, and nothing uses it any more.
            let _ = unsafe { result::free_host(self.start.as_ptr().cast()) };
        }
    }
}
