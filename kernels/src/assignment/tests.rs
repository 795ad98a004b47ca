use std::collections::{HashMap, HashSet};

use gpux_proto::oracle::{ScheduledNode, ScheduledResource};
use proptest::prelude::*;

use super::{schedule::below, *};
use crate::{plan::Market, probe::ProbeId};

/// The page whose example these tests repeat.
const PAGE: &str = include_str!("../../../docs/method/assignments.md");
const HOUR: u32 = 3_600;

fn hex(text: &str) -> [u8; 32] {
    gpux_proto::bytes::from_hex("vector", text).unwrap()
}

/// The schedule of the worked example.
fn example() -> Schedule {
    let mut schedule = Schedule::default();
    schedule.push([1; 32], [(ProbeId::Imma, 500_000), (ProbeId::Cpu, 1_500_000)]).unwrap();
    schedule.push([2; 32], [(ProbeId::Cpu, 1_000_000)]).unwrap();
    schedule.push([3; 32], [(ProbeId::Vram, 1_000_000), (ProbeId::Ram, 1)]).unwrap();
    schedule
}

fn ticket(slot: u32) -> Ticket {
    let preimage = hex("c235325f3965e63ad1fcc3d71dfcb63f4f82077b1de5c82df4a2b7326a40605e");
    Ticket { preimage, beacon: [0xbe; 32], fisher: [0xf1; 20], epoch: 1_001, slot }
}

// The vectors of the next two tests were computed by another implementation of BLAKE3, written from its paper: with
// H(k, m) = derive_key(k, m), v_0 = H("gpux/preimages/1", 32 bytes 07 || 1000 as u64 LE) and v_{i+1} = BLAKE3("gpux/preimage/1"
// || 00 || v_i), the end of a chain of 3,000 epochs is v_3000, and the preimage of epoch 1000 + n is v_{3000 - n}; a draw reads
// three u64 LE from the output of H("gpux/assignment/1", preimage || beacon || fisher || epoch u64 LE || slot u32 LE).
#[test]
fn a_chain_gives_the_preimages_that_another_implementation_computed() {
    let chain = Preimages::new(&[7; 32], 1_000, 3_000);
    assert_eq!(chain.end(), hex("1fd21c18f16970e9304243883628aaba593cb15c60ecead4a3b6e0d580ba5833"));
    let known = [
        (1_001, "c235325f3965e63ad1fcc3d71dfcb63f4f82077b1de5c82df4a2b7326a40605e"),
        (2_500, "e42310c5773e5d20e25d9bb9b14a3b0cb4ab0c20b7f5cccd8a011eaef17982c1"),
        (4_000, "11e06049f85f595b1d3f003416014b4d295a41c4520258aa130c4c4ad8f69acf"),
    ];
    for (epoch, preimage) in known {
        assert_eq!(chain.of(epoch), Some(hex(preimage)), "epoch {epoch}");
        assert!(verify(&chain.end(), chain.end_epoch(), epoch, &hex(preimage)));
    }
    assert_eq!((chain.of(1_000), chain.of(4_001), chain.last_epoch()), (None, None, 4_000));
}

#[test]
fn the_draws_are_those_of_another_implementation_and_of_the_page() {
    let schedule = example();
    let known = [
        (1, ProbeId::Cpu, 2_963_915_906),
        (3, ProbeId::Ram, 2_675_630_336),
        (3, ProbeId::Vram, 1_845_129_431),
        (1, ProbeId::Cpu, 1_287_028_993),
        (1, ProbeId::Imma, 696_094_668),
        (2, ProbeId::Cpu, 2_271_282_152_u64),
    ];
    for (slot, (node, probe, offset)) in (0..).zip(known) {
        let start_us = 1_002 * 3_600_000_000 + offset;
        assert_eq!(ticket(slot).draw(&schedule, HOUR), Some(Assigned { node: [node; 32], probe, start_us }), "{slot}");
        let row = format!("| {slot} | {node} | `{probe}` | {}.{:06} s |", offset / 1_000_000, offset % 1_000_000);
        assert!(PAGE.lines().any(|line| line.starts_with(&row)), "the page lacks {row}");
    }
    assert_eq!(ticket(0).draw(&Schedule::default(), HOUR), None);
}

#[test]
fn only_the_preimage_of_the_very_epoch_verifies_and_no_walk_is_unbounded() {
    let chain = Preimages::new(&[7; 32], 1_000, 50);
    let (end, preimage) = (chain.end(), chain.of(1_030).unwrap());
    assert!(verify(&end, 1_000, 1_030, &preimage));
    for epoch in [0, 999, 1_000, 1_029, 1_031, u64::MAX] {
        assert!(!verify(&end, 1_000, epoch, &preimage), "{epoch}");
    }
    assert!(!verify(&end, 1_000, 1_000, &end), "everybody knows the end");
    assert!(leads(&chain.of(1_040).unwrap(), 10, &preimage));
    assert!(!leads(&preimage, EPOCHS_MAX + 1, &end));
    // Another end for the same secret is another chain.
    assert_ne!(Preimages::new(&[7; 32], 1_001, 50).of(1_030), Some(preimage));
}

#[test]
fn the_longest_chain_is_kept_in_little_memory() {
    let chain = Preimages::new(&[9; 32], 5, chain_epochs(Market::Development));
    let last = chain.of(chain.last_epoch()).unwrap();
    assert!(verify(&chain.end(), 5, chain.last_epoch(), &last));
    assert!(leads(&last, 1_025, &chain.of(chain.last_epoch() - 1_025).unwrap()));
    assert_eq!(chain_epochs(Market::Production), 17_520);
}

proptest! {
    #[test]
    fn every_preimage_leads_to_the_one_before_it(secret: [u8; 32], end in 0u64..1 << 39, epochs in 1u64..2_500, at in 0u64..2_500) {
        let chain = Preimages::new(&secret, end, epochs);
        let epoch = end + 1 + at % epochs;
        let preimage = chain.of(epoch).unwrap();
        prop_assert!(verify(&chain.end(), end, epoch, &preimage));
        if epoch > end + 1 {
            prop_assert!(leads(&preimage, 1, &chain.of(epoch - 1).unwrap()));
        }
        prop_assert!(chain.of(end).is_none() && chain.of(chain.last_epoch() + 1).is_none());
    }

    /// Neither a fisher, who knows the preimage and not the beacon when he commits, nor an oracle, which knows the beacon and
    /// not the preimage, learns anything of the draw from his part: the other part alone moves it over the whole schedule.
    #[test]
    fn each_part_alone_moves_the_draw(preimage: [u8; 32], beacon: [u8; 32], fisher: [u8; 20], epoch in 0u64..1 << 30) {
        let schedule = example();
        let base = Ticket { preimage, beacon, fisher, epoch, slot: 0 };
        let drawn = |of: &dyn Fn(u8) -> Ticket| {
            let drawn: Vec<_> = (1..=64).map(|by| of(by).draw(&schedule, HOUR).unwrap()).collect();
            let starts: HashSet<_> = drawn.iter().map(|assigned| assigned.start_us).collect();
            let nodes: HashSet<_> = drawn.iter().map(|assigned| assigned.node).collect();
            (starts.len(), nodes.len())
        };
        let flip32 = |mut value: [u8; 32], by: u8| { value[31] ^= by; value };
        let flip20 = |mut value: [u8; 20], by: u8| { value[0] ^= by; value };
        prop_assert_eq!(drawn(&|by| Ticket { preimage: flip32(preimage, by), ..base }), (64, 3));
        prop_assert_eq!(drawn(&|by| Ticket { beacon: flip32(beacon, by), ..base }), (64, 3));
        prop_assert_eq!(drawn(&|by| Ticket { fisher: flip20(fisher, by), ..base }), (64, 3));
        prop_assert_eq!(drawn(&|by| Ticket { slot: by.into(), ..base }), (64, 3));
        prop_assert_ne!(base.draw(&schedule, HOUR), Ticket { epoch: epoch + 1, ..base }.draw(&schedule, HOUR));
    }
}

#[test]
fn claims_are_drawn_as_often_as_index_and_share_say_and_starts_are_uniform() {
    let schedule = example();
    let (mut claims, mut cells) = (HashMap::new(), [0_u32; 16]);
    let draws = 20_000;
    for slot in 0..draws {
        let drawn = ticket(slot).draw(&schedule, HOUR).unwrap();
        *claims.entry((drawn.node[0], drawn.probe)).or_insert(0_u32) += 1;
        let offset = drawn.start_us - 1_002 * 3_600_000_000;
        cells[(offset * 16 / 3_600_000_000) as usize] += 1;
    }
    let chi = |seen: u32, share: f64| (f64::from(seen) - share * f64::from(draws)).powi(2) / (share * f64::from(draws));
    let of_claims: f64 = [
        ((1, ProbeId::Imma), 500_000.0),
        ((1, ProbeId::Cpu), 1_500_000.0),
        ((2, ProbeId::Cpu), 1_000_000.0),
        ((3, ProbeId::Vram), 1_000_000.0),
        ((3, ProbeId::Ram), 1.0),
    ]
    .iter()
    .map(|(claim, index)| chi(claims[claim], 0.7 * index / 4_000_001.0 + 0.3 / 5.0))
    .sum();
    // 4 and 15 degrees of freedom, p = 1e-4.
    assert!(of_claims < 23.5, "chi-square {of_claims}");
    let of_starts: f64 = cells.iter().map(|seen| chi(*seen, 1.0 / 16.0)).sum();
    assert!(of_starts < 44.3, "chi-square {of_starts}");
}

#[test]
fn in_a_week_no_node_has_an_hour_without_a_start() {
    let mut schedule = Schedule::default();
    for node in 0..20_u8 {
        schedule.push([node; 32], [(ProbeId::Imma, 1_000_000), (ProbeId::Vram, 400_000)]).unwrap();
    }
    let chains: Vec<_> = (0..100_u8).map(|fisher| Preimages::new(&[fisher; 32], 0, 200)).collect();
    let mut seen = HashMap::<([u8; 32], u64), u32>::new();
    let mut quarters = [0_u32; 4];
    for epoch in 1..=168_u64 {
        for (fisher, chain) in (0_u8..).zip(&chains) {
            let mut beacon = [0; 32];
            beacon[..8].copy_from_slice(&epoch.to_le_bytes());
            for slot in 0..4 {
                let preimage = chain.of(epoch).unwrap();
                let ticket = Ticket { preimage, beacon, fisher: [fisher; 20], epoch, slot };
                let drawn = ticket.draw(&schedule, HOUR).unwrap();
                let second = drawn.start_us / 1_000_000;
                assert!(served(epoch, HOUR).contains(&second));
                *seen.entry((drawn.node, second / 3_600)).or_default() += 1;
                quarters[(second % 3_600 / 900) as usize] += 1;
            }
        }
    }
    // 20 starts are expected for each node and hour; that one of 3,360 has none happens once in 100,000 weeks.
    assert_eq!(seen.len(), 20 * 168);
    assert!(quarters.iter().all(|n| (16_300..17_300).contains(n)), "{quarters:?}");
}

#[test]
fn a_schedule_that_would_shift_the_draw_is_refused() {
    let resource = |probe, index| ScheduledResource { probe, index };
    let node =
        |key: u8, resources: &[ScheduledResource]| ScheduledNode { node: vec![key; 32], resources: resources.to_vec() };
    let mut schedule = Schedule::default();
    schedule.push_wire(&node(5, &[resource(1, 7), resource(9, u32::MAX)])).unwrap();
    let before = schedule.clone();
    let refused = [
        node(5, &[resource(1, 1)]),
        node(4, &[resource(1, 1)]),
        node(6, &[]),
        node(6, &[resource(9, 1), resource(1, 1)]),
        node(6, &[resource(9, 1), resource(9, 1)]),
        node(6, &[resource(9, 0)]),
        node(6, &[resource(0, 1)]),
        node(6, &[resource(13, 1)]),
        node(6, &[resource(u32::MAX, 1)]),
        node(6, &[resource(1, 1); 13]),
        ScheduledNode { node: vec![6; 31], resources: vec![resource(1, 1)] },
    ];
    for node in refused {
        assert!(schedule.push_wire(&node).is_err(), "{node:?}");
        assert_eq!(schedule, before, "{node:?}");
    }
}

#[test]
fn pages_put_together_are_the_schedule() {
    let schedule = example();
    let (mut again, mut after) = (Schedule::default(), None);
    loop {
        let page = schedule.page(after.as_ref(), 2);
        page.iter().for_each(|node| again.push_wire(node).unwrap());
        let last = schedule.last_of_page(after.as_ref(), 2);
        assert_eq!(last.map(|last| last.to_vec()), page.get(1).map(|node| node.node.clone()));
        let Some(last) = last else { break };
        after = Some(last);
    }
    assert_eq!(again, schedule);
    assert_eq!((again.nodes(), again.claims(), again.total()), (3, 5, 4_000_001));
    assert!(again.bytes() > 0);
    assert_eq!((below(u64::MAX, 3), below(0, 3), below(9, 0)), (2, 0, 0));
}
