//! The real fisher serves what he is assigned, and everything by which anybody can tell so follows from the public log: the
//! schedule, the beacon, and with the preimage of each report the node, the resource and the start.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_kernels::assignment::{Assigned, Schedule, Ticket, served, verify};
use gpux_oracle::{publish::Folder, score::Parameters};
use gpux_proto::{
    bytes::{array, decode},
    evidence::{LogEntry, Registration, Report, log_entry::Fact},
    oracle::{
        GetReportRequest, GetScheduleRequest, ListEntriesRequest, evidence_service_client::EvidenceServiceClient,
        log_service_client::LogServiceClient, schedule_service_client::ScheduleServiceClient,
    },
    signing::{self, Domain},
};
use gpux_tests::market::{
    Market, Options,
    cast::{Role, Truth},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tonic::transport::Channel;

const CAST: &[Role] = &[
    Role { name: "a", simulate: Some("GeForce RTX 4070"), claim: None, cheat: None, truth: Truth::Honest },
    Role { name: "b", simulate: Some("GeForce RTX 3060 12 GB"), claim: None, cheat: None, truth: Truth::Honest },
];
const EPOCH_SECS: u32 = 5;
/// How many reports are waited for, and how long.
const REPORTS: usize = 6;
const LIMIT: Duration = Duration::from_secs(150);

/// What the public log says.
#[derive(Default)]
struct Said {
    /// The schedule that each closing gives.
    closings: BTreeMap<u64, Schedule>,
    beacons: BTreeMap<u64, [u8; 32]>,
    registrations: Vec<Registration>,
    /// The reports, and whether each was assigned.
    revealed: Vec<([u8; 32], bool)>,
}

async fn read(channel: &Channel) -> Said {
    let mut log = LogServiceClient::new(channel.clone()).max_decoding_message_size(16 << 20);
    let (mut said, mut folder) = (Said::default(), Folder::new(Parameters::development()));
    loop {
        let request = ListEntriesRequest { start: folder.size(), page_size: 1_000 };
        let entries = log.list_entries(request).await.unwrap().into_inner().entries;
        if entries.is_empty() {
            return said;
        }
        for bytes in entries {
            if let Some(epoch) = folder.apply(&bytes).unwrap() {
                said.closings.insert(epoch, folder.offers().schedule(folder.state()).unwrap());
            }
            match decode::<LogEntry>("entry", &bytes).unwrap().fact.unwrap() {
                Fact::BeaconSeen(seen) => {
                    said.beacons.insert(seen.epoch, array("hash", &seen.block.unwrap().hash).unwrap());
                }
                Fact::FisherRegistered(registered) => said.registrations.push(registered.registration.unwrap()),
                Fact::ReportRevealed(seen) => said.revealed.push((array("id", &seen.report).unwrap(), seen.assigned)),
                _ => {}
            }
        }
    }
}

/// Recomputes a report's draw from the log and from what the report shows.
fn drawn(said: &Said, report: &Report) -> Assigned {
    let assignment = report.assignment.as_ref().unwrap();
    let preimage = array("preimage", &assignment.preimage).unwrap();
    let registered = said.registrations.iter().find(|registration| registration.fisher == report.fisher).unwrap();
    let end = array("chain", &registered.chain).unwrap();
    assert!(verify(&end, registered.chain_epoch, assignment.epoch, &preimage));
    let (_, schedule) = said.closings.range(..assignment.epoch).next_back().unwrap();
    let fisher = array("fisher", &report.fisher).unwrap();
    let (epoch, slot) = (assignment.epoch, assignment.slot);
    let beacon = said.beacons[&epoch];
    Ticket { preimage, beacon, fisher, epoch, slot }.draw(schedule, EPOCH_SECS).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fisher_probes_what_the_public_log_and_his_chain_assign() {
    let folder = tempfile::tempdir().unwrap();
    let folder_of = folder.path().to_owned();
    let options = Options { folder: folder_of, cast: CAST, fishers: 1, liars: 0, parallel: 2, relays: 1 };
    let mut market = Market::start(&options, |_| {}).await.unwrap();
    let channel = Channel::from_shared(market.oracle.api.url().to_owned()).unwrap().connect().await.unwrap();
    let deadline = Instant::now() + LIMIT;
    let mut said = read(&channel).await;
    while said.revealed.len() < REPORTS {
        assert!(Instant::now() < deadline, "only {} reports", said.revealed.len());
        market.check_alive().unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        said = read(&channel).await;
    }
    let mut evidence = EvidenceServiceClient::new(channel.clone());
    for (id, assigned) in &said.revealed {
        assert!(assigned, "a fisher who is not told otherwise chooses nothing");
        let request = GetReportRequest { name: format!("reports/{}", gpux_proto::bytes::to_hex(id)), opening: None };
        let signed = evidence.get_report(request).await.unwrap().into_inner().report.unwrap();
        let report: Report = signing::open(Domain::Report, &signed).unwrap();
        let drawn = drawn(&said, &report);
        assert_eq!((drawn.node.to_vec(), i32::from(drawn.probe.number())), (report.node.clone(), report.probe));
        let start = report.start_time.unwrap().seconds as u64;
        let span = served(report.assignment.unwrap().epoch, EPOCH_SECS);
        assert!(start * 1_000_000 + 1_000_000 > drawn.start_us && start < span.end + 90, "{start} is not in {span:?}");
    }
    // What is served is what the log says.
    let mut schedules = ScheduleServiceClient::new(channel.clone());
    let request = GetScheduleRequest::default();
    let page = schedules.get_schedule(request).await.unwrap().into_inner().schedule.unwrap();
    let said = read(&channel).await;
    let (_, schedule) = said.closings.range(..page.epoch).next_back().unwrap();
    assert_eq!((page.nodes, page.beacon), (schedule.page(None, 1_000), said.beacons[&page.epoch].to_vec()));
    market.stop().await;
}
