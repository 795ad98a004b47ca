use super::{queue::Queue, *};
use crate::report::Oracle;
use gpux_kernels::{
    assignment::{Preimages, Schedule, Ticket, chain_epochs, served},
    plan::Market,
    probe::ProbeId,
};
use gpux_proto::{
    evidence::Assignment,
    oracle::{
        self, GetScheduleRequest, GetScheduleResponse, ScheduledNode, ScheduledResource,
        schedule_service_server::{ScheduleService, ScheduleServiceServer},
    },
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tonic::{Request, Response, Status};

const EPOCH: u64 = 1_000;

#[test]
fn the_chain_survives_a_restart_and_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let open = |now| Secret::open(dir.path(), Market::Production, now).unwrap();
    let first = open(EPOCH);
    assert_eq!(first.preimages().end_epoch(), EPOCH + 3, "a new chain begins where no beacon is known");
    let mode = fs::metadata(dir.path().join("chain.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
    let again = open(EPOCH + 5_000);
    assert_eq!(again.preimages().end(), first.preimages().end());
    // Another chain of the same secret is unrelated, and durable before it is used.
    let mut renewed = again;
    renewed.renew(EPOCH + 5_000).unwrap();
    assert_ne!(renewed.preimages().of(EPOCH + 6_000), first.preimages().of(EPOCH + 6_000));
    assert_eq!(open(EPOCH + 5_001).preimages().end(), renewed.preimages().end());
    // One that is nearly spent gives way.
    let late = EPOCH + 5_003 + chain_epochs(Market::Production) * 9 / 10;
    assert_eq!(open(late).preimages().end_epoch(), late + 3);
}

#[test]
fn a_spoiled_epoch_is_an_error_and_not_a_new_chain() {
    let dir = tempfile::tempdir().unwrap();
    drop(Secret::open(dir.path(), Market::Production, EPOCH).unwrap());
    for text in ["", "-1", "12 13", &"9".repeat(40)] {
        fs::write(dir.path().join("chain.epoch"), text).unwrap();
        let opened = Secret::open(dir.path(), Market::Production, EPOCH);
        assert!(matches!(opened, Err(SecretError::Malformed(_))), "{text}");
    }
}

fn turn(node: u8, slot: u32, start: u64) -> Turn {
    Turn {
        assignment: Assignment { epoch: EPOCH, preimage: vec![1; 32], slot },
        node: [node; 32],
        probe: ProbeId::Cpu,
        start: Duration::from_secs(start),
        end: Duration::from_secs(100),
    }
}

#[test]
fn turns_come_by_their_start_one_a_node_and_not_too_late() {
    let mut queue = Queue::default();
    for turn in [turn(1, 0, 30), turn(1, 1, 10), turn(2, 2, 20), turn(3, 3, 20)] {
        queue.add(turn.clone());
        queue.add(turn);
    }
    let take = |queue: &mut Queue, now| queue.take(Duration::from_secs(now)).map(|turn| turn.assignment.slot);
    assert_eq!([take(&mut queue, 0), take(&mut queue, 0), take(&mut queue, 0)], [Some(1), Some(2), Some(3)]);
    assert_eq!(take(&mut queue, 0), None, "node 1 has its turn");
    queue.release(&[1; 32]);
    assert_eq!(take(&mut queue, 99), Some(0));
    assert_eq!(take(&mut queue, 99), None);
    queue.release(&[1; 32]);
    queue.add(turn(1, 4, 10));
    assert_eq!(take(&mut queue, 100), None, "its time is over");
    assert_eq!(take(&mut queue, 0), None, "and it is not kept");
}

/// An oracle that answers what a test says to the n-th request.
#[derive(Clone)]
struct Scripted {
    pages: Arc<Mutex<Vec<GetScheduleResponse>>>,
}

#[tonic::async_trait]
impl ScheduleService for Scripted {
    async fn get_schedule(&self, _: Request<GetScheduleRequest>) -> Result<Response<GetScheduleResponse>, Status> {
        let mut pages = self.pages.lock().unwrap();
        match pages.len() {
            0 => Err(Status::not_found("nothing is left")),
            // The last one is said for ever.
            1 => Ok(Response::new(pages[0].clone())),
            _ => Ok(Response::new(pages.remove(0))),
        }
    }
}

async fn said(pages: Vec<GetScheduleResponse>) -> Result<Published, FetchError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let service = ScheduleServiceServer::new(Scripted { pages: Arc::new(Mutex::new(pages)) });
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
    fetch(&Oracle::new(uri), EPOCH, 5).await
}

fn node(key: u8) -> ScheduledNode {
    ScheduledNode { node: vec![key; 32], resources: vec![ScheduledResource { probe: 9, index: 1_000_000 }] }
}

fn page(keys: &[u8], next_page_token: &str) -> GetScheduleResponse {
    let nodes = keys.iter().map(|key| node(*key)).collect();
    let schedule = oracle::Schedule { epoch: EPOCH, beacon: vec![0xbe; 32], nodes, slots: 12, epoch_seconds: 5 };
    GetScheduleResponse { schedule: Some(schedule), next_page_token: next_page_token.into() }
}

#[tokio::test]
async fn a_schedule_is_put_together_from_its_pages() {
    let published = said(vec![page(&[1, 2], "a"), page(&[3], "b"), page(&[7], "")]).await.unwrap();
    let mut schedule = Schedule::default();
    for key in [1, 2, 3, 7] {
        schedule.push([key; 32], [(ProbeId::Cpu, 1_000_000)]).unwrap();
    }
    assert_eq!(published, Published { epoch: EPOCH, beacon: [0xbe; 32], slots: 12, schedule });
    let nothing = said(vec![page(&[], "")]).await.unwrap();
    assert_eq!(nothing.schedule.nodes(), 0);
}

#[tokio::test]
async fn a_schedule_that_an_oracle_bent_is_refused() {
    type Change = fn(&mut oracle::Schedule);
    let changes: [Change; 8] = [
        |s| s.epoch += 1,
        |s| s.beacon.truncate(31),
        |s| s.epoch_seconds = 6,
        |s| s.slots = 65,
        |s| s.nodes.swap(0, 1),
        |s| s.nodes[1] = s.nodes[0].clone(),
        |s| s.nodes[0].resources[0].index = 0,
        |s| s.nodes[0].resources.clear(),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut bent = page(&[1, 2], "");
        change(bent.schedule.as_mut().unwrap());
        assert!(said(vec![bent]).await.is_err(), "case {index}");
    }
    assert!(said(vec![GetScheduleResponse::default()]).await.is_err());
    // Pages that do not belong together, or never end.
    let mut other = page(&[3], "");
    other.schedule.as_mut().unwrap().beacon = vec![0xbf; 32];
    assert!(matches!(said(vec![page(&[1], "a"), other]).await, Err(FetchError::Beacons(EPOCH))));
    let mut other = page(&[3], "");
    other.schedule.as_mut().unwrap().slots = 11;
    assert!(matches!(said(vec![page(&[1], "a"), other]).await, Err(FetchError::Foreign { what: "slots", .. })));
    assert!(matches!(said(vec![page(&[2], "a"), page(&[1], "")]).await, Err(FetchError::Schedule(_))));
    assert!(matches!(said(vec![page(&[], "a")]).await, Err(FetchError::Endless(EPOCH))));
    assert!(matches!(said(vec![]).await, Err(FetchError::Oracle(_))));
}

#[test]
fn the_desk_draws_what_an_oracle_draws() {
    let preimages = Preimages::new(&[7; 32], EPOCH - 1, 10);
    let preimage = preimages.of(EPOCH).unwrap();
    let desk = Desk::new(preimages, [0xf1; 20], 5);
    let mut schedule = Schedule::default();
    // One node a slot, so that none waits for another's turn.
    for key in 0..=255 {
        schedule.push([key; 32], [(ProbeId::Cpu, 1_000_000), (ProbeId::Ram, 1)]).unwrap();
    }
    let published = Published { epoch: EPOCH, beacon: [0xbe; 32], slots: u32::MAX, schedule };
    desk.draw(&published, preimage);
    let (span, mut seen) = (served(EPOCH, 5), Vec::new());
    // The guard must not live as long as the turn.
    let take = || desk.queue().take(Duration::ZERO);
    while let Some(turn) = take() {
        desk.release(&turn.node);
        let slot = turn.assignment.slot;
        let ticket = Ticket { preimage, beacon: [0xbe; 32], fisher: [0xf1; 20], epoch: EPOCH, slot };
        let drawn = ticket.draw(&published.schedule, 5).unwrap();
        assert_eq!((turn.node, turn.probe, turn.start.as_micros()), (drawn.node, drawn.probe, drawn.start_us.into()));
        assert_eq!(turn.end, Duration::from_secs(span.end));
        assert!(span.contains(&turn.start.as_secs()));
        assert!(seen.last().is_none_or(|last| *last <= turn.start), "in the order of their starts");
        seen.push(turn.start);
    }
    assert_eq!(seen.len(), 64, "however many slots an oracle says");
}
