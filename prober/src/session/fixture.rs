//! A node of tests: keys, a signed description, and a server that runs the real worker and misbehaves where it is told to, in
//! the open or sealed.
mod sealed;

use crate::{
    job,
    offered::{self, Offered, Place},
};
use alloy::{
    primitives::Address,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_kernels::{
    Parameters,
    device::{Device, cpu::CpuDevice},
    probe::ProbeId,
};
use gpux_proto::{
    evidence::{
        Description, Descriptor, Frame, Gpu, Hello, Host, JobOutput, Offer, Open, Signed, SignedOffer, Terms,
        job_output,
    },
    frames::{Chains, Side},
    node::{
        Closed, DescribeRequest, DescribeResponse, Opened, SealedSessionRequest, SealedSessionResponse, SessionRequest,
        SessionResponse, node_service_server, session_request, session_response,
    },
    signing::{self, Domain, SigningKey, VerifyingKey},
    stream,
};
use std::{net::SocketAddr, pin::Pin, thread, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_stream::{
    Stream, StreamExt as _,
    wrappers::{ReceiverStream, TcpListenerStream},
};
use tonic::{Request, Response, Status, Streaming};

pub(crate) const PLACE: Place = Place { chain_id: 31_337, rentals: Address::repeat_byte(0x11) };

pub(crate) fn node_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub(crate) fn provider() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[3; 32].into()).unwrap()
}

pub(crate) fn consumer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&[4; 32].into()).unwrap()
}

pub(crate) fn description(endpoint: &str, place: Place) -> Description {
    let host = Host {
        threads: 1,
        fp64_flops: 1_000_000_000,
        ram_bytes: 128 << 20,
        ram_reads: 1_000_000,
        ..Default::default()
    };
    let descriptor = Descriptor {
        node: node_key().verifying_key().to_bytes().to_vec(),
        endpoint: endpoint.into(),
        provider: provider().address().to_vec(),
        gpus: vec![Gpu { model: "GeForce RTX 3090".into(), count: 1 }],
        host: Some(host),
        sequence: 1,
        ..Default::default()
    };
    let descriptor = signing::sign(Domain::Descriptor, &descriptor, &node_key());
    let offer = Offer {
        chain_id: place.chain_id,
        rentals: place.rentals.to_vec(),
        node: node_key().verifying_key().to_bytes().to_vec(),
        provider: provider().address().to_vec(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: "1000".into(),
        capacity: 1,
        valid_until: (crate::clock::now() + Duration::from_secs(3_600)).as_secs(),
    };
    let digest = signing::offer_digest(&offer).unwrap();
    let offer = SignedOffer {
        offer: Some(offer),
        node_signature: signing::sign_id(&digest, &node_key()).to_vec(),
        provider_signature: provider().sign_hash_sync(&digest.into()).unwrap().as_bytes().to_vec(),
    };
    Description { descriptor: Some(descriptor), offer: Some(offer), membership: None }
}

pub(crate) fn offered(endpoint: &str) -> Offered {
    offered::verify(&description(endpoint, PLACE), PLACE, crate::clock::now()).unwrap()
}

pub(crate) fn terms(offered: &Offered) -> Terms {
    let (consumer, offer) = (consumer().address().to_vec(), Some(offered.offer.clone()));
    Terms { consumer, offer, note: vec![9; 32], nonce: 1 }
}

/// The machine's CPU for every probe, so that tests need no card.
pub(crate) fn cpu(_: &Parameters) -> Result<Vec<Box<dyn Device>>, job::Error> {
    Ok(vec![Box::new(CpuDevice::new(1).with_usable_bytes(1 << 20))])
}

/// A simulated card as a node lends it.
pub(crate) fn paced(parameters: &Parameters) -> Result<Vec<Box<dyn Device>>, job::Error> {
    use gpux_kernels::{catalogue, device::paced};
    assert_ne!(parameters.probe, ProbeId::Cpu);
    let model = catalogue::by_name("GeForce RTX 3090").unwrap().clone();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    thread::spawn(move || {
        let mut card = paced::PacedModel::new(model, paced::Card::new(), paced::Behaviour::Honest);
        paced::serve(theirs, &mut card)
    });
    Ok(vec![Box::new(paced::PacedClient::connect(ours)?)])
}

/// At which answer a node misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Upload,
    Open,
    Ready,
    Pong,
    Root,
    Roots,
    Openings,
    Closed,
    Never,
}

/// What it does instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing, for ever.
    Hang,
    /// Closes the stream.
    Close,
    /// Ends it with an error.
    Refuse,
    /// Signs bytes that are no message.
    Garbage,
    /// Sends the right bytes with a wrong signature.
    Forge,
    /// Sends the right answer without end.
    Flood,
    /// Opens other units than the drawn ones.
    Swap,
    /// Shows a relay another head than the frame's.
    Misname,
    /// Sends what cannot be opened.
    Garble,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) act: Act,
    pub(crate) devices: job::Chooser,
}

impl Node {
    /// Serves on a free port of loopback and returns its address.
    pub(crate) async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder().add_service(node_service_server::NodeServiceServer::new(self));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    fn admits(self) -> Result<(), Status> {
        if (self.at, self.act) != (At::Upload, Act::Refuse) {
            return Ok(());
        }
        use tonic_types::{ErrorDetails, StatusExt as _};
        let details = ErrorDetails::with_error_info("AT_CAPACITY", "gpux", []);
        Err(Status::with_error_details(tonic::Code::ResourceExhausted, "one rental at a time", details))
    }
}

type Answers = mpsc::Sender<Result<SessionResponse, Status>>;
type Requests = Pin<Box<dyn Stream<Item = Result<SessionRequest, Status>> + Send>>;

#[tonic::async_trait]
impl node_service_server::NodeService for Node {
    async fn describe(&self, request: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let endpoint = format!("http://{}", request.local_addr().unwrap());
        Ok(Response::new(DescribeResponse { description: Some(description(&endpoint, PLACE)) }))
    }

    type SessionStream = Pin<Box<dyn Stream<Item = Result<SessionResponse, Status>> + Send>>;
    type SealedSessionStream = ReceiverStream<Result<SealedSessionResponse, Status>>;

    async fn sealed_session(
        &self,
        request: Request<Streaming<SealedSessionRequest>>,
    ) -> Result<Response<Self::SealedSessionStream>, Status> {
        self.admits()?;
        Ok(Response::new(sealed::serve(*self, request.into_inner())))
    }

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        self.admits()?;
        let (answers, stream) = mpsc::channel(4);
        tokio::spawn(serve(*self, Box::pin(request.into_inner()), answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

fn frame(frame: Frame) -> Result<SessionResponse, Status> {
    Ok(SessionResponse { message: Some(session_response::Message::Frame(frame)) })
}

async fn hang() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

/// Plays a node for one session; returning closes the stream.
async fn serve(node: Node, mut requests: Requests, answers: Answers) -> Option<()> {
    let message = requests.try_next().await.ok()??.message?;
    let session_request::Message::Start(start) = message else { return None };
    if node.at == At::Upload {
        hang().await;
    }
    let hello = start.hello?;
    let said: Hello = signing::open(Domain::Hello, &hello).ok()?;
    let manifest: gpux_proto::evidence::JobManifest = gpux_proto::bytes::decode("manifest", &start.manifest).ok()?;
    let mut left = manifest.executable?.size as usize;
    while left > 0 {
        let session_request::Message::Upload(piece) = requests.try_next().await.ok()??.message? else { return None };
        left -= piece.data.len();
    }
    let open = Open {
        hello: signing::id(Domain::Hello, &hello.payload).to_vec(),
        job: said.job,
        ordinal: 1,
        node: node_key().verifying_key().to_bytes().to_vec(),
        open_time: None,
    };
    let mut open = signing::sign(Domain::Open, &open, &node_key());
    if node.at == At::Open {
        match node.act {
            Act::Close => return None,
            Act::Refuse => return answers.send(Err(Status::internal("no"))).await.ok(),
            Act::Forge | Act::Garbage => open.signature[0] ^= 1,
            _ => hang().await,
        }
    }
    let chains = Chains::new(signing::id(Domain::Open, &open.payload));
    answers.send(Ok(opened(open))).await.ok()?;
    let renter = signing::public_key("session", &said.session_key).ok()?;
    talk(node, requests, answers, (chains, renter)).await
}

fn opened(open: Signed) -> SessionResponse {
    SessionResponse { message: Some(session_response::Message::Opened(Opened { open: Some(open) })) }
}

async fn talk(
    node: Node,
    mut requests: Requests,
    answers: Answers,
    (mut chains, renter): (Chains, VerifyingKey),
) -> Option<()> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let job = thread::spawn(move || job::serve(theirs.try_clone().unwrap(), theirs, node.devices));
    ours.set_nonblocking(true).unwrap();
    let (mut output, mut input) = tokio::net::UnixStream::from_std(ours).unwrap().into_split();
    let mut reader = stream::Reader::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        tokio::select! {
            request = requests.try_next() => match request.ok()? {
                Some(SessionRequest { message: Some(session_request::Message::Frame(frame)) }) => {
                    chains.receive(Side::Renter, &frame, &renter).ok()?;
                    input.write_all(&frame.data).await.ok()?;
                }
                Some(_) => return None,
                None => break,
            },
            read = output.read(&mut buffer) => {
                reader.push(&buffer[..read.ok()?]);
                while let Some(message) = reader.take::<JobOutput>().ok()? {
                    answer(node, message, &mut chains, &answers).await?;
                }
            }
        }
    }
    input.shutdown().await.ok()?;
    let exit_code = tokio::task::spawn_blocking(|| i32::from(job.join().unwrap().is_err())).await.ok();
    match (node.at, node.act) {
        (At::Closed, Act::Hang) => hang().await,
        (At::Closed, Act::Close) => return None,
        (At::Closed, Act::Flood) => {
            let more = chains.send(Side::Node, vec![1], &node_key()).ok()?;
            answers.send(frame(more)).await.ok()?;
        }
        _ => {}
    }
    let closed = Closed { exit_code, limit: String::new() };
    let message = Some(session_response::Message::Closed(closed));
    answers.send(Ok(SessionResponse { message })).await.ok()
}

/// Sends one answer of the job, or what the node does instead.
async fn answer(node: Node, mut output: JobOutput, chains: &mut Chains, answers: &Answers) -> Option<()> {
    let at = match output.message.as_ref()? {
        job_output::Message::Ready(_) => At::Ready,
        job_output::Message::Pong(_) => At::Pong,
        job_output::Message::Root(_) => At::Root,
        job_output::Message::RoundRoots(_) => At::Roots,
        job_output::Message::Openings(_) => At::Openings,
        job_output::Message::Failure(failure) => panic!("the worker failed: {}", failure.message),
    };
    let act = (at == node.at).then_some(node.act);
    if let (Some(Act::Swap), Some(job_output::Message::Openings(openings))) = (act, &mut output.message) {
        openings.openings[0].index ^= 1;
    }
    let bytes = if act == Some(Act::Garbage) { vec![0xff; 64] } else { stream::encode(&output) };
    match act {
        Some(Act::Hang) => hang().await,
        Some(Act::Close) => return None,
        Some(Act::Refuse) => return answers.send(Err(Status::internal("no"))).await.ok().and(None),
        _ => {}
    }
    loop {
        let mut next = chains.send(Side::Node, bytes.clone(), &node_key()).ok()?;
        if act == Some(Act::Forge) {
            next.signature[0] ^= 1;
        }
        answers.send(frame(next)).await.ok()?;
        if act != Some(Act::Flood) {
            return Some(());
        }
    }
}
