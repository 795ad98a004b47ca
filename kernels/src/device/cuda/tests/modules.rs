//! Which module a card is given, and what it is told when there is none.

use super::*;
use crate::device::Error;
use crate::device::cuda;
use crate::release::Module;

/// Modules of all levels that are compiled, whose texts say which they are; tensor cores came with 7.5.
fn every_level() -> Modules {
    let levels = |probe: ProbeId| [61, 75, 80, 86, 89, 90, 120].into_iter().map(move |level| (probe, level));
    let module = |(probe, level): (ProbeId, u16)| {
        let entry = |kernel: &&str| format!(".entry {kernel}( )");
        let kernels: String = cuda::launches::kernels(probe).iter().map(entry).collect();
        Module::new(level, probe.name(), format!("level {level} {kernels}"))
    };
    let tensor = levels(ProbeId::Imma).filter(|(_, level)| *level >= 75);
    Modules::new(levels(ProbeId::Fma32).chain(tensor).map(module).collect())
}

/// The level of the module that a card of a capability loads.
fn level(capability: u16, probe: ProbeId, shape: Shape) -> Result<String, Error> {
    let driver = Recording::new(Card { capability, ..Card::default() });
    let mut device = CudaDevice::new(driver.clone(), Arc::new(every_level())).unwrap();
    device.prepare(&parameters(probe, shape), &fill())?;
    let log = driver.log();
    let text = log.modules.values().next().unwrap();
    Ok(text.split_whitespace().nth(1).unwrap().to_owned())
}

#[test]
fn the_highest_level_not_above_the_card_is_chosen() {
    let fma32 = |capability| level(capability, ProbeId::Fma32, Shape::Chains { lanes: 1, steps: 1 }).unwrap();
    let chosen = [61, 62, 70, 75, 80, 86, 87, 89, 90, 100, 103, 120, 121].map(fma32);
    assert_eq!(chosen, ["61", "61", "61", "75", "80", "86", "86", "89", "90", "90", "90", "120", "120"]);
}

#[test]
fn a_card_without_the_unit_is_refused_in_words() {
    let imma = |capability| {
        level(capability, ProbeId::Imma, Shape::Product { n: 1, k: 1, tile: 128 }).map_err(|error| error.to_string())
    };
    for (capability, words) in [(61, "6.1"), (70, "7.0")] {
        let said = format!("probe imma has no kernels for compute capability {words}, it needs 7.5 or later");
        assert_eq!(imma(capability), Err(said));
    }
    assert_eq!(imma(75), Ok("75".into()));
    let fma32 = level(60, ProbeId::Fma32, Shape::Chains { lanes: 1, steps: 1 }).unwrap_err();
    assert_eq!(fma32.to_string(), "probe fma32 has no kernels for compute capability 6.0, it needs 6.1 or later");
}

#[test]
fn the_worker_has_kernels_for_every_card_since_pascal() {
    for capability in [61, 70, 75, 80, 86, 87, 89, 90, 100, 120] {
        for (probe, shape) in SHAPES {
            let (mut device, _) = device(Card { capability, ..Card::default() });
            let prepared = device.prepare(&parameters(probe, shape), &fill());
            let lacks = capability < 75 && matches!(probe, ProbeId::Imma | ProbeId::Hmma);
            assert_eq!(prepared.is_ok(), !lacks, "{probe} on {capability}: {prepared:?}");
        }
    }
}

#[test]
fn kernels_of_a_variant_are_found_by_their_other_names() {
    let modules = Modules::embedded().unwrap().vary(&[7; 32]).unwrap();
    for (probe, shape) in SHAPES {
        let driver = Recording::new(Card::default());
        let mut device = CudaDevice::new(driver.clone(), Arc::new(modules.clone())).unwrap();
        device.prepare(&parameters(probe, shape), &fill()).unwrap();
        device.round(&key()).unwrap();
        // Only the recorded card's finding them proves something: it looks into the text.
        assert!(driver.log().kernels.iter().all(|(_, name)| !name.starts_with("gpux")), "{:?}", driver.log().kernels);
    }
}

#[test]
fn what_a_card_does_not_compute_is_refused_before_anything_is_allocated() {
    let (mut device, driver) = device(Card::default());
    let mut said =
        |probe, shape, scale| device.prepare(&Parameters { probe, shape, scale }, &fill()).unwrap_err().to_string();
    let product = Shape::Product { n: 64, k: 64, tile: 16 };
    let chains = Shape::Chains { lanes: 1, steps: 1 };
    assert_eq!(said(ProbeId::Imma, product, 1), "a GPU computes tiles of 128, not of 16");
    assert_eq!(said(ProbeId::Fma64, chains, 9), "a GPU computes at scale 1, scale 9 is for simulated ones");
    assert_eq!(said(ProbeId::Cpu, chains, 1), "card cannot run probe cpu");
    assert!(said(ProbeId::Fma32, Shape::Chains { lanes: 1, steps: 1 << 20 }, 1).starts_with("steps is"));
    assert_eq!(driver.log().allocated, []);
}

#[test]
fn a_module_without_a_kernel_is_refused() {
    let modules = Modules::new(vec![Module::new(61, "fma64", ".entry gpux_fma64( )")]);
    let driver = Recording::new(Card::default());
    let mut device = CudaDevice::new(driver.clone(), Arc::new(modules)).unwrap();
    let refused = device.prepare(&parameters(ProbeId::Fma64, Shape::Chains { lanes: 1, steps: 1 }), &fill());
    assert_eq!(refused.unwrap_err().to_string(), "the module of probe fma64 has no kernel gpux_tree");
    assert!(driver.log().modules.is_empty());
}
