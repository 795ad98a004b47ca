use proptest::prelude::*;

use super::*;
use crate::catalogue::by_name;
use crate::device::cpu::CpuDevice;
use crate::device::disk::DiskDevice;
use crate::device::paced::{Behaviour, Card, PacedModel};
use crate::device::{self, Device};
use crate::probe::ProbeId;

/// Does what the worker does: rounds of each window on each device, then the openings of the draw.
fn worked(
    devices: &mut [Box<dyn Device>],
    parameters: Parameters,
    rounds: &[Vec<u32>],
    drawn: &Draw,
) -> (Claimed, Vec<Opening>) {
    let seeds: Vec<[u8; 32]> = (0..rounds.len()).map(|window| [window as u8 + 1; 32]).collect();
    let fill_seed = [99; 32];
    let prepare = |(index, device): (usize, &mut Box<dyn Device>)| {
        let prepared = device.prepare(&parameters, &Key::fill(&fill_seed, index as u32)).unwrap();
        device.round(&Key::warm_up(&fill_seed, index as u32)).unwrap();
        prepared.cells
    };
    let cells = devices.iter_mut().enumerate().map(prepare).collect();
    let mut round_roots = Vec::new();
    for (seed, window) in seeds.iter().zip(rounds) {
        for (index, count) in window.iter().enumerate() {
            let mut key = Key::first(seed, index as u32);
            for _ in 0..*count {
                let root = devices[index].round(&key).unwrap();
                round_roots.push(root);
                key = key.next(&root);
            }
        }
    }
    let root = merkle::session_root(&round_roots);
    let claimed = Claimed { parameters, seeds, fill_seed, cells, rounds: rounds.to_vec(), round_roots, root };
    let keys = claimed.keys();
    let open = |index: u64| {
        let place = claimed.place(index).unwrap();
        let unit = devices[place.device].open(&keys[place.ordinal], &[place.unit]).unwrap().remove(0);
        Opening { index, leaf: unit.leaf, path: unit.path }
    };
    let asked = draw(&drawn.secret, &drawn.head_after_root, claimed.units(), drawn.count);
    let openings = asked.into_iter().map(open).collect();
    (claimed, openings)
}

fn drawn(count: u32) -> Draw {
    Draw { secret: [7; 32], head_after_root: [8; 32], count }
}

fn cpu(threads: usize) -> Box<dyn Device> {
    Box::new(CpuDevice::new(threads).with_usable_bytes(1 << 20))
}

fn simulated(behaviour: Behaviour) -> Box<dyn Device> {
    simulated_card("GeForce RTX 3060 12 GB", behaviour)
}

fn simulated_card(model: &str, behaviour: Behaviour) -> Box<dyn Device> {
    Box::new(PacedModel::new(by_name(model).unwrap().clone(), Card::new(), behaviour))
}

fn imma(n: u32, k: u32, tile: u32) -> Parameters {
    Parameters { probe: ProbeId::Imma, shape: Shape::Product { n, k, tile }, scale: 1 }
}

fn disk() -> Box<dyn Device> {
    Box::new(DiskDevice::new(&std::env::temp_dir()).unwrap().with_usable_bytes(1 << 20))
}

fn fma(probe: ProbeId, lanes: u32, steps: u32) -> Parameters {
    Parameters { probe, shape: Shape::Chains { lanes, steps }, scale: 1 }
}

fn pass(blocks: u32) -> Parameters {
    Parameters { probe: ProbeId::Stream, shape: Shape::Pass { blocks }, scale: 1 }
}

fn pages(pages: u64, walkers: u32, steps: u32) -> Parameters {
    Parameters { probe: ProbeId::Disk, shape: Shape::Pages { pages, walkers, steps }, scale: 1 }
}

fn vram(probe: ProbeId, cells: u64, walkers: u32, steps: u32) -> Parameters {
    Parameters { probe, shape: Shape::Walk { cells, walkers, steps, hard: 9 }, scale: 1 }
}

fn odd() -> impl Strategy<Value = Parameters> {
    prop_oneof![
        (1u32..50, 1u32..600, 1u32..20).prop_map(|(n, k, tile)| imma(n, k, tile)),
        (1u32..50, 1u32..600, 1u32..20)
            .prop_map(|(n, k, tile)| Parameters { probe: ProbeId::Hmma, ..imma(n, k, tile) }),
        (1u32..70, 1u32..100).prop_map(|(lanes, steps)| fma(ProbeId::Fma32, lanes, steps)),
        (1u32..70, 1u32..100).prop_map(|(lanes, steps)| fma(ProbeId::Dp4a, lanes, steps)),
        (1u32..5).prop_map(pass),
        (1u32..3, 0u32..9).prop_map(|(blocks, trips)| Parameters {
            probe: ProbeId::Link,
            shape: Shape::Link { blocks, trips },
            scale: 1
        }),
        (1u32..70, 1u32..100).prop_map(|(lanes, steps)| fma(ProbeId::Fma64, lanes, steps)),
        (1u64..400, 1u32..40, 1u32..30).prop_map(|(cells, walkers, steps)| vram(ProbeId::Vram, cells, walkers, steps)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn verifier_and_both_devices_agree_at_odd_sizes(parameters in odd(), rounds in 1u32..4) {
        let plan = [vec![rounds, 1], vec![0, 2]];
        let (one, openings) = worked(&mut [cpu(1), cpu(3)], parameters, &plan, &drawn(20));
        let model = if parameters.probe == ProbeId::Dp4a { "Tesla P40" } else { "GeForce RTX 3060 12 GB" };
        let honest = simulated_card(model, Behaviour::Honest);
        let (other, _) = worked(&mut [honest, cpu(2)], parameters, &plan, &drawn(20));
        prop_assert_eq!(&one, &other);
        let verified = verify_session(&one, &drawn(20), &openings).unwrap();
        prop_assert!(verified.wrong.is_empty());
        prop_assert_eq!(verified.right.len() as u64, one.units().min(20));
    }

    #[test]
    fn a_flipped_bit_of_any_drawn_leaf_is_wrong_bits(parameters in odd(), pick: usize, byte in 0usize..32) {
        let (claimed, mut openings) = worked(&mut [cpu(2)], parameters, &[vec![2]], &drawn(8));
        let at = pick % openings.len();
        // The whole round is committed again over the lie, as a host that lies would.
        let lie = openings[at].index;
        let forged = forge(&claimed, &mut openings, lie, byte);
        let verified = verify_session(&forged, &drawn(8), &openings).unwrap();
        prop_assert_eq!(verified.wrong, vec![lie]);
    }
}

/// Commits to a session whose unit `lie` has a flipped bit, paths and later keys included.
fn forge(claimed: &Claimed, openings: &mut [Opening], lie: u64, byte: usize) -> Claimed {
    let mut device = cpu(1);
    device.prepare(&claimed.parameters, &Key::fill(&claimed.fill_seed, 0)).unwrap();
    device.round(&Key::warm_up(&claimed.fill_seed, 0)).unwrap();
    let units: Vec<u32> = (0..claimed.layout().units[0]).collect();
    let mut forged = claimed.clone();
    let mut key = Key::first(&claimed.seeds[0], 0);
    for ordinal in 0..claimed.round_roots.len() {
        // A device opens only what it computed; what builds upon earlier rounds builds upon the truth here.
        device.round(&key).unwrap();
        let opened = units.chunks(200).flat_map(|part| device.open(&key, part).unwrap());
        let mut leaves: Vec<Digest> = opened.map(|unit| unit.leaf).collect();
        if claimed.place(lie).unwrap().ordinal == ordinal {
            leaves[claimed.place(lie).unwrap().unit as usize][byte] ^= 1;
        }
        let tree = merkle::Tree::new(Domain::Round, leaves);
        forged.round_roots[ordinal] = tree.root();
        key = key.next(&tree.root());
        for opening in openings.iter_mut() {
            let place = claimed.place(opening.index).unwrap();
            if place.ordinal == ordinal {
                (opening.leaf, opening.path) = tree.open(place.unit).unwrap();
            }
        }
    }
    forged.root = merkle::session_root(&forged.round_roots);
    forged
}

#[test]
fn tampered_paths_and_leaves_are_errors_and_never_proofs() {
    let (claimed, openings) = worked(&mut [cpu(2)], fma(ProbeId::Cpu, 16, 5), &[vec![3]], &drawn(6));
    for at in 0..openings.len() {
        let index = openings[at].index;
        let mut path = openings.clone();
        path[at].path[1][3] ^= 4;
        assert_eq!(verify_session(&claimed, &drawn(6), &path), Err(Error::Path(index)));
        let mut leaf = openings.clone();
        leaf[at].leaf[0] ^= 1;
        assert_eq!(verify_session(&claimed, &drawn(6), &leaf), Err(Error::Path(index)));
        let mut long = openings.clone();
        long[at].path.resize(PATH_MAX + 1, [0; 32]);
        assert_eq!(verify_session(&claimed, &drawn(6), &long), Err(Error::Path(index)));
    }
}

#[test]
fn only_the_draw_is_accepted() {
    let (claimed, openings) = worked(&mut [cpu(1)], fma(ProbeId::Fma64, 64, 3), &[vec![2]], &drawn(6));
    let refused = |openings: &[Opening], drawn: &Draw| {
        assert!(matches!(verify_session(&claimed, drawn, openings), Err(Error::NotTheDraw { .. })));
    };
    refused(&openings[1..], &drawn(6));
    refused(&[openings.clone(), openings[..1].to_vec()].concat(), &drawn(6));
    refused(&vec![openings[0].clone(); 6], &drawn(6));
    refused(&openings, &Draw { secret: [1; 32], ..drawn(6) });
    refused(&openings, &Draw { head_after_root: [1; 32], ..drawn(6) });
    assert!(matches!(verify_session(&claimed, &drawn(6), &[]), Err(Error::Count { what: "openings", .. })));
    let mut turned = openings;
    turned.reverse();
    assert!(verify_session(&claimed, &drawn(6), &turned).is_ok());
}

#[test]
fn malformed_sessions_are_refused() {
    let (claimed, _) = worked(&mut [cpu(1)], vram(ProbeId::Ram, 50, 3, 4), &[vec![2], vec![1]], &drawn(4));
    assert_eq!(claimed.validate(), Ok(()));
    let refused = |change: &dyn Fn(&mut Claimed)| {
        let mut changed = claimed.clone();
        change(&mut changed);
        changed.validate().unwrap_err()
    };
    assert_eq!(refused(&|c| c.root[0] ^= 1), Error::Root);
    assert_eq!(refused(&|c| c.round_roots.swap(0, 1)), Error::Root);
    assert!(matches!(refused(&|c| c.round_roots.truncate(2)), Error::Count { .. }));
    assert!(matches!(refused(&|c| c.rounds[0][0] = u32::MAX), Error::Count { what: "rounds", .. }));
    assert!(matches!(refused(&|c| c.rounds = vec![vec![0], vec![0]]), Error::Count { what: "rounds", .. }));
    assert!(matches!(refused(&|c| c.seeds.truncate(1)), Error::Count { .. }));
    assert!(matches!(refused(&|c| c.seeds = vec![[0; 32]; 65]), Error::Count { what: "windows", .. }));
    assert!(matches!(refused(&|c| c.cells.clear()), Error::Count { what: "devices", .. }));
    assert!(matches!(refused(&|c| c.rounds[0].push(1)), Error::Count { .. }));
    assert_eq!(refused(&|c| c.cells[0] = 51), Error::Cells { device: 0, cells: 51 });
    assert!(matches!(refused(&|c| c.parameters.scale = 0), Error::Parameters(_)));
}

#[test]
fn a_round_moved_to_another_window_is_caught() {
    let (claimed, openings) = worked(&mut [cpu(1)], fma(ProbeId::Cpu, 8, 4), &[vec![2], vec![2]], &drawn(32));
    let moved = Claimed { rounds: vec![vec![1], vec![3]], ..claimed };
    let verified = verify_session(&moved, &drawn(32), &openings).unwrap();
    // The moved round's key came from the first window's seed: all of it is wrong, and so is what hangs on it.
    assert!(verified.wrong.len() >= 8, "{verified:?}");
}

#[test]
fn another_devices_memory_is_caught() {
    let parameters = vram(ProbeId::Vram, 60, 8, 10);
    let (claimed, openings) = worked(&mut [cpu(1), cpu(1)], parameters, &[vec![1, 1]], &drawn(16));
    assert!(verify_session(&claimed, &drawn(16), &openings).unwrap().wrong.is_empty());
    let other = Claimed { fill_seed: [98; 32], ..claimed };
    assert_eq!(verify_session(&other, &drawn(16), &openings).unwrap().wrong.len(), 16);
}

#[test]
fn skipping_is_found_and_honesty_never_is() {
    let parameters = Parameters { scale: 1_000, ..imma(64, 40, 8) };
    for share in [0.2, 0.5] {
        let (claimed, openings) =
            worked(&mut [simulated(Behaviour::SkipsWork { share })], parameters, &[vec![6]], &drawn(90));
        let wrong = verify_session(&claimed, &drawn(90), &openings).unwrap().wrong.len();
        assert!((5..70).contains(&wrong), "{wrong} wrong of 90 at a share of {share}");
    }
    for behaviour in [Behaviour::Honest, Behaviour::HoldsLess { share: 0.5 }] {
        let memory = vram(ProbeId::Vram, 64, 16, 6);
        for parameters in [parameters, memory] {
            let (claimed, openings) = worked(&mut [simulated(behaviour)], parameters, &[vec![3]], &drawn(40));
            assert!(verify_session(&claimed, &drawn(40), &openings).unwrap().wrong.is_empty());
        }
    }
}

#[test]
fn there_is_no_place_beyond_the_last_unit() {
    let (claimed, _) = worked(&mut [cpu(1), cpu(1)], fma(ProbeId::Cpu, 8, 4), &[vec![1, 1], vec![2, 2]], &drawn(4));
    assert!(claimed.place(claimed.units() - 1).is_some());
    assert_eq!(claimed.place(claimed.units()), None);
}

#[test]
fn a_disk_convinces_the_verifier_and_another_disk_does_not() {
    let (claimed, openings) = worked(&mut [disk()], pages(40, 5, 6), &[vec![2], vec![1]], &drawn(12));
    assert_eq!(verify_session(&claimed, &drawn(12), &openings).unwrap().right.len(), 12);
    let other = Claimed { fill_seed: [98; 32], ..claimed };
    assert_eq!(verify_session(&other, &drawn(12), &openings).unwrap().wrong.len(), 12);
    assert!(matches!(
        disk().prepare(&pages(1 << 20, 1, 1), &Key::fill(&[0; 32], 0)),
        Err(device::Error::Memory { .. })
    ));
}

#[test]
fn all_devices_of_a_pass_hold_their_own_number_of_blocks() {
    let all = pass(0);
    let sized = |bytes| -> Box<dyn Device> { Box::new(CpuDevice::new(1).with_usable_bytes(bytes)) };
    let plan = [vec![2, 1], vec![1, 2]];
    let (claimed, openings) = worked(&mut [sized(3 << 16), sized(5 << 16)], all, &plan, &drawn(20));
    assert_eq!((claimed.cells.clone(), claimed.units()), (vec![3, 5], 9 + 15));
    assert!(verify_session(&claimed, &drawn(20), &openings).unwrap().wrong.is_empty());
    let fewer = Claimed { cells: vec![5, 3], ..claimed };
    assert!(verify_session(&fewer, &drawn(20), &openings).is_err());
}

#[test]
fn a_pass_that_was_left_out_is_caught() {
    let (claimed, openings) = worked(&mut [cpu(1)], pass(4), &[vec![3]], &drawn(12));
    assert!(verify_session(&claimed, &drawn(12), &openings).unwrap().wrong.is_empty());
    // Without the warm-up, which is the first pass.
    let mut device = cpu(1);
    device.prepare(&claimed.parameters, &Key::fill(&claimed.fill_seed, 0)).unwrap();
    assert_ne!(device.round(&Key::first(&claimed.seeds[0], 0)).unwrap(), claimed.round_roots[0]);
}

#[test]
fn endless_passes_over_little_memory_are_refused() {
    let roots = vec![[7; 32]; PASSES_MAX + 1];
    let claimed = |passes: usize| Claimed {
        parameters: pass(0),
        seeds: vec![[1; 32], [2; 32]],
        fill_seed: [3; 32],
        cells: vec![1],
        rounds: vec![vec![1], vec![passes as u32 - 1]],
        root: merkle::session_root(&roots[..passes]),
        round_roots: roots[..passes].to_vec(),
    };
    assert_eq!(claimed(PASSES_MAX).validate(), Ok(()));
    let refused = claimed(PASSES_MAX + 1).validate();
    assert!(matches!(refused, Err(Error::Count { what: "passes of a device", .. })), "{refused:?}");
}
