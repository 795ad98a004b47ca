//! Asks an oracle over gRPC and over HTTP, and compares what both say and what the oracle serves before and after.

use gpux_proto::{
    evidence::{Description, Registration, Signed},
    oracle::{
        AnnounceNodeRequest, CommitReportRequest, Node, RegisterFisherRequest, ReportSummary, Reputation,
        SubmitReportRequest, evidence_service_client::EvidenceServiceClient,
        registry_service_client::RegistryServiceClient,
    },
};
use gpux_tests::oracle::Oracle;
use std::time::{Duration, Instant};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

/// Finality of a rental and of a bond, on a chain of one block a second.
pub(crate) const FINAL: Duration = Duration::from_secs(40);

/// A request.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Announce(Description),
    Register(Registration),
    Commit(Signed),
    Submit(SubmitReportRequest),
}

/// Both ways to one oracle.
pub(crate) struct Asker {
    api: Oracle,
    registry: RegistryServiceClient<Channel>,
    evidence: EvidenceServiceClient<Channel>,
}

/// What an oracle serves.
type Served = (Vec<Node>, Vec<ReportSummary>, Vec<Reputation>);

impl Asker {
    pub(crate) async fn new(api: &Oracle) -> Self {
        let channel = Channel::from_shared(api.url().to_owned()).unwrap().connect().await.unwrap();
        let registry = RegistryServiceClient::new(channel.clone());
        Self { api: api.clone(), registry, evidence: EvidenceServiceClient::new(channel) }
    }

    async fn grpc(&mut self, ask: Ask) -> Result<(), Status> {
        match ask {
            Ask::Announce(description) => {
                let request = AnnounceNodeRequest { description: Some(description) };
                self.registry.announce_node(request).await.map(drop)
            }
            Ask::Register(registration) => {
                let request = RegisterFisherRequest { registration: Some(registration) };
                self.registry.register_fisher(request).await.map(drop)
            }
            Ask::Commit(commit) => {
                self.evidence.commit_report(CommitReportRequest { commit: Some(commit) }).await.map(drop)
            }
            Ask::Submit(request) => self.evidence.submit_report(request).await.map(drop),
        }
    }

    async fn http(&self, ask: &Ask) -> Result<(), String> {
        let answer = match ask {
            Ask::Announce(description) => self.api.post("/v1/nodes", description).await,
            Ask::Register(registration) => self.api.post("/v1/fishers", registration).await,
            Ask::Commit(commit) => self.api.post("/v1/commits", commit).await,
            Ask::Submit(request) => self.api.post("/v1/reports", request).await,
        };
        answer.unwrap().map(drop).map_err(|refusal| refusal.reason)
    }

    async fn served(&self) -> Served {
        let api = &self.api;
        let mut reputations = api.reputations().await.unwrap();
        // What the chain brings by itself, epochs and payments, is not the request's doing.
        for reputation in &mut reputations {
            (reputation.epoch, reputation.on_chain, reputation.payments) = (0, None, None);
        }
        (api.nodes().await.unwrap(), api.reports("").await.unwrap(), reputations)
    }

    /// The request is refused for this reason over both protocols, and nothing that is served changes.
    pub(crate) async fn refused(&mut self, ask: &Ask, reason: &str) {
        let before = self.served().await;
        let (found, message) = self.reason(ask, reason).await;
        assert_eq!(found, reason, "{message}");
        assert_eq!(self.http(ask).await, Err(reason.to_owned()));
        assert_eq!(self.served().await, before, "{reason} left something behind");
    }

    /// Why gRPC refuses a request, as soon as its rental is final: a block or two after it was paid it is unknown.
    async fn reason(&mut self, ask: &Ask, wanted: &str) -> (String, String) {
        let deadline = Instant::now() + FINAL;
        loop {
            let status = self.grpc(ask.clone()).await.expect_err(wanted);
            let info = status.get_details_error_info().unwrap_or_else(|| panic!("{wanted}: no reason in {status:?}"));
            assert_eq!(info.domain, "gpux");
            let early = info.reason == "RENTAL_UNKNOWN" && wanted != "RENTAL_UNKNOWN";
            if !early || Instant::now() >= deadline {
                return (info.reason, status.message().to_owned());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// The request is accepted, over gRPC.
    pub(crate) async fn accepted(&mut self, ask: &Ask) {
        self.grpc(ask.clone()).await.unwrap();
    }

    /// The request is accepted as soon as the blocks that it rests on are final.
    pub(crate) async fn accepted_in_time(&mut self, ask: &Ask) {
        let deadline = Instant::now() + FINAL;
        while let Err(status) = self.grpc(ask.clone()).await {
            let details = status.get_error_details();
            assert!(details.retry_info().is_some(), "{status:?}");
            assert!(Instant::now() < deadline, "{status:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Posts a body that is no request.
    pub(crate) async fn posted(&self, path: &str, body: Vec<u8>) -> String {
        self.api.post_bytes(path, body).await.unwrap().expect_err("a body that is no request").reason
    }
}
