//! A node that answers as it should until the moment at which it misbehaves.

use super::Keys;
use gpux_contracts::Deployment;
use gpux_proto::{
    evidence::{Description, Frame, Hello, Host, Open},
    frames::{Chains, Side},
    node::{
        DescribeRequest, DescribeResponse, Opened, SealedSessionRequest, SealedSessionResponse, SessionRequest,
        SessionResponse,
        node_service_server::{NodeService, NodeServiceServer},
        session_request, session_response,
    },
    signing::{self, Domain},
};
use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::{Stream, wrappers::ReceiverStream, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// How it misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misdeed {
    /// It never answers when it is asked to describe itself.
    SilentDescribe,
    /// It takes the job and never says OPEN.
    NeverOpens,
    /// It says OPEN and nothing more.
    Hangs,
    /// Endless correctly signed output that is no message.
    Floods,
    /// One correctly signed frame that announces a message of 4 GiB.
    Garbage,
    /// Output without a signature.
    WithholdsSignature,
    /// It says OPEN and closes the stream.
    ClosesHalfWay,
}

/// A running hostile node; dropping it stops it.
#[derive(Debug)]
pub struct HostileNode {
    /// Its keys.
    pub keys: Keys,
    /// Where it answers.
    pub url: String,
    /// What it says of itself.
    pub description: Description,
    serving: JoinHandle<()>,
}

impl Drop for HostileNode {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl HostileNode {
    /// Serves on a free port of this machine; it claims one CPU thread, so that one probe can be made of it.
    pub async fn serve(deployment: &Deployment, misdeed: Misdeed) -> anyhow::Result<Self> {
        let keys = Keys::random()?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let host = Host { threads: 1, fp64_flops: 1_000_000_000, ..Host::default() };
        let description = keys.describe(deployment, &keys.descriptor(&url, None, Some(host)))?;
        let service = Service { keys: Arc::new(keys.clone()), description: description.clone(), misdeed };
        let serving = tokio::spawn(async move {
            let server = tonic::transport::Server::builder().add_service(NodeServiceServer::new(service));
            // An error of the listener shows in the test as a node that does not answer.
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Ok(Self { keys, url, description, serving })
    }
}

struct Service {
    keys: Arc<Keys>,
    description: Description,
    misdeed: Misdeed,
}

type Answers = Pin<Box<dyn Stream<Item = Result<SessionResponse, Status>> + Send>>;

#[tonic::async_trait]
impl NodeService for Service {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        if self.misdeed == Misdeed::SilentDescribe {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(DescribeResponse { description: Some(self.description.clone()) }))
    }

    type SessionStream = Answers;
    type SealedSessionStream = ReceiverStream<Result<SealedSessionResponse, Status>>;

    async fn sealed_session(
        &self,
        _: Request<Streaming<SealedSessionRequest>>,
    ) -> Result<Response<Self::SealedSessionStream>, Status> {
        Err(Status::unimplemented("it misbehaves in the open"))
    }

    async fn session(&self, request: Request<Streaming<SessionRequest>>) -> Result<Response<Answers>, Status> {
        let (sender, receiver) = mpsc::channel(8);
        tokio::spawn(misbehave(self.keys.clone(), self.misdeed, request.into_inner(), sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

type Sender = mpsc::Sender<Result<SessionResponse, Status>>;

async fn misbehave(keys: Arc<Keys>, misdeed: Misdeed, mut requests: Streaming<SessionRequest>, sender: Sender) {
    let Ok(Some(SessionRequest { message: Some(session_request::Message::Start(start)) })) = requests.message().await
    else {
        return;
    };
    let Some(hello_signed) = start.hello else { return };
    let Ok(hello) = signing::open::<Hello>(Domain::Hello, &hello_signed) else { return };
    let open = Open {
        hello: signing::id(Domain::Hello, &hello_signed.payload).to_vec(),
        job: hello.job,
        ordinal: 1,
        node: keys.id().to_vec(),
        open_time: None,
    };
    let open = signing::sign(Domain::Open, &open, &keys.node);
    let chains = Chains::new(signing::id(Domain::Open, &open.payload));
    if misdeed == Misdeed::NeverOpens {
        drain(requests).await;
        return;
    }
    // The rest of the upload is taken, so that the renter is never held up by flow control.
    tokio::spawn(drain(requests));
    let opened = session_response::Message::Opened(Opened { open: Some(open) });
    if sender.send(Ok(SessionResponse { message: Some(opened) })).await.is_err() {
        return;
    }
    after_open(&keys, misdeed, chains, sender).await;
}

async fn after_open(keys: &Keys, misdeed: Misdeed, mut chains: Chains, sender: Sender) {
    let mut send = async |data: Vec<u8>, sign: bool| {
        let Ok(frame) = chains.send(Side::Node, data, &keys.node) else { return false };
        let frame = if sign { frame } else { Frame { signature: Vec::new(), ..frame } };
        let message = session_response::Message::Frame(frame);
        sender.send(Ok(SessionResponse { message: Some(message) })).await.is_ok()
    };
    match misdeed {
        Misdeed::SilentDescribe | Misdeed::NeverOpens | Misdeed::ClosesHalfWay => return,
        Misdeed::Hangs => {}
        // A message of zero bytes, again and again: correctly framed, and never the one that is awaited.
        Misdeed::Floods => while send(vec![0; 64 << 10], true).await {},
        Misdeed::Garbage => drop(send(vec![0xff; 64], true).await),
        Misdeed::WithholdsSignature => drop(send(vec![0; 8], false).await),
    }
    sender.closed().await;
}

/// Takes what comes until the renter goes, or for as long as any session may last.
async fn drain(mut requests: Streaming<SessionRequest>) {
    let all = async { while let Ok(Some(_)) = requests.message().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(120), all).await;
}
