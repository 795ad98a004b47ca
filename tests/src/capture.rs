//! An oracle that accepts everything and hands it to the test: what a real fisher sends, before any real oracle saw it.

use ed25519_dalek::SigningKey;
use gpux_proto::{
    bytes::to_hex,
    evidence::{Acknowledgement, Description, Descriptor},
    oracle::{
        AnnounceNodeRequest, AnnounceNodeResponse, CommitReportRequest, CommitReportResponse, GetBundleRequest,
        GetBundleResponse, GetNodeRequest, GetNodeResponse, GetReportRequest, GetReportResponse, ListNodesRequest,
        ListNodesResponse, ListRelaysRequest, ListRelaysResponse, ListReportsRequest, ListReportsResponse, Node,
        RegisterFisherRequest, RegisterFisherResponse, RegisterRelayRequest, RegisterRelayResponse,
        SubmitReportRequest, SubmitReportResponse, SubmitStampsRequest, SubmitStampsResponse,
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
        registry_service_server::{RegistryService, RegistryServiceServer},
    },
    signing::{self, Domain},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// How many reports wait for the test.
const WAITING_MAX: usize = 64;

/// A running capture; dropping it stops it.
#[derive(Debug)]
pub struct Capture {
    /// Where it answers.
    pub url: String,
    /// What was submitted, in order.
    pub submitted: mpsc::Receiver<SubmitReportRequest>,
    serving: JoinHandle<()>,
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Capture {
    /// Serves on a free port of this machine.
    pub async fn serve() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (sender, submitted) = mpsc::channel(WAITING_MAX);
        let service = Service { nodes: Arc::default(), sender, key: SigningKey::from_bytes(&[7; 32]) };
        let serving = tokio::spawn(async move {
            let server = tonic::transport::Server::builder()
                .add_service(RegistryServiceServer::new(service.clone()))
                .add_service(EvidenceServiceServer::new(service));
            // An error of the listener shows in the test as an oracle that does not answer.
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Ok(Self { url, submitted, serving })
    }
}

#[derive(Debug, Clone)]
struct Service {
    nodes: Arc<Mutex<Vec<Node>>>,
    sender: mpsc::Sender<SubmitReportRequest>,
    key: SigningKey,
}

fn name(description: &Description) -> Result<String, Status> {
    let signed = description.descriptor.as_ref().ok_or_else(|| Status::invalid_argument("no descriptor"))?;
    let descriptor: Descriptor =
        signing::open(Domain::Descriptor, signed).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(format!("nodes/{}", to_hex(&descriptor.node)))
}

#[tonic::async_trait]
impl RegistryService for Service {
    async fn announce_node(
        &self,
        request: Request<AnnounceNodeRequest>,
    ) -> Result<Response<AnnounceNodeResponse>, Status> {
        let description = request.into_inner().description.unwrap_or_default();
        let name = name(&description)?;
        let mut nodes = self.nodes.lock().await;
        nodes.retain(|node| node.name != name);
        nodes.push(Node { name: name.clone(), description: Some(description) });
        Ok(Response::new(AnnounceNodeResponse { name }))
    }

    async fn register_fisher(
        &self,
        request: Request<RegisterFisherRequest>,
    ) -> Result<Response<RegisterFisherResponse>, Status> {
        let registration = request.into_inner().registration.unwrap_or_default();
        Ok(Response::new(RegisterFisherResponse { name: format!("fishers/{}", to_hex(&registration.fisher)) }))
    }

    async fn register_relay(
        &self,
        _: Request<RegisterRelayRequest>,
    ) -> Result<Response<RegisterRelayResponse>, Status> {
        Err(Status::unimplemented("there are no relays"))
    }

    async fn list_relays(&self, _: Request<ListRelaysRequest>) -> Result<Response<ListRelaysResponse>, Status> {
        Ok(Response::new(ListRelaysResponse::default()))
    }

    async fn get_node(&self, request: Request<GetNodeRequest>) -> Result<Response<GetNodeResponse>, Status> {
        let wanted = request.into_inner().name;
        let node = self.nodes.lock().await.iter().find(|node| node.name == wanted).cloned();
        let node = node.ok_or_else(|| Status::not_found("no such node"))?;
        Ok(Response::new(GetNodeResponse { node: Some(node) }))
    }

    async fn list_nodes(&self, _: Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        let nodes = self.nodes.lock().await.clone();
        Ok(Response::new(ListNodesResponse { nodes, next_page_token: String::new() }))
    }
}

#[tonic::async_trait]
impl EvidenceService for Service {
    async fn commit_report(
        &self,
        request: Request<CommitReportRequest>,
    ) -> Result<Response<CommitReportResponse>, Status> {
        let commit = request.into_inner().commit.unwrap_or_default();
        let acknowledgement = Acknowledgement {
            commit: signing::id(Domain::Commit, &commit.payload).to_vec(),
            log_index: 0,
            operator: self.key.verifying_key().to_bytes().to_vec(),
        };
        let acknowledgement = signing::sign(Domain::Acknowledgement, &acknowledgement, &self.key);
        Ok(Response::new(CommitReportResponse { acknowledgement: Some(acknowledgement) }))
    }

    async fn submit_report(
        &self,
        request: Request<SubmitReportRequest>,
    ) -> Result<Response<SubmitReportResponse>, Status> {
        let request = request.into_inner();
        let id = request.report.as_ref().map(|report| signing::id(Domain::Report, &report.payload)).unwrap_or_default();
        // A test that has what it wanted takes no more.
        let _ = self.sender.try_send(request);
        Ok(Response::new(SubmitReportResponse { name: format!("reports/{}", to_hex(&id)), epoch: 0 }))
    }

    async fn submit_stamps(&self, _: Request<SubmitStampsRequest>) -> Result<Response<SubmitStampsResponse>, Status> {
        Err(Status::unimplemented("no stamps are kept"))
    }

    async fn get_report(&self, _: Request<GetReportRequest>) -> Result<Response<GetReportResponse>, Status> {
        Err(Status::not_found("no report is kept"))
    }

    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Result<Response<ListReportsResponse>, Status> {
        Ok(Response::new(ListReportsResponse::default()))
    }

    async fn get_bundle(&self, _: Request<GetBundleRequest>) -> Result<Response<GetBundleResponse>, Status> {
        Err(Status::not_found("no bundle is kept"))
    }
}
