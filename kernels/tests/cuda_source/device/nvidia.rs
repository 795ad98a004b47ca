//! All cards of a machine with the worker's own modules, through the driver's own functions: those of
//! `cuda/host/driver.cpp`, under the real library's name.
//!
//! Whoever looks for a library of that name is given the one that is loaded already, so no card of this machine is used,
//! and everything is in one test: the library counts what the process holds.

#![allow(unsafe_code)] // One foreign function.

use std::sync::Arc;
use std::thread;

use gpux_kernels::device::Device;
use gpux_kernels::device::cuda::driver::{Driver, Geometry, Nvidia};
use gpux_kernels::device::cuda::{self, CudaDevice};
use gpux_kernels::release::{Module, Modules};
use gpux_kernels::{Key, Parameters, ProbeId, Shape};

use super::assert_same_on;
use crate::compiler::Sources;

const SHAPES: [(ProbeId, Shape); 5] = [
    (ProbeId::Imma, Shape::Product { n: 129, k: 70, tile: 128 }),
    (ProbeId::Fma64, Shape::Chains { lanes: 514, steps: 3 }),
    (ProbeId::Vram, Shape::Walk { cells: 333, walkers: 33, steps: 9, hard: 5 }),
    (ProbeId::Stream, Shape::Pass { blocks: 2 }),
    (ProbeId::Link, Shape::Link { blocks: 2, trips: 3 }),
];

/// What a module whose text is no module's is answered with.
fn refused_module(card: Nvidia) -> String {
    let damaged = Modules::new(vec![Module::new(61, "fma64", "no module")]);
    let mut device = CudaDevice::new(card, Arc::new(damaged)).expect("the card says how much is free");
    let parameters = Parameters { probe: ProbeId::Fma64, shape: Shape::Chains { lanes: 1, steps: 1 }, scale: 1 };
    device.prepare(&parameters, &Key::from_bytes([1; 32])).expect_err("the text is refused").to_string()
}

/// What a launch of nothing is answered with.
fn failed_launch(card: &Nvidia) -> String {
    let module = card.load(c".entry gpux_link(").expect("the module is there");
    // SAFETY: the module is loaded, and the kernel takes one address, which a grid without blocks does not use.
    let launched = unsafe {
        let kernel = card.kernel(module, c"gpux_trip").expect("the kernel is there");
        let launched = card.launch(kernel, Geometry { grid: [0, 1], block: 1 }, &[0u64.into()]);
        card.unload(module);
        launched
    };
    launched.expect_err("no driver launches nothing").to_string()
}

#[test]
fn cards_behind_the_drivers_own_functions_compute_what_the_cpu_does() {
    // SAFETY: the library was built from this repository's sources; its initialisers only register kernels.
    let library = unsafe { libloading::Library::new(Sources::read().driver()) }.expect("what was linked can be loaded");
    // SAFETY: the signature is that of `gpux_host_held` in cuda/host/driver.cpp.
    let held = unsafe { library.get::<unsafe extern "C" fn() -> usize>(b"gpux_host_held") }.expect("it is exported");

    let cards = cuda::devices().expect("the library is a driver");
    let said: Vec<String> = cards.iter().map(|card| card.properties().to_string()).collect();
    let rest = "capability 8.6, 28 multiprocessors at up to 1777 MHz, 1.0 GiB, driver for CUDA 12.4";
    assert_eq!(said, [format!("Host 1 at 0000:55:00: {rest}"), format!("Host 0 at 0000:65:00: {rest}")]);
    // Each on a thread that did not make it, one after the other: the functions guard nothing against each other.
    for mut card in cards {
        let session = move || {
            for ((probe, shape), case) in SHAPES.into_iter().zip(0..) {
                assert_same_on(&mut card, probe, shape, case);
            }
        };
        thread::spawn(session).join().expect("the devices agree");
    }

    let card = Nvidia::all().expect("the library is a driver").swap_remove(0);
    assert_eq!(failed_launch(&card), "cuLaunchKernel answered CUDA_ERROR_LAUNCH_FAILED (719)");
    let words = "the kernels of probe fma64 for compute capability 6.1 were refused: cuModuleLoadDataEx answered \
                 CUDA_ERROR_INVALID_PTX (218): ptxas: no module";
    assert_eq!(refused_module(card), words);
    // SAFETY: takes and changes nothing.
    assert_eq!(unsafe { held() }, 0, "everything was given back");
}
