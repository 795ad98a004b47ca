//! The crate's `cuda` device, on kernels that run here: every round and every opening is compared with the `cpu` device.

mod driver;
mod nvidia;

use std::sync::Arc;

use gpux_kernels::device::cpu::CpuDevice;
use gpux_kernels::device::cuda::CudaDevice;
use gpux_kernels::device::cuda::driver::Driver;
use gpux_kernels::device::{Device, Error, OPENED_MAX};
use gpux_kernels::{Key, Parameters, ProbeId, Shape};

use self::driver::Host;
use crate::random::Random;

/// Allocations of any size succeed.
const UNLIMITED: u64 = u64::MAX;
/// The smallest pieces in which memory is taken.
const PIECE_BYTES: u64 = 2 << 20;
/// A block of a pass.
const BLOCK_BYTES: u64 = 64 << 10;

fn cuda(seed: u64, allocation_bytes_max: u64) -> CudaDevice<Host> {
    CudaDevice::new(Host::new(seed, allocation_bytes_max), Arc::new(driver::modules())).expect("the host is a card")
}

/// Prepares both devices for a session and compares what they say.
fn prepared<D: Driver>(probe: ProbeId, shape: Shape, device: &mut CudaDevice<D>, fill: &Key) -> CpuDevice {
    let parameters = Parameters { probe, shape, scale: 1 };
    let mut reference = CpuDevice::new(2).with_usable_bytes(1 << 30);
    let expected = reference.prepare(&parameters, fill).expect("the parameters are in the envelope");
    assert_eq!(device.prepare(&parameters, fill).expect("the host has the memory"), expected);
    reference
}

fn assert_same(probe: ProbeId, shape: Shape, case: u64, allocation_bytes_max: u64) {
    assert_same_on(&mut cuda(case, allocation_bytes_max), probe, shape, case);
}

/// Holds a session on both devices: a round that warms up, rounds in a chain, and openings in between and at the end.
fn assert_same_on<D: Driver>(device: &mut CudaDevice<D>, probe: ProbeId, shape: Shape, case: u64) {
    let mut random = Random::new(case);
    let (fill, warm_up) = (random.fill_key(), random.key());
    let mut reference = prepared(probe, shape, device, &fill);
    let parameters = Parameters { probe, shape, scale: 1 };
    let units = parameters.units_per_round(parameters.cells_for(0));
    let asked: Vec<u32> = [0, units / 2, units - 1].into();
    let mut keys = vec![warm_up];
    let mut key = random.key();
    for round in 0..4 {
        keys.push(key);
        let made = if round == 0 { &keys[0] } else { &key };
        let root = device.round(made).expect("the device is prepared");
        assert_eq!(root, reference.round(made).expect("the reference is prepared"), "{probe} {shape:?} round {round}");
        if round == 2 {
            let opened = device.open(&keys[0], &asked).expect("the round was computed");
            assert_eq!(opened, reference.open(&keys[0], &asked).expect("the round was computed"));
        }
        key = key.next(&root);
    }
    let every: Vec<u32> = (0..units.min(OPENED_MAX as u32)).collect();
    let last = keys.last().expect("there were rounds");
    assert_eq!(
        device.open(last, &every).expect("the round was computed"),
        reference.open(last, &every).expect("the round was computed"),
        "{probe} {shape:?}"
    );
}

#[test]
fn products_are_those_of_the_cpu() {
    for (case, probe) in (0..).zip([ProbeId::Imma, ProbeId::Hmma]) {
        for (n, k) in [(1, 1), (130, 77), (257, 200)] {
            assert_same(probe, Shape::Product { n, k, tile: 128 }, case, UNLIMITED);
        }
    }
}

#[test]
fn chains_are_those_of_the_cpu() {
    for (case, probe) in (0..).zip([ProbeId::Fma32, ProbeId::Fma64, ProbeId::Dp4a]) {
        for (lanes, steps) in [(1, 1), (255, 33), (700, 17)] {
            assert_same(probe, Shape::Chains { lanes, steps }, case, UNLIMITED);
        }
    }
}

#[test]
fn walks_are_those_of_the_cpu() {
    for (case, (cells, walkers)) in (0..).zip([(1, 1), (301, 33), (7_777, 65)]) {
        assert_same(ProbeId::Vram, Shape::Walk { cells, walkers, steps: 29, hard: 7 }, case, UNLIMITED);
    }
}

#[test]
fn walks_over_scattered_pieces_are_those_of_the_cpu() {
    let cells = 2 * PIECE_BYTES / 64 + 4_321;
    assert_same(ProbeId::Vram, Shape::Walk { cells, walkers: 17, steps: 50, hard: 4 }, 9, PIECE_BYTES);
}

#[test]
fn passes_upon_passes_are_those_of_the_cpu() {
    for (case, blocks) in (0..).zip([1, 2, 5]) {
        assert_same(ProbeId::Stream, Shape::Pass { blocks }, case, UNLIMITED);
    }
}

#[test]
fn passes_over_scattered_pieces_are_those_of_the_cpu() {
    assert_same(ProbeId::Stream, Shape::Pass { blocks: (2 * PIECE_BYTES / BLOCK_BYTES) as u32 + 3 }, 10, PIECE_BYTES);
}

#[test]
fn links_are_those_of_the_cpu() {
    for (case, (blocks, trips)) in (0..).zip([(1, 0), (3, 5), (4, 1)]) {
        assert_same(ProbeId::Link, Shape::Link { blocks, trips }, case, UNLIMITED);
    }
}

#[test]
fn a_second_session_knows_nothing_of_the_first() {
    let mut random = Random::new(3);
    let mut device = cuda(3, UNLIMITED);
    let first = random.key();
    prepared(ProbeId::Stream, Shape::Pass { blocks: 2 }, &mut device, &random.fill_key());
    device.round(&first).expect("the device is prepared");
    let mut reference = prepared(ProbeId::Stream, Shape::Pass { blocks: 3 }, &mut device, &random.fill_key());
    assert!(matches!(device.open(&first, &[0]), Err(Error::NoSuchRound)));
    assert!(matches!(device.open(&first, &[3]), Err(Error::NoSuchUnit { unit: 3, units: 3 })));
    assert_eq!(device.round(&first).expect("prepared"), reference.round(&first).expect("prepared"));
}
