//! A built library, and launches as a driver does them.

#![allow(unsafe_code)] // One foreign function.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::LazyLock;

use crate::compiler::{MODULES, Sources};
use crate::random::Random;

/// All modules as they are.
pub(crate) static UNCHANGED: LazyLock<Library> = LazyLock::new(|| Library::load(&Sources::read().library(&MODULES)));

const MESSAGE_BYTES: usize = 1_024;

type Launch = unsafe extern "C" fn(
    module: *const c_char,
    kernel: *const c_char,
    grid: *const u32,
    block: *const u32,
    arguments: *mut *mut c_void,
    seed: u64,
    message: *mut c_char,
    message_bytes: usize,
) -> c_int;

/// A library of kernels for this machine.
pub(crate) struct Library {
    launch: Launch,
    /// Keeps `launch` where it is.
    _library: libloading::Library,
}

/// A kernel with its dimensions.
pub(crate) struct Kernel<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) grid: [u32; 2],
    pub(crate) block: u32,
}

impl Library {
    pub(crate) fn load(path: &Path) -> Self {
        // SAFETY: the library was built from this repository's sources; its initialisers only register kernels.
        let library = unsafe { libloading::Library::new(path) }.expect("what was linked can be loaded");
        // SAFETY: the signature is that of `gpux_host_launch` in cuda/host/launch.cpp.
        let launch = unsafe { library.get::<Launch>(b"gpux_host_launch") }.map(|symbol| *symbol);
        Self { launch: launch.expect("the function is exported"), _library: library }
    }

    /// Runs a kernel to its end. Arguments are 32 or 64 bits wide, as the kernel declares them; addresses are those of
    /// buffers. The schedule is drawn.
    pub(crate) fn launch(&self, kernel: &Kernel, arguments: &[u64], random: &mut Random) -> Result<(), String> {
        // The low 32 bits of a little-endian word stand where the word begins.
        let mut words = arguments.iter().map(|word| word.to_le()).collect::<Vec<_>>();
        let mut pointers: Vec<*mut c_void> = words.iter_mut().map(|word| std::ptr::from_mut(word).cast()).collect();
        // SAFETY: the pointers are to live words. The kernel gets addresses of buffers only, whose guards catch what goes a
        // little astray.
        unsafe { self.call(kernel, &mut pointers, random.draw()) }
    }

    /// Runs a kernel to its end under a schedule.
    ///
    /// # Safety
    /// The pointers are to live arguments, as many and as wide as the kernel declares, and addresses among them to memory.
    pub(crate) unsafe fn call(&self, kernel: &Kernel, pointers: &mut [*mut c_void], seed: u64) -> Result<(), String> {
        let module = CString::new(kernel.module).expect("names have no zero bytes");
        let name = CString::new(kernel.name).expect("names have no zero bytes");
        let (grid, block) = ([kernel.grid[0], kernel.grid[1], 1], [kernel.block, 1, 1]);
        let mut message = [0u8; MESSAGE_BYTES];
        // SAFETY: all pointers are to live values of the lengths that the function expects; the caller says the rest.
        let outcome = unsafe {
            (self.launch)(
                module.as_ptr(),
                name.as_ptr(),
                grid.as_ptr(),
                block.as_ptr(),
                pointers.as_mut_ptr(),
                seed,
                message.as_mut_ptr().cast(),
                MESSAGE_BYTES,
            )
        };
        match outcome {
            0 => Ok(()),
            code => {
                let text = CStr::from_bytes_until_nul(&message).unwrap_or_default().to_string_lossy();
                Err(format!("{}: outcome {code}: {text}", kernel.name))
            }
        }
    }
}
