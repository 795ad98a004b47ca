//! Assigned reports, accepted for what was drawn and refused for anything else.

use gpux_kernels::assignment::{Assigned, Schedule, Ticket, served};
use gpux_proto::{
    evidence::{Assignment, Probe, Registration, Report, log_entry::Fact},
    signing,
};

use super::{
    Refusal, log, refused,
    world::{NOW, UNTIL, World, preimages, time},
};
use crate::{ingest::tests::keys::ecdsa, score::Parameters, store::Slot};

/// The epoch whose assignments are reported here, served from [`START`] to 5 s later.
const EPOCH: u64 = NOW / 5 + 4;
const START: u64 = (EPOCH + 1) * 5;

/// A world in which the fisher's chain is in force and the schedule of [`EPOCH`] is known: the node's CPU, and another node.
async fn assigned() -> World {
    let world = World::ready().await;
    world.schedule(EPOCH - 1, [world.keys.node.verifying_key().to_bytes(), [0xff; 32]]);
    world.finalise_at(EPOCH * 5 + 1, 0xbe).await;
    world.finalise_at(START + 100, 0xbf).await;
    world.set_clock(START + 200);
    world
}

fn drawn(world: &World, slot: u32) -> Assigned {
    let mut schedule = Schedule::default();
    let mut nodes = [world.keys.node.verifying_key().to_bytes(), [0xff; 32]];
    nodes.sort_unstable();
    nodes.into_iter().for_each(|node| schedule.push(node, [(gpux_kernels::ProbeId::Cpu, 1_000_000)]).unwrap());
    let (preimage, fisher) = (preimages().of(EPOCH).unwrap(), world.keys.fisher.address().into_array());
    Ticket { preimage, beacon: [0xbe; 32], fisher, epoch: EPOCH, slot }.draw(&schedule, 5).unwrap()
}

/// The first slot that assigns the world's node, or the other one.
fn slot(world: &World, own: bool) -> u32 {
    let node = world.keys.node.verifying_key().to_bytes();
    (0..12).find(|slot| (drawn(world, *slot).node == node) == own).unwrap()
}

/// An honest report of an assignment, on a rental with this nonce that is opened at the drawn start.
async fn report(world: &World, nonce: u64, slot: u32) -> Report {
    let mut terms = world.keys.terms();
    terms.nonce = nonce;
    let start = drawn(world, slot).start_us / 1_000_000;
    world.open_as(&terms, |opened| opened.start = start, true).await;
    let preimage = preimages().of(EPOCH).unwrap().to_vec();
    Report {
        assignment: Some(Assignment { epoch: EPOCH, preimage, slot }),
        start_time: Some(time(start + 1)),
        end_time: Some(time(start + 20)),
        ..world.keys.unopened(&terms)
    }
}

#[tokio::test]
async fn an_assigned_report_is_accepted_and_the_log_says_so() {
    let world = assigned().await;
    let own = slot(&world, true);
    world.deliver(&report(&world, 7, own).await, &[]).await.unwrap();
    let unassigned = Report { assignment: None, ..report(&world, 8, own).await };
    world.deliver(&unassigned, &[]).await.unwrap();
    let facts = log(&world).await.into_iter();
    let said = facts.filter_map(|fact| if let Fact::ReportRevealed(said) = fact { Some(said.assigned) } else { None });
    assert_eq!(said.collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn each_part_of_an_assignment_is_checked() {
    let world = assigned().await;
    let (own, other) = (slot(&world, true), slot(&world, false));
    let honest = report(&world, 7, own).await;
    type Change = Box<dyn Fn(&mut Assignment)>;
    let cases: [(&str, Change); 9] = [
        ("MALFORMED", Box::new(|a| a.preimage.truncate(31))),
        ("ASSIGNMENT_SLOT", Box::new(|a| a.slot = 12)),
        ("ASSIGNMENT_SLOT", Box::new(|a| a.slot = u32::MAX)),
        ("ASSIGNMENT_UNKNOWN", Box::new(|a| a.epoch = EPOCH + 1)),
        ("ASSIGNMENT_UNKNOWN", Box::new(|a| a.epoch = u64::MAX)),
        ("ASSIGNMENT_LATE", Box::new(|a| a.epoch = EPOCH - 1)),
        ("ASSIGNMENT_PREIMAGE", Box::new(|a| a.preimage[9] ^= 1)),
        ("ASSIGNMENT_PREIMAGE", Box::new(|a| a.preimage = preimages().of(EPOCH + 1).unwrap().to_vec())),
        ("ASSIGNMENT_FOREIGN", Box::new(move |a| a.slot = other)),
    ];
    for (index, (reason, change)) in cases.into_iter().enumerate() {
        let mut report = honest.clone();
        change(report.assignment.as_mut().unwrap());
        let refusal = refused(&world, &report, &[]).await;
        assert_eq!(refusal.reason(), reason, "case {index}: {refusal}");
        assert_eq!(refusal.retryable(), reason == "ASSIGNMENT_UNKNOWN");
    }
    let mut ram = honest.clone();
    ram.probe = Probe::Ram.into();
    assert_eq!(refused(&world, &ram, &[]).await.reason(), "ASSIGNMENT_FOREIGN");
    // The right one still passes, after a later epoch's preimage was refused and whatever is remembered.
    world.deliver(&honest, &[]).await.unwrap();
}

#[tokio::test]
async fn an_assignment_is_served_in_its_time() {
    let world = assigned().await;
    let own = slot(&world, true);
    let start = drawn(&world, own).start_us / 1_000_000;
    assert!(served(EPOCH, 5).contains(&start) && served(EPOCH, 5) == (START..START + 5));
    let honest = report(&world, 7, own).await;
    // Clocks may differ by 30 s, and a full node is asked again for a while.
    let begun = |at| Report { start_time: Some(time(at)), end_time: Some(time(at + 60)), ..honest.clone() };
    let late = begun(START + 5 + 90);
    assert_eq!(refused(&world, &late, &[]).await.reason(), "ASSIGNMENT_TIME");
    // A session before its rental is another refusal, so this rental is one that was opened long before.
    let mut terms = world.keys.terms();
    terms.nonce = 9;
    world.open_as(&terms, |opened| opened.start = start - 31, true).await;
    for at in [start - 31, start] {
        let early = Report {
            assignment: honest.assignment.clone(),
            start_time: Some(time(at)),
            end_time: Some(time(at + 60)),
            ..world.keys.unopened(&terms)
        };
        let refusal = refused(&world, &early, &[]).await;
        assert_eq!(refusal.reason(), "ASSIGNMENT_TIME", "{at}: {refusal}");
    }
    world.deliver(&begun(START + 5 + 89), &[]).await.unwrap();
}

#[tokio::test]
async fn an_assignment_is_reported_once() {
    let world = assigned().await;
    let own = slot(&world, true);
    world.deliver(&report(&world, 7, own).await, &[]).await.unwrap();
    let again = report(&world, 8, own).await;
    let refusal = refused(&world, &again, &[]).await;
    assert!(matches!(refusal, Refusal::AssignmentReplayed { epoch: EPOCH, slot } if slot == own), "{refusal}");
    assert_eq!(refusal.reason(), "ASSIGNMENT_REPLAYED");
    // The rental is still free for a report that nobody assigned.
    world.deliver(&Report { assignment: None, ..again }, &[]).await.unwrap();
}

#[tokio::test]
async fn a_chain_is_registered_before_anybody_knows_its_beacons() {
    let world = World::empty(Parameters::development()).await;
    let keys = &world.keys;
    let with = |chain: u8, chain_epoch, valid_until| {
        let registration = Registration { chain: vec![chain; 32], chain_epoch, valid_until, ..keys.registration() };
        let digest = signing::registration_digest(&registration).unwrap();
        Registration { fisher_signature: ecdsa(&keys.fisher, digest), ..registration }
    };
    let now = NOW / 5;
    for epoch in [0, now - 1, now, now + 1] {
        let refusal = world.ingest.register_fisher(with(1, epoch, UNTIL)).await.unwrap_err();
        assert_eq!(refusal.reason(), "CHAIN_VOID", "{epoch}: {refusal}");
    }
    world.ingest.register_fisher(with(1, now + 2, UNTIL)).await.unwrap();
    // Later it is prolonged as it is, replaced by one that is still to begin, and never by one that helps now.
    world.set_clock(NOW + 600);
    world.ingest.register_fisher(with(1, now + 2, UNTIL + 1)).await.unwrap();
    let refusal = world.ingest.register_fisher(with(2, now + 2, UNTIL + 2)).await.unwrap_err();
    assert!(matches!(refusal, Refusal::ChainVoid { earliest, .. } if earliest == now + 120 + 2), "{refusal}");
    world.ingest.register_fisher(with(2, now + 122, UNTIL + 2)).await.unwrap();
    let fisher = keys.fisher.address().into_array();
    let in_force = async |epoch| world.store.chain(fisher, epoch).await.unwrap().map(|chain| chain.end[0]);
    assert_eq!(
        [in_force(now + 2).await, in_force(now + 122).await, in_force(now + 123).await],
        [None, Some(1), Some(2)]
    );
    // Without one there is no registration.
    let mut none = keys.registration();
    none.chain.clear();
    assert_eq!(world.ingest.register_fisher(none).await.unwrap_err().reason(), "MALFORMED");
}

#[tokio::test]
async fn the_slot_is_held_with_its_report() {
    let world = assigned().await;
    let own = slot(&world, true);
    world.deliver(&report(&world, 7, own).await, &[]).await.unwrap();
    let held = Slot { epoch: EPOCH, number: own };
    assert!(world.contents().await.contains(&format!("{},{}", held.epoch, held.number)));
}
