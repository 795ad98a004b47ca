//! Nothing acknowledged is lost, and nothing counts twice, when the oracle is killed with SIGKILL at random moments while
//! several clients write.
#![allow(clippy::unwrap_used, reason = "what cannot go on fails the test")]

use gpux_proto::{
    bytes::to_hex,
    oracle::{
        AnnounceNodeRequest, CommitReportRequest, RegisterFisherRequest, SubmitReportRequest,
        evidence_service_client::EvidenceServiceClient, registry_service_client::RegistryServiceClient,
    },
    signing::{self, Domain},
};
use gpux_tests::{
    chain::TOKEN,
    fisher::{Fisher, Rental},
    host::Keys,
    oracle::Oracle,
    stage::Stage,
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tonic::{Code, Status, transport::Channel};

const KILLS: usize = 20;
const CLIENTS: usize = 3;
/// Reports of one client in one life of the oracle.
const REPORTS: usize = 4;
/// Announcements of one client in one life: more than it gets done before the kill.
const ANNOUNCEMENTS: usize = 2_000;
/// The kill comes this long after the clients begin, at most.
const LIFE_MAX: Duration = Duration::from_millis(600);

/// What one client was told is durable.
#[derive(Debug, Default)]
struct Acknowledged {
    nodes: Vec<String>,
    reports: Vec<String>,
    commits: usize,
    /// What was under way when the oracle died: it may be there or not.
    unknown: usize,
}

/// An answer, or the oracle's death.
fn acknowledged<T>(answer: Result<T, Status>) -> bool {
    match answer {
        Ok(_) => true,
        // What was accepted before the last death, and whose acknowledgement was lost.
        Err(status) if status.code() == Code::AlreadyExists => true,
        Err(status) => {
            let died = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal);
            assert!(died, "{status:?}");
            false
        }
    }
}

/// Writes until everything is done or the oracle is gone.
async fn client(stage: &Stage, fisher: &Fisher, rentals: &[Rental], url: String, seed: usize) -> Acknowledged {
    let mut done = Acknowledged::default();
    let Ok(channel) = Channel::from_shared(url).unwrap().connect().await else { return done };
    let mut evidence = EvidenceServiceClient::new(channel.clone());
    let mut registry = RegistryServiceClient::new(channel);
    let deployment = &stage.chain.deployment;
    let mut rentals = rentals.iter();
    for number in 0..ANNOUNCEMENTS {
        let keys = Keys::random().unwrap();
        let descriptor = keys.descriptor("http://127.0.0.1:9", Some("GeForce RTX 3090"), None);
        let description = Some(keys.describe(deployment, &descriptor).unwrap());
        if !acknowledged(registry.announce_node(AnnounceNodeRequest { description }).await) {
            done.unknown += 1;
            return done;
        }
        done.nodes.push(to_hex(&keys.id()));
        if number % 3 != seed % 3 {
            continue;
        }
        let Some(rental) = rentals.next() else { continue };
        let report = fisher.sign(&fisher.report(deployment, rental).unwrap());
        let commit = Some(fisher.commit(deployment, &report));
        if !acknowledged(evidence.commit_report(CommitReportRequest { commit }).await) {
            return done;
        }
        done.commits += 1;
        let name = format!("reports/{}", to_hex(&signing::id(Domain::Report, &report.payload)));
        let request = SubmitReportRequest { report: Some(report), bundle: Vec::new() };
        if !acknowledged(evidence.submit_report(request).await) {
            return done;
        }
        done.reports.push(name);
    }
    done
}

/// Registers the fisher and waits until his bond and his last rental are final in the oracle's eyes.
async fn settle(stage: &Stage, fisher: &Fisher, rental: &Rental, url: &str) -> String {
    let channel = Channel::from_shared(url.to_owned()).unwrap().connect().await.unwrap();
    let deployment = &stage.chain.deployment;
    let registration = Some(fisher.registration(deployment).unwrap());
    let request = RegisterFisherRequest { registration };
    RegistryServiceClient::new(channel.clone()).register_fisher(request).await.unwrap();
    let report = fisher.sign(&fisher.report(deployment, rental).unwrap());
    let mut evidence = EvidenceServiceClient::new(channel);
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let commit = Some(fisher.commit(deployment, &report));
        let committed = evidence.commit_report(CommitReportRequest { commit }).await;
        let answer = match committed {
            Err(status) if status.code() != Code::AlreadyExists => Err(status),
            _ => {
                let request = SubmitReportRequest { report: Some(report.clone()), bundle: Vec::new() };
                evidence.submit_report(request).await.map(drop)
            }
        };
        match answer {
            Ok(()) => return format!("reports/{}", to_hex(&signing::id(Domain::Report, &report.payload))),
            Err(status) => assert!(Instant::now() < deadline, "the rental does not become final: {status:?}"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Everything that was acknowledged is listed, everything that is listed is listed once.
async fn check(api: &Oracle, nodes: &BTreeSet<String>, reports: &BTreeSet<String>, unknown: usize) {
    let listed: Vec<String> =
        api.nodes().await.unwrap().into_iter().map(|node| node.name.replace("nodes/", "")).collect();
    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), distinct.len(), "a node is there twice");
    assert_eq!(nodes.difference(&distinct).count(), 0, "an acknowledged node is lost");
    assert!(distinct.len() <= nodes.len() + unknown, "nodes that nobody announced");
    let listed: Vec<String> = api.reports("").await.unwrap().into_iter().map(|report| report.name).collect();
    let distinct: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), distinct.len(), "a report is there twice");
    assert_eq!(reports.difference(&distinct).count(), 0, "an acknowledged report is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::set(folder.path()).await.unwrap();
    let fisher = Fisher::create(&stage.chain, &stage.keys, "fisher", 1_000 * TOKEN).await.unwrap();
    let host = Keys::random().unwrap();
    let descriptor = host.descriptor("http://127.0.0.1:9", Some("GeForce RTX 3090"), None);
    let description = host.describe(&stage.chain.deployment, &descriptor).unwrap();
    let offer = description.offer.clone().unwrap();
    let mut rentals = Vec::new();
    while rentals.len() < KILLS * CLIENTS * REPORTS + 1 {
        rentals.extend(fisher.rent(&stage.chain, &offer, 61).await.unwrap());
    }
    stage.chain.run().await.unwrap();

    let mut oracle = stage.oracle("oracle").await.unwrap();
    let channel = Channel::from_shared(oracle.api.url().to_owned()).unwrap().connect().await.unwrap();
    let request = AnnounceNodeRequest { description: Some(description) };
    RegistryServiceClient::new(channel).announce_node(request).await.unwrap();
    let first = settle(&stage, &fisher, &rentals.pop().unwrap(), oracle.api.url()).await;
    let (mut nodes, mut reports) = (BTreeSet::from([to_hex(&host.id())]), BTreeSet::from([first]));
    let (mut unknown, mut commits) = (0, 0);
    for kill in 0..KILLS {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let life = LIFE_MAX.mul_f64(f64::from(u32::from(random[0])) / 255.0);
        let url = oracle.api.url().to_owned();
        let shares: Vec<&[Rental]> = rentals[kill * CLIENTS * REPORTS..].chunks(REPORTS).take(CLIENTS).collect();
        let clients = async {
            tokio::join!(
                client(&stage, &fisher, shares[0], url.clone(), 0),
                client(&stage, &fisher, shares[1], url.clone(), 1),
                client(&stage, &fisher, shares[2], url.clone(), 2),
            )
        };
        let killed = async {
            tokio::time::sleep(life).await;
            oracle.process.kill_now().await.unwrap();
        };
        let ((a, b, c), ()) = tokio::join!(clients, killed);
        for done in [a, b, c] {
            nodes.extend(done.nodes);
            reports.extend(done.reports);
            unknown += done.unknown;
            commits += done.commits;
        }
        oracle = stage.oracle("oracle").await.unwrap();
        check(&oracle.api, &nodes, &reports, unknown).await;
    }
    println!("{KILLS} kills: {} nodes, {commits} commits and {} reports acknowledged", nodes.len(), reports.len());
    assert!(nodes.len() > KILLS * CLIENTS && reports.len() > KILLS, "the clients hardly wrote");
}
