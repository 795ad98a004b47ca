//! A card that records what is asked of it, and what should be.

mod faults;
mod memory;
mod modules;
mod ptx;
mod recording;
mod rounds;

use std::sync::Arc;

use self::recording::{Card, Recording};
use super::CudaDevice;
use crate::device::Device;
use crate::key::Key;
use crate::probe::{Parameters, ProbeId, Shape};
use crate::release::Modules;

/// A shape of each probe of a card, with nothing a multiple of anything.
const SHAPES: [(ProbeId, Shape); 8] = [
    (ProbeId::Imma, Shape::Product { n: 300, k: 1_000, tile: 128 }),
    (ProbeId::Hmma, Shape::Product { n: 100, k: 3_000, tile: 128 }),
    (ProbeId::Fma32, Shape::Chains { lanes: 513, steps: 99 }),
    (ProbeId::Fma64, Shape::Chains { lanes: 1, steps: 98 }),
    (ProbeId::Dp4a, Shape::Chains { lanes: 262_145, steps: 97 }),
    (ProbeId::Vram, Shape::Walk { cells: (1 << 24) + 77, walkers: 65, steps: 33, hard: 9 }),
    (ProbeId::Stream, Shape::Pass { blocks: (1 << 14) + 7 }),
    (ProbeId::Link, Shape::Link { blocks: 3, trips: 2 }),
];

fn parameters(probe: ProbeId, shape: Shape) -> Parameters {
    Parameters { probe, shape, scale: 1 }
}

fn fill() -> Key {
    Key::from_bytes(std::array::from_fn(|at| 0xA0 + at as u8))
}

fn key() -> Key {
    Key::from_bytes(std::array::from_fn(|at| 1 + at as u8))
}

/// A device of a card of 16 GiB and capability 8.6, and what the card records.
fn device(card: Card) -> (CudaDevice<Recording>, Recording) {
    let driver = Recording::new(card);
    let device = CudaDevice::new(driver.clone(), Arc::new(Modules::embedded().unwrap())).unwrap();
    (device, driver)
}

/// A prepared device.
fn prepared(probe: ProbeId, shape: Shape) -> (CudaDevice<Recording>, Recording) {
    let (mut device, driver) = device(Card::default());
    device.prepare(&parameters(probe, shape), &fill()).unwrap();
    (device, driver)
}
