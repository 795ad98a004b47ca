//! A leader who shows what a test wants him to show.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use alloy::primitives::Address;
use gpux_contracts::{Deployment, opening_digest};
use gpux_proto::{
    bytes::{from_hex, to_hex},
    evidence::{Checkpoint, Signed},
    oracle::{
        CommitReportRequest, CommitReportResponse, CountersignRequest, CountersignResponse, Epoch, EpochSignature,
        GetBundleRequest, GetBundleResponse, GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest,
        GetConsistencyProofResponse, GetEpochRequest, GetEpochResponse, GetInclusionProofRequest,
        GetInclusionProofResponse, GetReportRequest, GetReportResponse, ListEntriesRequest, ListEntriesResponse,
        ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse, SubmitStampsRequest,
        SubmitStampsResponse,
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
        log_service_server::{LogService, LogServiceServer},
    },
    signing::{self, Domain, SigningKey, recover_ecdsa},
};
use tonic::{Request, Response, Status, async_trait};

use crate::log::{Frontier, leaf_hash};

type Answer<T> = Result<Response<T>, Status>;

/// What he shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) epochs: Vec<Epoch>,
    /// Reports by their id in hexadecimal digits.
    pub(super) reports: HashMap<String, Signed>,
    /// What he says the log's size is, if that is not how many entries there are.
    pub(super) size: Option<u64>,
    /// Takes no signatures.
    pub(super) is_deaf: bool,
    /// The signatures that came.
    pub(super) taken: Vec<(u64, String)>,
    /// How often he was asked for a report.
    pub(super) asked: usize,
}

/// The services, for operators of a deployment.
#[derive(Clone)]
pub(super) struct Leader {
    pub(super) shown: Arc<Mutex<Shown>>,
    operator: Address,
    deployment: Deployment,
}

impl Leader {
    /// Serves, and says where.
    pub(super) async fn serve(shown: Shown, operator: Address, deployment: Deployment) -> (Self, String) {
        let leader = Self { shown: Arc::new(Mutex::new(shown)), operator, deployment };
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server = tonic::transport::Server::builder()
            .add_service(LogServiceServer::new(leader.clone()))
            .add_service(EvidenceServiceServer::new(leader.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        (leader, url)
    }

    pub(super) fn show<T>(&self, change: impl FnOnce(&mut Shown) -> T) -> T {
        change(&mut self.shown.lock().unwrap())
    }
}

fn none<T>() -> Answer<T> {
    Err(Status::unimplemented("not asked for"))
}

#[async_trait]
impl LogService for Leader {
    async fn get_checkpoint(&self, _: Request<GetCheckpointRequest>) -> Answer<GetCheckpointResponse> {
        let shown = self.shown.lock().unwrap();
        let mut frontier = Frontier::new();
        shown.entries.iter().for_each(|entry| {
            frontier.append(leaf_hash(entry));
        });
        let size = shown.size.unwrap_or(frontier.size());
        let checkpoint = Checkpoint { chain_id: 1, scores: Vec::new(), size, root: frontier.root().to_vec() };
        let checkpoint = Some(signing::sign(Domain::Checkpoint, &checkpoint, &SigningKey::from_bytes(&[9; 32])));
        Ok(Response::new(GetCheckpointResponse { checkpoint }))
    }

    async fn list_entries(&self, asked: Request<ListEntriesRequest>) -> Answer<ListEntriesResponse> {
        // Pages are short, so that more than one is needed.
        let start = asked.into_inner().start;
        let shown = self.shown.lock().unwrap();
        let entries = shown.entries.iter().skip(start as usize).take(7).cloned().collect();
        Ok(Response::new(ListEntriesResponse { start, entries }))
    }

    async fn get_epoch(&self, asked: Request<GetEpochRequest>) -> Answer<GetEpochResponse> {
        let number = asked.into_inner().epoch;
        let shown = self.shown.lock().unwrap();
        let mut epoch = shown.epochs.iter().find(|epoch| epoch.epoch == number).cloned();
        let taken = shown.taken.iter().filter(|(epoch, _)| *epoch == number);
        let signed = taken.map(|(_, signature)| EpochSignature {
            operator: to_hex(self.operator.as_slice()),
            signature: signature.clone(),
        });
        if let Some(epoch) = &mut epoch {
            epoch.signatures = signed.collect();
        }
        let epoch = Some(epoch.ok_or_else(|| Status::not_found("no such epoch"))?);
        Ok(Response::new(GetEpochResponse { epoch }))
    }

    async fn countersign(&self, asked: Request<CountersignRequest>) -> Answer<CountersignResponse> {
        let CountersignRequest { epoch, signature } = asked.into_inner();
        let mut shown = self.shown.lock().unwrap();
        shown.taken.push((epoch, signature));
        if shown.is_deaf {
            shown.taken.clear();
            return Err(Status::unavailable("away"));
        }
        Ok(Response::new(CountersignResponse { held: 2, threshold: 2 }))
    }

    async fn get_inclusion_proof(&self, _: Request<GetInclusionProofRequest>) -> Answer<GetInclusionProofResponse> {
        none()
    }

    async fn get_consistency_proof(
        &self,
        _: Request<GetConsistencyProofRequest>,
    ) -> Answer<GetConsistencyProofResponse> {
        none()
    }
}

#[async_trait]
impl EvidenceService for Leader {
    async fn get_report(&self, asked: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        let GetReportRequest { name, opening } = asked.into_inner();
        let opening = opening.ok_or_else(|| Status::failed_precondition("sealed"))?;
        let (id, of) = (from_hex::<32>("name", &name).unwrap(), &self.deployment);
        let digest = opening_digest(id.into(), opening.valid_until, of.chain_id, of.court).unwrap();
        let signature: [u8; 65] = from_hex("signature", &opening.signature).unwrap();
        if recover_ecdsa("opening", &digest, &signature).unwrap() != self.operator {
            return Err(Status::permission_denied("no operator"));
        }
        let mut shown = self.shown.lock().unwrap();
        shown.asked += 1;
        let report = shown.reports.get(&name).cloned().ok_or_else(|| Status::not_found("no such report"))?;
        Ok(Response::new(GetReportResponse { summary: None, report: Some(report) }))
    }

    async fn commit_report(&self, _: Request<CommitReportRequest>) -> Answer<CommitReportResponse> {
        none()
    }
    async fn submit_report(&self, _: Request<SubmitReportRequest>) -> Answer<SubmitReportResponse> {
        none()
    }
    async fn submit_stamps(&self, _: Request<SubmitStampsRequest>) -> Answer<SubmitStampsResponse> {
        none()
    }
    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Answer<ListReportsResponse> {
        none()
    }
    async fn get_bundle(&self, _: Request<GetBundleRequest>) -> Answer<GetBundleResponse> {
        none()
    }
}
