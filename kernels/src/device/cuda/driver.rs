//! The seam to a card's driver: memory, modules, launches, copies, and nothing of what they are for.
//!
//! One value is one card with one context and one stream: everything takes effect in the order of the calls. Real cards
//! are [`Nvidia`]; tests put fakes in its place, of which one executes the kernels on the host. Invariant: an
//! implementation never panics, whatever the driver answers.

#![allow(unsafe_code)] // Says what callers must keep.

mod arguments;
mod nvidia;

use std::ffi::CStr;
use std::fmt;

pub use arguments::{Argument, Pointers};
pub use nvidia::Nvidia;

/// Where memory of a card begins, as its kernels see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u64);

impl Address {
    /// Goes on by some bytes.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

/// How many blocks of how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Blocks, by x and y.
    pub grid: [u32; 2],
    /// Threads of a block.
    pub block: u32,
}

/// What a card says of itself: shown, never scored, and the capability decides which modules it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The model's name.
    pub name: String,
    /// The compute capability times ten: 86 for 8.6.
    pub capability: u16,
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// The highest clock of the multiprocessors.
    pub clock_khz: u32,
    /// Bytes on the card.
    pub memory_bytes: u64,
    /// Domain, bus and device in hexadecimal digits, as `0000:65:00`.
    pub bus: String,
    /// The newest CUDA version that the driver knows, major and minor.
    pub driver: (u32, u32),
}

impl fmt::Display for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        write!(
            f,
            "{} at {}: capability {}.{}, {} multiprocessors at up to {} MHz, {gib:.1} GiB, driver for CUDA {}.{}",
            self.name,
            self.bus,
            self.capability / 10,
            self.capability % 10,
            self.multiprocessors,
            self.clock_khz / 1_000,
            self.driver.0,
            self.driver.1,
        )
    }
}

/// What the driver answered instead of success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} answered {name} ({code})")]
pub struct Failure {
    /// The driver's function.
    pub call: &'static str,
    /// The driver's number.
    pub code: u32,
    /// The driver's name of the number.
    pub name: String,
}

impl Failure {
    /// The number of `CUDA_ERROR_INVALID_VALUE`.
    pub const INVALID_VALUE: u32 = 1;
    /// The number of `CUDA_ERROR_OUT_OF_MEMORY`.
    pub const OUT_OF_MEMORY: u32 = 2;
    /// The number of `CUDA_ERROR_NO_DEVICE`.
    pub const NO_DEVICE: u32 = 100;
    /// The number of `CUDA_ERROR_NOT_FOUND`.
    pub const NOT_FOUND: u32 = 500;
}

/// A module that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the driver answered.
    pub failure: Failure,
    /// What its compiler wrote, which may be nothing.
    pub log: String,
}

/// One card.
pub trait Driver: Send + Sync {
    /// A loaded module.
    type Module: Copy + Send;
    /// A kernel of a loaded module.
    type Kernel: Copy + Send;
    /// Memory of the host that the card reads and writes without a detour; given back when dropped.
    type Staging: AsRef<[u8]> + AsMut<[u8]> + Send;

    /// What the card says of itself.
    fn properties(&self) -> &Properties;

    /// How many bytes could be allocated now, all together.
    fn free_bytes(&self) -> Result<u64, Failure>;

    /// Allocates memory, whose content is anything. It begins at a multiple of 256 bytes.
    fn allocate(&self, bytes: u64) -> Result<Address, Failure>;

    /// Gives memory back when all launches before have ended. A driver that fails here has lost the memory already.
    ///
    /// # Safety
    /// The address is of [`allocate`](Self::allocate) and was not given back, and nothing uses the memory from now on.
    unsafe fn free(&self, address: Address);

    /// Allocates zeros in the host's memory.
    fn staging(&self, bytes: usize) -> Result<Self::Staging, Failure>;

    /// Copies to the card.
    ///
    /// # Safety
    /// All bytes from the address on are of one allocation.
    unsafe fn upload(&self, to: Address, from: &[u8]) -> Result<(), Failure>;

    /// Copies to the host when all launches before have ended.
    ///
    /// # Safety
    /// All bytes from the address on are of one allocation.
    unsafe fn download(&self, from: Address, to: &mut [u8]) -> Result<(), Failure>;

    /// Compiles and loads a module.
    fn load(&self, ptx: &CStr) -> Result<Self::Module, Refusal>;

    /// Gives a module back.
    ///
    /// # Safety
    /// The module is of [`load`](Self::load) and was not given back, and none of its kernels is used from now on.
    unsafe fn unload(&self, module: Self::Module);

    /// Finds a kernel.
    ///
    /// # Safety
    /// The module is of [`load`](Self::load) and was not given back.
    unsafe fn kernel(&self, module: Self::Module, name: &CStr) -> Result<Self::Kernel, Failure>;

    /// Launches a kernel and does not wait for its end.
    ///
    /// # Safety
    /// The kernel is of a module that stays loaded until the launch has ended, the arguments are those that it declares,
    /// and what it reads and writes lies in allocations that stay until then.
    unsafe fn launch(&self, kernel: Self::Kernel, geometry: Geometry, arguments: &[Argument]) -> Result<(), Failure>;

    /// Waits until everything has ended.
    fn synchronise(&self) -> Result<(), Failure>;
}
