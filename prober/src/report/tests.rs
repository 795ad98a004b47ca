use super::*;
use crate::session::fixture;
use alloy::primitives::Address;
use gpux_kernels::evidence::expected;
use gpux_proto::{
    bytes::decode,
    evidence::Signed,
    oracle::{
        CommitReportRequest, CommitReportResponse, GetBundleRequest, GetBundleResponse, GetReportRequest,
        GetReportResponse, ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse,
        SubmitStampsRequest, SubmitStampsResponse,
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
    },
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: fixture::PLACE.chain_id,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: fixture::PLACE.rentals,
        bonds: address(3),
        scores: address(4),
        court: address(5),
        rewards: address(8),
        epoch_length_seconds: 5,
    }
}

fn written(ended: &Ended) -> (Report, Parcel) {
    let (offered, deployment) = (fixture::offered("http://127.0.0.1:1"), deployment());
    let expectation = expected(&offered.descriptor, ProbeId::Imma, Market::Development).unwrap();
    let release = &Arc::new(Release::new(b"worker".to_vec()).unwrap());
    let (market, deployment, expectation) = (Market::Development, &deployment, &expectation);
    let judge = Judge { market, deployment, expectation, release };
    let terms = fixture::terms(&offered);
    let id = signing::rental_id(&terms).unwrap();
    let rental =
        Rental { consumer: fixture::consumer(), terms, id, salt: [6; 32], probe: gpux_kernels::probe::ProbeId::Cpu };
    let key = SigningKey::from_bytes(&[7; 32]);
    let author = Author { deployment, fisher: address_of_fisher(), key: &key, assignment: None };
    let finding = judge.find(ProbeId::Imma, ended);
    let parcel = author.write(&offered, &rental, ended, finding, &expectation.model);
    signing::verify(Domain::Report, &parcel.report, &key.verifying_key()).unwrap();
    signing::verify(Domain::Commit, &parcel.commit, &key.verifying_key()).unwrap();
    (decode("report", &parcel.report.payload).unwrap(), parcel)
}

fn address_of_fisher() -> Address {
    Address::repeat_byte(0xf1)
}

fn ended(step: Step, fault: Fault) -> Ended {
    let (started, ended) = (Duration::from_secs(100), Duration::from_secs(103));
    Ended { bundle: None, failure: Some(Failure::new(step, fault, "why\u{1b}[2J")), started, ended, relay: None }
}

#[test]
fn a_session_that_never_opened_is_inconclusive_whatever_the_step() {
    for step in [Step::Describe, Step::Hello, Step::Open] {
        let (report, parcel) = written(&ended(step, Fault::Host));
        assert_eq!((report.outcome(), report.step()), (Outcome::Inconclusive, step));
        assert_eq!((report.x_lower, report.x_upper, report.wrong), (0, 64, 0));
        assert!(report.bundle_digest.is_empty() && parcel.bundle.is_empty() && report.measurement.is_none());
        assert_eq!(report.detail, "why [2J", "control characters of a node stay out");
    }
}

#[test]
fn every_field_of_a_report_names_what_it_should() {
    let (report, parcel) = written(&ended(Step::Open, Fault::Host));
    let (offered, deployment) = (fixture::offered("http://127.0.0.1:1"), deployment());
    assert_eq!((report.chain_id, report.rentals), (deployment.chain_id, deployment.rentals.to_vec()));
    assert_eq!(report.node, offered.node);
    assert_eq!(report.rental, signing::rental_id(&report.terms.clone().unwrap()).unwrap());
    assert_eq!((report.note_salt, report.court), (vec![6; 32], deployment.court.to_vec()));
    assert_eq!((report.probe, report.device), (Probe::Imma.into(), DeviceKind::Simulated.into()));
    assert_eq!(report.claimed_model, "GeForce RTX 3090");
    assert_eq!((report.start_time.unwrap().seconds, report.end_time.unwrap().seconds), (100, 103));
    assert!(report.relay.is_empty() && report.assignment.is_none());
    let commit: Commit = decode("commit", &parcel.commit.payload).unwrap();
    assert_eq!((commit.report, commit.fisher), (parcel.id().to_vec(), report.fisher));
}

#[test]
fn a_void_bundle_accuses_nobody() {
    let mut session = ended(Step::Window, Fault::Host);
    session.bundle = Some(Bundle::default());
    let (report, parcel) = written(&session);
    assert_eq!((report.outcome(), report.step()), (Outcome::Inconclusive, Step::Verify));
    assert!(parcel.bundle.is_empty());
}

/// An oracle that answers from a script, and remembers what it was asked.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<Vec<Option<Status>>>>,
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl Scripted {
    fn answer(&self, what: &'static str) -> Result<(), Status> {
        self.asked.lock().unwrap().push(what);
        let mut answers = self.answers.lock().unwrap();
        let next = if answers.is_empty() { None } else { answers.remove(0) };
        next.map_or(Ok(()), Err)
    }
}

#[tonic::async_trait]
impl EvidenceService for Scripted {
    async fn commit_report(&self, _: Request<CommitReportRequest>) -> Result<Response<CommitReportResponse>, Status> {
        self.answer("commit").map(|()| Response::new(CommitReportResponse::default()))
    }

    async fn submit_report(&self, _: Request<SubmitReportRequest>) -> Result<Response<SubmitReportResponse>, Status> {
        self.answer("submit").map(|()| Response::new(SubmitReportResponse::default()))
    }

    async fn submit_stamps(&self, _: Request<SubmitStampsRequest>) -> Result<Response<SubmitStampsResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn get_report(&self, _: Request<GetReportRequest>) -> Result<Response<GetReportResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Result<Response<ListReportsResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn get_bundle(&self, _: Request<GetBundleRequest>) -> Result<Response<GetBundleResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

fn refusal(code: Code, reason: &str, retry: bool) -> Option<Status> {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "gpux", []);
    if retry {
        details.set_retry_info(Some(Duration::from_millis(1)));
    }
    Some(Status::with_error_details(code, "said the script", details))
}

async fn deliver(answers: Vec<Option<Status>>) -> (Result<(), Refusal>, Vec<&'static str>, tempfile::TempDir) {
    let script = Scripted { answers: Arc::new(Mutex::new(answers)), ..Scripted::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = tonic::transport::Server::builder().add_service(EvidenceServiceServer::new(script.clone()));
    tokio::spawn(server.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path()).unwrap();
    let (_, parcel) = written(&ended(Step::Open, Fault::Host));
    outbox.store(&parcel).unwrap();
    assert_eq!(outbox.pending().unwrap(), vec![parcel.clone()]);
    let result = outbox.deliver(&Oracle::new(uri), &parcel, &CancellationToken::new()).await;
    let asked = script.asked.lock().unwrap().clone();
    (result, asked, dir)
}

#[tokio::test]
async fn a_report_is_delivered_again_until_the_chain_is_final() {
    let wait = || refusal(Code::FailedPrecondition, "RENTAL_UNKNOWN", true);
    let exists = refusal(Code::AlreadyExists, "COMMIT_REPLAYED", false);
    let (result, asked, dir) = deliver(vec![None, wait(), exists, None]).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked, ["commit", "submit", "commit", "submit"]);
    assert_eq!(Outbox::open(dir.path()).unwrap().pending().unwrap(), vec![]);
}

#[tokio::test]
async fn a_report_refused_for_good_is_set_aside_with_the_reason() {
    let (result, asked, dir) = deliver(vec![None, refusal(Code::InvalidArgument, "NOTE_MISMATCH", false)]).await;
    assert_eq!((result.unwrap_err().reason.as_str(), asked.len()), ("NOTE_MISMATCH", 2));
    assert_eq!(Outbox::open(dir.path()).unwrap().pending().unwrap(), vec![]);
    let aside: Vec<_> = std::fs::read_dir(dir.path().join("reports/refused")).unwrap().collect();
    assert_eq!(aside.len(), 2, "the report and the reason");
}

#[test]
fn a_spoiled_file_in_the_outbox_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(dir.path()).unwrap();
    let (_, parcel) = written(&ended(Step::Open, Fault::Host));
    outbox.store(&parcel).unwrap();
    std::fs::write(dir.path().join("reports/00.report"), [0xff; 9]).unwrap();
    assert_eq!(outbox.pending().unwrap(), vec![parcel]);
    let unsigned = Parcel { commit: Signed::default(), report: Signed::default(), bundle: vec![] };
    outbox.store(&unsigned).unwrap();
    assert_eq!(outbox.pending().unwrap().len(), 2);
}
