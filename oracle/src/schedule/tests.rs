use std::sync::Arc;

use gpux_kernels::assignment::Schedule;
use gpux_proto::{
    evidence::{
        Description, Descriptor, EpochClosed, Finding, Host, LogEntry, NodeAnnounced, Offer, Signed, SignedOffer,
        log_entry::Fact,
    },
    oracle::ScheduledNode,
};
use prost::Message as _;

use super::*;
use crate::{
    audit::fixture::{self, FISHER, OWNERS},
    publish::Folder,
    score::{NodeId, Parameters, ReportId},
    store::{BlockFacts, BlockRef, Sqlite, Store},
};

fn entry(fact: Fact) -> Vec<u8> {
    LogEntry { fact: Some(fact) }.encode_to_vec()
}

/// A node that claims its CPU and its memory for so much a second.
fn announced(node: u8, rate: u64, until: u64) -> Vec<u8> {
    let host = Host { threads: 1, fp64_flops: 1, ram_bytes: 1, ram_reads: 1, ..Host::default() };
    let descriptor = Descriptor { node: vec![node; 32], provider: vec![9; 20], host: Some(host), ..Default::default() };
    let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
    let offer = Offer { rate: rate.to_string(), capacity: 2, valid_until: until, ..Offer::default() };
    let offer = SignedOffer { offer: Some(offer), ..SignedOffer::default() };
    let description = Description { descriptor: Some(signed), offer: Some(offer), membership: None };
    entry(Fact::NodeAnnounced(NodeAnnounced { description: Some(description) }))
}

fn closed(epoch: u64) -> Vec<u8> {
    entry(Fact::EpochClosed(EpochClosed { epoch, timestamp: (epoch + 1) * 3_600 }))
}

fn parameters() -> Parameters {
    Parameters { audit_share_bps: 0, ..Parameters::production() }
}

fn folder_of(log: &[Vec<u8>]) -> Folder {
    let mut folder = Folder::new(parameters());
    for entry in log {
        folder.apply(entry).unwrap();
    }
    folder
}

fn scheduled(folder: &Folder) -> Schedule {
    folder.offers().schedule(folder.state()).unwrap()
}

fn schedule_of(log: &[Vec<u8>]) -> Schedule {
    scheduled(&folder_of(log))
}

/// A market whose fisher was audited often enough that lies are known to be rare; before, nobody becomes suspect.
fn audited() -> Vec<Vec<u8>> {
    let mut facts = fixture::market(&parameters(), FISHER, 1);
    for epoch in 2..61 {
        facts.extend((0..10).map(|audit| fixture::audited(FISHER, fixture::owner(audit % OWNERS), Finding::Agrees)));
        facts.push(fixture::closed(epoch));
    }
    facts.into_iter().map(fixture::entry).collect()
}

/// Folds an epoch's reports about nodes' CPUs, and closes it.
fn probe(folder: &mut Folder, epoch: u64, found: &[(u8, u32)]) {
    let mut apply = |fact| folder.apply(&fixture::entry(fact)).map(drop).unwrap();
    let id = |node: u8| [[node; 8].as_slice(), &epoch.to_le_bytes(), &[0; 16]].concat().try_into().unwrap();
    for (node, _) in found {
        apply(fixture::committed(id(*node), FISHER));
        apply(fixture::revealed(id(*node), FISHER, Some(fixture::relay(0)), epoch));
    }
    apply(fixture::beacon(epoch + u64::from(parameters().beacon_epochs)));
    for (node, x) in found {
        let report = fixture::folded([*node; 32], id(*node), *x, 64, epoch);
        // Of suspects all are audited.
        let terms = folder.terms(&ReportId(id(*node)), &NodeId([*node; 32]), *x == 0).unwrap();
        let audit = terms.auditor.map(|owner| Fact::AuditFolded(fixture::audit_of(&report, owner.0)));
        folder.apply(&fixture::entry(Fact::ReportFolded(report))).unwrap();
        audit.map(|fact| folder.apply(&fixture::entry(fact)).unwrap());
    }
    folder.apply(&closed(epoch)).unwrap();
}

/// (node, resource, index) of a schedule.
fn rows(schedule: &Schedule) -> Vec<(u8, u32, u32)> {
    let nodes: Vec<ScheduledNode> = schedule.page(None, 1_000);
    let of = |node: &ScheduledNode| {
        let key = node.node[0];
        node.resources.iter().map(move |resource| (key, resource.probe, resource.index)).collect::<Vec<_>>()
    };
    nodes.iter().flat_map(of).collect()
}

const EVER: u64 = 1 << 39;

#[test]
fn a_schedule_holds_what_is_offered_and_follows_the_log_alone() {
    let log = [
        announced(2, 100, EVER),
        announced(1, 100, EVER),
        // Its offer ends when the epoch after the closed one begins.
        announced(3, 100, 101 * 3_600),
        announced(4, 100, 101 * 3_600 + 1),
        closed(100),
    ];
    let first = rows(&schedule_of(&log));
    let nodes: Vec<_> = first.iter().map(|(node, probe, _)| (*node, *probe)).collect();
    assert_eq!(nodes, [(1, 9), (1, 10), (2, 9), (2, 10), (4, 9), (4, 10)]);
    // Nothing was probed: all are as stale as can be, and as open as a fresh e-process leaves them.
    assert!(first.iter().all(|(_, _, index)| *index == first[0].2 && *index >= 1_000_000), "{first:?}");
    assert_eq!(rows(&schedule_of(&log)), first);
    assert_eq!(rows(&schedule_of(&log[..4])), [], "before the first closing there is none");
}

#[test]
fn a_probed_resource_waits_and_its_neighbour_does_not() {
    let mut log = audited();
    log.extend([announced(1, 1, EVER), announced(2, 1, EVER)]);
    let schedule = |now| {
        let mut folder = folder_of(&log);
        probe(&mut folder, 100, &[(1, 64)]);
        folder.apply(&closed(now)).unwrap();
        scheduled(&folder)
    };
    let index =
        |schedule: &Schedule, node, probe| rows(schedule).iter().find(|row| (row.0, row.1) == (node, probe)).unwrap().2;
    let soon = schedule(101);
    assert!(index(&soon, 1, 9) + 900_000 < index(&soon, 1, 10), "{:?}", rows(&soon));
    assert!(index(&soon, 1, 9) < index(&soon, 2, 9));
    // A half-life later half of it is forgotten.
    let later = schedule(100 + 720);
    assert_eq!(index(&later, 1, 10) - index(&later, 1, 9), 500_000);
    assert!(index(&schedule(100 + 7_200), 1, 9) > index(&later, 1, 9));
}

#[test]
fn a_suspect_is_probed_more_often_and_boundedly() {
    let mut log = audited();
    log.extend([announced(1, 1, EVER), announced(2, 1, EVER)]);
    let mut folder = folder_of(&log);
    let suspects = |folder: &Folder| folder.state().suspects().map(|node| node.0[0]).collect::<Vec<_>>();
    let mut epoch = 100;
    while suspects(&folder).is_empty() && epoch < 160 {
        probe(&mut folder, epoch, &[(1, 20), (2, 64)]);
        epoch += 1;
    }
    assert_eq!(suspects(&folder), [1]);
    let rows = rows(&scheduled(&folder));
    let sum = |node| rows.iter().filter(|row| row.0 == node).map(|row| u64::from(row.2)).sum::<u64>();
    assert!(sum(1) > 3 * sum(2), "{rows:?}");
    assert!(rows.iter().all(|(_, _, index)| *index <= 12_000_000));
}

#[test]
fn a_price_moves_the_index_within_a_factor_of_four() {
    let rates = [(1, 100), (2, 100), (3, 100), (4, 1), (5, u64::MAX)];
    let mut log: Vec<_> = rates.iter().map(|(node, rate)| announced(*node, *rate, EVER)).collect();
    log.push(closed(100));
    let schedule = rows(&schedule_of(&log));
    let open = |node| schedule.iter().find(|row| row.0 == node).unwrap().2 - 1_000_000;
    let (median, cheap, dear) = (open(1), open(4), open(5));
    assert!(median.abs_diff(4 * cheap) <= 4 && dear.abs_diff(4 * median) <= 4, "{cheap} {median} {dear}");
}

/// A store with one final block in each of these epochs of 5 s.
async fn chain(epochs: &[u64]) -> (Arc<dyn Store>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path()).await.unwrap();
    let mut parent = [0; 32];
    for (number, epoch) in (1..).zip(epochs) {
        let block = BlockRef { number, hash: [*epoch as u8; 32], timestamp: epoch * 5 + 1 };
        let (opened, movements, bonds, cases, entries) = Default::default();
        store.apply_block(BlockFacts { block, parent, opened, movements, bonds, cases, entries }).await.unwrap();
        store.finalise(number).await.unwrap();
        parent = block.hash;
    }
    (Arc::new(store), directory)
}

fn sized(nodes: u8) -> Schedule {
    let mut schedule = Schedule::default();
    for node in 0..nodes {
        schedule.push([node; 32], [(gpux_kernels::ProbeId::Cpu, 1)]).unwrap();
    }
    schedule
}

#[tokio::test]
async fn an_epoch_gets_the_newest_closing_before_it_and_keeps_it() {
    let (store, _directory) = chain(&[5, 6, 9, 10]).await;
    let schedules = Schedules::new(store, &Parameters::development());
    assert!(matches!(schedules.of(5).await.unwrap(), Of::Later));
    let known = async |epoch| match schedules.of(epoch).await.unwrap() {
        Of::Known(known) => (known.schedule.nodes(), known.beacon[0]),
        other => panic!("{other:?}"),
    };
    schedules.keep(4, sized(4));
    assert_eq!((known(5).await, schedules.newest()), ((4, 5), Some(5)));
    assert!(matches!(schedules.of(6).await.unwrap(), Of::Later), "epoch 5 may still be closed");
    schedules.keep(8, sized(8));
    for (epoch, expected) in [(5, (4, 5)), (6, (4, 6)), (7, (4, 9)), (8, (4, 9)), (9, (8, 9))] {
        assert_eq!(known(epoch).await, expected, "epoch {epoch}");
    }
    // Older and repeated closings change nothing.
    schedules.keep(8, sized(1));
    schedules.keep(7, sized(1));
    assert_eq!(known(9).await, (8, 9));
    schedules.keep(9, sized(9));
    schedules.keep(10, sized(10));
    assert!(matches!(schedules.of(11).await.unwrap(), Of::Later), "its first block is not final");
    assert!(matches!(schedules.of(4).await.unwrap(), Of::Forgotten));
    for epoch in 11..=8 + SCHEDULES_MAX {
        schedules.keep(epoch, sized(1));
    }
    assert!(matches!(schedules.of(8).await.unwrap(), Of::Forgotten));
    assert_eq!(known(10).await, (9, 10));
}
