//! The real driver's functions as the crate calls them, answered by `cuda/host/driver.cpp` under the real library's name.
//!
//! Whoever looks for a library of that name is given the one that is loaded already, so no card of this machine is used,
//! and everything is in one test: the library counts what the process holds.

#![allow(unsafe_code)] // One foreign function.

use std::sync::Arc;
use std::thread;

use gpux_kernels::device::Device;
use gpux_kernels::device::cuda::CudaDevice;
use gpux_kernels::device::cuda::driver::{Driver, Geometry, Nvidia};
use gpux_kernels::release::{Module, Modules};
use gpux_kernels::{Key, Parameters, ProbeId, Shape};

use super::{assert_same_on, driver::modules};
use crate::compiler::Sources;

fn device(card: Nvidia) -> CudaDevice {
    CudaDevice::new(card, Arc::new(modules())).expect("the card says how much is free")
}

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
    let module = card.load(c"link").expect("the module is there");
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

    let mut cards = Nvidia::all().expect("the library is a driver");
    let said: Vec<String> = cards.iter().map(|card| card.properties().to_string()).collect();
    let rest = "capability 8.6, 28 multiprocessors at up to 1777 MHz, 1.0 GiB, driver for CUDA 12.4";
    assert_eq!(said, [format!("Host 1 at 0000:55:00: {rest}"), format!("Host 0 at 0000:65:00: {rest}")]);

    let (second, first) = (cards.pop().expect("two cards"), cards.pop().expect("two cards"));
    assert_eq!(failed_launch(&first), "cuLaunchKernel answered CUDA_ERROR_LAUNCH_FAILED (719)");
    // Each on a thread that did not make it.
    let session = |mut device: CudaDevice| {
        move || {
            SHAPES
                .into_iter()
                .zip(0..)
                .for_each(|((probe, shape), case)| assert_same_on(&mut device, probe, shape, case))
        }
    };
    thread::spawn(session(device(first))).join().expect("the devices agree");
    thread::spawn(session(device(second))).join().expect("the devices agree");

    let card = Nvidia::all().expect("the library is a driver").swap_remove(0);
    let words = "the kernels of probe fma64 for compute capability 6.1 were refused: cuModuleLoadDataEx answered \
                 CUDA_ERROR_INVALID_PTX (218): ptxas: no module";
    assert_eq!(refused_module(card), words);
    // SAFETY: takes and changes nothing.
    assert_eq!(unsafe { held() }, 0, "everything was given back");
}
