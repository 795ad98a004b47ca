//! The world as it is: a node behind gRPC, this machine's clocks and randomness. Never interprets what it carries.
use super::{
    Failure, MESSAGE_BYTES_MAX,
    outside::{Lost, Outside},
};
use bytes::Bytes;
use gpux_kernels::release;
use gpux_proto::{
    evidence::Step,
    node::{SessionRequest, SessionResponse, Start, Upload, node_service_client::NodeServiceClient, session_request},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};
use tokio::{sync::mpsc, time::timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

/// The largest piece of an upload, as the service says.
const PIECE_BYTES: usize = 256 << 10;
/// Messages that wait for the transport. Small, so that a node that reads nothing is noticed at once.
pub(super) const OUTBOUND_MAX: usize = 4;

/// What is said before OPEN: the Start, and the worker in pieces.
pub(super) fn upload(start: Start, worker: &release::Built) -> impl Iterator<Item = SessionRequest> + use<> {
    let bytes = Bytes::copy_from_slice(&worker.bytes);
    let pieces = (0..bytes.len()).step_by(PIECE_BYTES).map(move |at| {
        let data = bytes.slice(at..bytes.len().min(at + PIECE_BYTES));
        session_request::Message::Upload(Upload { data })
    });
    let messages = std::iter::once(session_request::Message::Start(start)).chain(pieces);
    messages.map(|message| SessionRequest { message: Some(message) })
}

/// A node that is reached over a channel.
#[derive(Debug)]
pub(super) struct Grpc {
    channel: Channel,
    outbound: Option<mpsc::Sender<SessionRequest>>,
    inbound: Option<Streaming<SessionResponse>>,
}

impl Grpc {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, outbound: None, inbound: None }
    }
}

impl Outside for Grpc {
    /// A node may answer before it has read everything (a refusal), so call and upload run together.
    async fn connect(&mut self, start: Start, worker: &release::Built, deadline: Instant) -> Result<(), Failure> {
        let (outbound, requests) = mpsc::channel(OUTBOUND_MAX);
        let mut client = NodeServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let uploads = async {
            for request in upload(start, worker) {
                if outbound.send(request).await.is_err() {
                    // The call has ended; its status says why.
                    break;
                }
            }
            outbound
        };
        let call = client.session(ReceiverStream::new(requests));
        let uploaded = AtomicBool::new(false);
        let both = async {
            tokio::pin!(call, uploads);
            tokio::select! {
                response = &mut call => Ok((uploads.await, response?)),
                outbound = &mut uploads => {
                    uploaded.store(true, Ordering::Relaxed);
                    Ok::<_, Status>((outbound, call.await?))
                }
            }
        };
        let result = timeout_at(deadline.into(), both).await;
        let step = if uploaded.load(Ordering::Relaxed) { Step::Open } else { Step::Hello };
        match result {
            Ok(Ok((outbound, response))) => {
                (self.outbound, self.inbound) = (Some(outbound), Some(response.into_inner()));
                Ok(())
            }
            Ok(Err(status)) => Err(Failure::refused(step, &status)),
            Err(_) if step == Step::Open => Err(Failure::host(step, "no OPEN before the deadline")),
            Err(_) => Err(Failure::host(step, "the node did not take the upload before the deadline")),
        }
    }

    async fn send(&mut self, request: SessionRequest, _: [u8; 32], deadline: Instant) -> Result<(), Lost> {
        let Some(outbound) = &self.outbound else { return Err(Lost::Closed) };
        match timeout_at(deadline.into(), outbound.send(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Lost::Closed),
            Err(_) => Err(Lost::Deadline),
        }
    }

    fn end_input(&mut self) {
        self.outbound = None;
    }

    async fn receive(&mut self, deadline: Instant) -> Result<SessionResponse, Lost> {
        let Some(inbound) = &mut self.inbound else { return Err(Lost::Closed) };
        match timeout_at(deadline.into(), inbound.message()).await {
            Err(_) => Err(Lost::Deadline),
            Ok(Err(status)) => Err(Lost::Status(status)),
            Ok(Ok(None)) => Err(Lost::Closed),
            Ok(Ok(Some(response))) => Ok(response),
        }
    }
}
