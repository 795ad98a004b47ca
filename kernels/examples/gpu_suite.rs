//! Runs every probe on all cards of this machine at once: `cargo run -p gpux-kernels --example gpu_suite`.
//!
//! Small rounds are compared bit for bit with the `cpu` device; rounds of a production plan are timed and compared with the
//! catalogue's figure of the model that the card says it is. Ends with 0 if all bits are the same, with 1 if some are not
//! or a probe failed, and with 2 on a machine without a card.
#![allow(clippy::print_stdout)] // An example prints.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use gpux_kernels::bench::{self, Reached};
use gpux_kernels::catalogue::{self, Model};
use gpux_kernels::device::cpu::CpuDevice;
use gpux_kernels::device::cuda::{self, CudaDevice, driver::Properties};
use gpux_kernels::device::{Device, Error};
use gpux_kernels::plan::{Market, plan};
use gpux_kernels::{Key, Parameters, ProbeId, Shape};

/// A window of a production session.
const WINDOW: Duration = Duration::from_secs(3);

/// A small shape of each probe, with nothing a multiple of anything.
const SMALL: [(ProbeId, Shape); 8] = [
    (ProbeId::Imma, Shape::Product { n: 300, k: 1_000, tile: 128 }),
    (ProbeId::Hmma, Shape::Product { n: 300, k: 1_000, tile: 128 }),
    (ProbeId::Fma32, Shape::Chains { lanes: 700, steps: 999 }),
    (ProbeId::Fma64, Shape::Chains { lanes: 700, steps: 999 }),
    (ProbeId::Dp4a, Shape::Chains { lanes: 700, steps: 999 }),
    (ProbeId::Vram, Shape::Walk { cells: 99_999, walkers: 65, steps: 99, hard: 9 }),
    (ProbeId::Stream, Shape::Pass { blocks: 37 }),
    (ProbeId::Link, Shape::Link { blocks: 5, trips: 7 }),
];

fn main() -> ExitCode {
    let cards = match cuda::devices() {
        Ok(cards) => cards,
        Err(error) => {
            println!("{error}");
            return ExitCode::from(2);
        }
    };
    // At once, as in a session: cards share the machine's power and bus.
    let suites: Vec<_> = cards.into_iter().map(|card| thread::spawn(move || suite(card))).collect();
    let reports = suites.into_iter().map(|suite| suite.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    let mut right = true;
    for (lines, all_right) in reports {
        lines.iter().for_each(|line| println!("{line}"));
        right &= all_right;
    }
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all probes on a card; returns what to print and whether everything was right.
fn suite(mut card: CudaDevice) -> (Vec<String>, bool) {
    let properties = card.properties().clone();
    let model = model(&properties);
    let called = model.map_or("a model that the catalogue lacks", |model| &model.name);
    let mut lines = vec![format!("{properties}; {called}")];
    let mut right = true;
    for (probe, shape) in SMALL {
        // Without the unit a card is told so, which is no fault.
        let has_unit = model.is_none_or(|model| probe == ProbeId::Dp4a || model.figure(probe).is_some());
        let found = measured(&mut card, probe, shape);
        right &= matches!(found, Ok((true, _))) || !has_unit;
        lines.push(match found {
            Ok((same, reached)) => line(probe, same, reached, model),
            Err(error) => format!("  {probe:<7} {error}"),
        });
    }
    (lines, right)
}

/// Compares small rounds, then times those of a production plan.
fn measured(card: &mut CudaDevice, probe: ProbeId, small: Shape) -> Result<(bool, Option<Reached>), Error> {
    let same = is_same(card, &Parameters { probe, shape: small, scale: 1 })?;
    let timed = plan(probe, Market::Production).map(|plan| bench::device_rate(card, &plan.parameters, WINDOW));
    Ok((same, timed.transpose()?))
}

/// Says whether three rounds and an opening are those of the `cpu` device.
fn is_same(card: &mut CudaDevice, parameters: &Parameters) -> Result<bool, Error> {
    let fill = Key::fill(&[1; 32], 0);
    let mut reference = CpuDevice::new(thread::available_parallelism().map_or(1, usize::from));
    reference.prepare(parameters, &fill)?;
    card.prepare(parameters, &fill)?;
    let first = Key::first(&[2; 32], 0);
    let mut key = first;
    for _ in 0..3 {
        let root = card.round(&key)?;
        if root != reference.round(&key)? {
            return Ok(false);
        }
        key = key.next(&root);
    }
    Ok(card.open(&first, &[0, 1])? == reference.open(&first, &[0, 1])?)
}

/// The model of the catalogue that is most like what the card says of itself.
fn model(properties: &Properties) -> Option<&'static Model> {
    let alike = catalogue::models().iter().filter(|model| {
        let (major, minor) = model.compute_capability;
        u16::from(major) * 10 + u16::from(minor) == properties.capability
            && model.multiprocessors == properties.multiprocessors
    });
    alike.min_by_key(|model| model.memory_bytes.abs_diff(properties.memory_bytes))
}

fn line(probe: ProbeId, same: bool, reached: Option<Reached>, model: Option<&Model>) -> String {
    let bits = if same { "right bits" } else { "WRONG BITS" };
    let Some(Reached { rate, cells }) = reached else { return format!("  {probe:<7} {bits}") };
    let figure = model.and_then(|model| model.figure(probe));
    let share = figure.map_or_else(String::new, |figure| format!(", {:.1} % of peak", 100.0 * rate / figure));
    let cell_bytes = plan(probe, Market::Production).map_or(0, |plan| plan.parameters.cell_bytes());
    let gib = (cells * cell_bytes) as f64 / f64::from(1 << 30);
    let held = if cells > 0 { format!(", {gib:.2} GiB held") } else { String::new() };
    format!("  {probe:<7} {bits}, {rate:>9.3e} {}{share}{held}", probe.rate_unit())
}
