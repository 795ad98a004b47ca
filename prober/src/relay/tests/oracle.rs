//! An oracle of tests: knows what it is told, takes stamps where it is told to, remembers what it was asked.
use gpux_proto::{
    bytes::from_hex,
    evidence::{Description, RelayRegistration, Signed},
    oracle::{
        AnnounceNodeRequest, AnnounceNodeResponse, CommitReportRequest, CommitReportResponse, GetBundleRequest,
        GetBundleResponse, GetNodeRequest, GetNodeResponse, GetReportRequest, GetReportResponse, ListNodesRequest,
        ListNodesResponse, ListRelaysRequest, ListRelaysResponse, ListReportsRequest, ListReportsResponse, Node,
        RegisterFisherRequest, RegisterFisherResponse, RegisterRelayRequest, RegisterRelayResponse, Relay,
        SubmitReportRequest, SubmitReportResponse, SubmitStampsRequest, SubmitStampsResponse,
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
        registry_service_server::{RegistryService, RegistryServiceServer},
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Uri};

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) nodes: HashMap<[u8; 32], Description>,
    pub(super) relays: Vec<RelayRegistration>,
    pub(super) stamps: Vec<Signed>,
    /// What it answers to stamps instead of taking them.
    pub(super) refuses: Option<Status>,
    pub(super) asked: usize,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Oracle(pub(super) Arc<Mutex<Known>>);

impl Oracle {
    /// Serves on a free port of loopback.
    pub(super) async fn start(&self) -> Uri {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(RegistryServiceServer::new(self.clone()))
            .add_service(EvidenceServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        uri
    }

    pub(super) fn tell<T>(&self, tell: impl FnOnce(&mut Known) -> T) -> T {
        tell(&mut self.0.lock().unwrap())
    }

    /// Waits until it has taken so many stamps.
    pub(super) async fn taken(&self, count: usize) -> Vec<Signed> {
        for _ in 0..1_000 {
            let stamps = self.tell(|known| known.stamps.clone());
            if stamps.len() >= count {
                return stamps;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} stamps came, not {count}", self.tell(|known| known.stamps.len()));
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl RegistryService for Oracle {
    async fn announce_node(&self, _: Request<AnnounceNodeRequest>) -> Answer<AnnounceNodeResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn register_fisher(&self, _: Request<RegisterFisherRequest>) -> Answer<RegisterFisherResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn list_nodes(&self, _: Request<ListNodesRequest>) -> Answer<ListNodesResponse> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn register_relay(&self, request: Request<RegisterRelayRequest>) -> Answer<RegisterRelayResponse> {
        let registration = request.into_inner().registration.unwrap();
        self.tell(|known| known.relays.push(registration));
        Ok(Response::new(RegisterRelayResponse::default()))
    }

    async fn list_relays(&self, _: Request<ListRelaysRequest>) -> Answer<ListRelaysResponse> {
        let relays = self.tell(|known| known.relays.clone());
        let relays = relays.into_iter().map(|r| Relay { name: String::new(), registration: Some(r) }).collect();
        Ok(Response::new(ListRelaysResponse { relays, next_page_token: String::new() }))
    }

    async fn get_node(&self, request: Request<GetNodeRequest>) -> Answer<GetNodeResponse> {
        let node: [u8; 32] = from_hex("node", &request.into_inner().name).unwrap();
        let found = self.tell(|known| {
            known.asked += 1;
            known.nodes.get(&node).cloned()
        });
        let description = Some(found.ok_or_else(|| Status::not_found("no such node"))?);
        Ok(Response::new(GetNodeResponse { node: Some(Node { name: String::new(), description }) }))
    }
}

#[tonic::async_trait]
impl EvidenceService for Oracle {
    async fn submit_stamps(&self, request: Request<SubmitStampsRequest>) -> Answer<SubmitStampsResponse> {
        let stamps = request.into_inner().stamps.unwrap();
        self.tell(|known| match &known.refuses {
            Some(status) => Err(status.clone()),
            None => {
                // The same again, as after a lost acknowledgement, is accepted once.
                if !known.stamps.contains(&stamps) {
                    known.stamps.push(stamps);
                }
                Ok(Response::new(SubmitStampsResponse {}))
            }
        })
    }

    async fn commit_report(&self, _: Request<CommitReportRequest>) -> Answer<CommitReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn submit_report(&self, _: Request<SubmitReportRequest>) -> Answer<SubmitReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn get_report(&self, _: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Answer<ListReportsResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn get_bundle(&self, _: Request<GetBundleRequest>) -> Answer<GetBundleResponse> {
        Err(Status::unimplemented("not asked for"))
    }
}
