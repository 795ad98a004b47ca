//! Simulated cards take the time of the model that they are named after, and cheats take what the cheat takes.

use std::time::{Duration, Instant};

use gpux_kernels::catalogue::by_name;
use gpux_kernels::device::paced::{Behaviour, Card, PacedModel};
use gpux_kernels::device::{Device, Error};
use gpux_kernels::{Key, Parameters, ProbeId, Shape, calibration};

const MODEL: &str = "GeForce RTX 3060 12 GB";

fn card(card: &Card, behaviour: Behaviour) -> PacedModel {
    PacedModel::new(by_name(MODEL).expect("the catalogue has the model").clone(), card.clone(), behaviour)
}

/// A round of 10 ms on the model, whatever the probe.
fn ten_milliseconds(shape: Shape, probe: ProbeId) -> Parameters {
    let one = Parameters { probe, shape, scale: 1 };
    let rate = calibration::simulated_rate(by_name(MODEL).expect("the catalogue has the model"), probe)
        .expect("the model has the unit");
    Parameters { scale: (rate * 0.010 / one.work_per_round(0) as f64) as u64, ..one }
}

fn imma() -> Parameters {
    ten_milliseconds(Shape::Product { n: 32, k: 32, tile: 16 }, ProbeId::Imma)
}

fn walk() -> Parameters {
    ten_milliseconds(Shape::Walk { cells: 64, walkers: 4, steps: 4, hard: 8 }, ProbeId::Vram)
}

fn rounds(device: &mut PacedModel, parameters: &Parameters, count: u32) -> Duration {
    device.prepare(parameters, &Key::fill(&[1; 32], 0)).expect("the size can be simulated");
    let from = Instant::now();
    let mut key = Key::first(&[2; 32], 0);
    for _ in 0..count {
        key = key.next(&device.round(&key).expect("the device is prepared"));
    }
    from.elapsed()
}

fn milliseconds(device: &mut PacedModel, parameters: &Parameters, count: u32) -> u128 {
    rounds(device, parameters, count).as_millis()
}

#[test]
fn a_window_takes_the_models_time_and_late_wake_ups_do_not_add_up() {
    for parameters in [imma(), walk()] {
        let taken = milliseconds(&mut card(&Card::new(), Behaviour::Honest), &parameters, 30);
        // Never earlier than the model (one part in scale of rounding); the upper bound allows a busy machine.
        assert!((295..400).contains(&taken), "{taken} ms instead of 300 for {}", parameters.probe);
    }
}

#[test]
fn skipping_half_takes_half() {
    let taken = milliseconds(&mut card(&Card::new(), Behaviour::SkipsWork { share: 0.5 }), &imma(), 30);
    assert!((147..250).contains(&taken), "{taken} ms");
}

#[test]
fn memory_that_is_not_held_shows_in_the_walk_only() {
    let behaviour = Behaviour::HoldsLess { share: 0.5 };
    let compute = milliseconds(&mut card(&Card::new(), behaviour), &imma(), 10);
    let memory = milliseconds(&mut card(&Card::new(), behaviour), &walk(), 10);
    assert!(compute < 200, "{compute} ms");
    assert!(memory >= 540, "{memory} ms");
}

#[test]
fn rentals_of_one_card_halve_each_other_and_oversold_ones_do_not() {
    let run = |first: Card, second: Card| {
        let from = Instant::now();
        std::thread::scope(|scope| {
            for schedule in [&first, &second] {
                scope.spawn(move || rounds(&mut card(schedule, Behaviour::Honest), &imma(), 20));
            }
        });
        from.elapsed().as_millis()
    };
    let shared = Card::new();
    let together = run(shared.clone(), shared);
    assert!(together >= 390, "{together} ms");
    let oversold = run(Card::new(), Card::new());
    assert!(oversold < 350, "{oversold} ms");
}

#[test]
fn stalling_begins_after_its_rounds() {
    let behaviour = Behaviour::Stalls { rounds: 2, pause: Duration::from_millis(150) };
    let mut device = card(&Card::new(), behaviour);
    assert!(milliseconds(&mut device, &imma(), 2) < 140);
    assert!(milliseconds(&mut device, &imma(), 1) >= 155);
}

#[test]
fn a_simulated_card_holds_its_models_memory_and_no_more() {
    let mut device = card(&Card::new(), Behaviour::Honest);
    let shape = |cells| Shape::Walk { cells, walkers: 1, steps: 1, hard: 4 };
    let parameters = |cells| Parameters { probe: ProbeId::Vram, shape: shape(cells), scale: 1 << 20 };
    let fill = Key::fill(&[1; 32], 0);
    let all = device.prepare(&parameters(0), &fill).unwrap().cells;
    assert_eq!(all, device.info().usable_bytes / 64 / (1 << 20));
    assert!(matches!(device.prepare(&parameters(all + 1), &fill), Err(Error::Memory { .. })));
    assert!(matches!(device.round(&Key::first(&[0; 32], 0)), Err(Error::NotPrepared)));
}

#[test]
fn what_only_hardware_should_compute_is_refused() {
    let mut device = card(&Card::new(), Behaviour::Honest);
    let fill = Key::fill(&[1; 32], 0);
    let large = [
        (ProbeId::Imma, Shape::Product { n: 8_192, k: 8_192, tile: 128 }),
        (ProbeId::Fma64, Shape::Chains { lanes: 1 << 20, steps: 1 << 20 }),
        (ProbeId::Vram, Shape::Walk { cells: 0, walkers: 1, steps: 1, hard: 4 }),
        (ProbeId::Vram, Shape::Walk { cells: 1 << 20, walkers: 1, steps: 1, hard: 1 << 20 }),
        (ProbeId::Vram, Shape::Walk { cells: 1, walkers: 4_096, steps: 1 << 10, hard: 1 << 10 }),
    ];
    for (probe, shape) in large {
        let refused = device.prepare(&Parameters { probe, shape, scale: 1 }, &fill);
        assert!(matches!(refused, Err(Error::TooLargeToSimulate { .. })), "{shape:?}");
    }
    let cpu = Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 1, steps: 1 }, scale: 1 };
    assert!(matches!(device.prepare(&cpu, &fill), Err(Error::Unsupported(_, ProbeId::Cpu))));
}
