//! The world through a relay: the node's address is the relay's business, the messages are sealed for the node alone, and each
//! frame shows its head. Tells what the node did from what the relay did: the relay's own failures are never the host's. What a
//! relay keeps back or damages looks like a silent host, as a broken line would; which relay carries a session is chosen at random.
use super::{
    Failure, Fault,
    grpc::{OUTBOUND_MAX, upload},
    is_relays,
    outside::{Lost, Outside},
};
use gpux_kernels::release;
use gpux_proto::{
    evidence::Step,
    node::{Sealed, SessionRequest, SessionResponse, Start, session_response},
    relay::{self, relay_service_client::RelayServiceClient, session_request},
    sealed::{self, Opener, SEALED_BYTES_MAX, Sealer},
    signing::VerifyingKey,
};
use std::time::Instant;
use tokio::{sync::mpsc, time::timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

/// What a relay's message has beside the ciphertexts.
const OVERHEAD_BYTES: usize = 1024;

/// A node that is reached through a relay.
#[derive(Debug)]
pub(super) struct Relayed {
    channel: Channel,
    node: VerifyingKey,
    outbound: Option<mpsc::Sender<relay::SessionRequest>>,
    open: Option<Open>,
    /// The head that was shown beside the last message.
    shown: Vec<u8>,
}

/// A session after the handshake.
#[derive(Debug)]
struct Open {
    inbound: Streaming<relay::SessionResponse>,
    /// What came before anybody asked: a refusal during the upload.
    early: Option<Result<Sealed, Lost>>,
    sealer: Sealer,
    opener: Opener,
}

impl Relayed {
    pub(super) fn new(channel: Channel, node: VerifyingKey) -> Self {
        Self { channel, node, outbound: None, open: None, shown: Vec::new() }
    }

    /// Has the relay call the node, and shakes hands with the node.
    async fn join(&mut self) -> Result<(), Failure> {
        let step = Step::Hello;
        let fisher = |e: sealed::Error| Failure::new(step, Fault::Fisher, e);
        let (handshake, first) = sealed::begin(&self.node).map_err(fisher)?;
        let (outbound, requests) = mpsc::channel(OUTBOUND_MAX);
        let node = session_request::Message::Node(self.node.to_bytes().to_vec());
        for message in [node, session_request::Message::Sealed(Sealed { data: first, head: vec![] })] {
            // There is room for both.
            let _ = outbound.try_send(relay::SessionRequest { message: Some(message) });
        }
        let mut client =
            RelayServiceClient::new(self.channel.clone()).max_decoding_message_size(SEALED_BYTES_MAX + OVERHEAD_BYTES);
        let called = client.session(ReceiverStream::new(requests)).await;
        let mut inbound = called.map_err(|status| Failure::relayed(step, &status))?.into_inner();
        let second = next(&mut inbound).await.map_err(|lost| match lost {
            Lost::Status(status) => Failure::refused(step, &status),
            Lost::Relay(status) => Failure::relay(step, &status),
            _ => Failure::host(step, "the node closed the stream before the handshake"),
        })?;
        let (sealer, opener) = handshake.finish(&second.data).map_err(|e| Failure::host(step, e))?;
        self.outbound = Some(outbound);
        self.open = Some(Open { inbound, early: None, sealer, opener });
        Ok(())
    }

    /// Sends Start and worker. A node may answer before it has read everything: then that is heard next.
    async fn upload(&mut self, start: Start, worker: &release::Built) -> Result<(), Failure> {
        let (Some(outbound), Some(open)) = (&self.outbound, &mut self.open) else { return Ok(()) };
        for request in upload(start, worker) {
            let request = seal(&mut open.sealer, &request, Vec::new());
            let request = request.map_err(|e| Failure::new(Step::Hello, Fault::Fisher, e))?;
            tokio::select! {
                biased;
                early = next(&mut open.inbound) => {
                    open.early = Some(early);
                    break;
                }
                // The call has ended if it is not taken; its status, heard next, says why.
                sent = outbound.send(request) => if sent.is_err() { break },
            }
        }
        Ok(())
    }
}

impl Outside for Relayed {
    fn is_relayed(&self) -> bool {
        true
    }

    async fn connect(&mut self, start: Start, worker: &release::Built, deadline: Instant) -> Result<(), Failure> {
        let step = Step::Hello;
        match timeout_at(deadline.into(), self.join()).await {
            // Whether relay or node is slow cannot be told.
            Err(_) => return Err(Failure::new(step, Fault::Fisher, "no handshake before the deadline")),
            Ok(joined) => joined?,
        }
        match timeout_at(deadline.into(), self.upload(start, worker)).await {
            Err(_) => Err(Failure::host(step, "the node did not take the upload before the deadline")),
            Ok(uploaded) => uploaded,
        }
    }

    async fn send(&mut self, request: SessionRequest, head: [u8; 32], deadline: Instant) -> Result<(), Lost> {
        let (Some(outbound), Some(open)) = (&self.outbound, &mut self.open) else { return Err(Lost::Closed) };
        let request = seal(&mut open.sealer, &request, head.to_vec());
        let request = request.map_err(|e| Lost::Relay(Status::internal(e.to_string())))?;
        match timeout_at(deadline.into(), outbound.send(request)).await {
            Ok(Ok(())) => Ok(()),
            Err(_) => Err(Lost::Deadline),
            // The call has ended. Why is the last thing that it says; what it said before was not asked for.
            Ok(Err(_)) => loop {
                match timeout_at(deadline.into(), next(&mut open.inbound)).await {
                    Err(_) => return Err(Lost::Deadline),
                    Ok(Err(lost)) => return Err(lost),
                    Ok(Ok(_)) => {}
                }
            },
        }
    }

    fn end_input(&mut self) {
        self.outbound = None;
    }

    async fn receive(&mut self, deadline: Instant) -> Result<SessionResponse, Lost> {
        let Some(open) = &mut self.open else { return Err(Lost::Closed) };
        let Sealed { data, head } = match open.early.take() {
            Some(early) => early?,
            None => timeout_at(deadline.into(), next(&mut open.inbound)).await.map_err(|_| Lost::Deadline)??,
        };
        let response: SessionResponse = open.opener.open(&data).map_err(|e| Lost::Garbled(e.to_string()))?;
        if !matches!(response.message, Some(session_response::Message::Frame(_))) && !head.is_empty() {
            return Err(Lost::Garbled("a head beside a message that is no frame".into()));
        }
        self.shown = head;
        Ok(response)
    }

    fn shown(&self) -> Option<&[u8]> {
        Some(&self.shown)
    }
}

fn seal(sealer: &mut Sealer, request: &SessionRequest, head: Vec<u8>) -> Result<relay::SessionRequest, sealed::Error> {
    let sealed = Sealed { data: sealer.seal(request)?, head };
    Ok(relay::SessionRequest { message: Some(session_request::Message::Sealed(sealed)) })
}

async fn next(inbound: &mut Streaming<relay::SessionResponse>) -> Result<Sealed, Lost> {
    match inbound.message().await {
        Err(status) if is_relays(&status) => Err(Lost::Relay(status)),
        Err(status) => Err(Lost::Status(status)),
        Ok(None) => Err(Lost::Closed),
        Ok(Some(relay::SessionResponse { sealed: None })) => Err(Lost::Relay(Status::internal("an empty message"))),
        Ok(Some(relay::SessionResponse { sealed: Some(sealed) })) => Ok(sealed),
    }
}
