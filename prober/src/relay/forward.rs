//! One session on its way: what the renter sends goes to the node and what the node sends to the renter, as it is, each message
//! waiting until the one before it was taken. Reads heads, never contents. Invariant: a frame is stamped when it comes, before
//! it is passed on, so that no answer to it can have an earlier stamp.
use super::{error::Error, limits::Limits, stamps::Recorder};
use gpux_proto::{
    bytes::array,
    evidence::{Direction, EndedBy},
    node::{Sealed, SealedSessionRequest, SealedSessionResponse, node_service_client::NodeServiceClient},
    relay::{SessionRequest, SessionResponse, session_request::Message},
    sealed::SEALED_BYTES_MAX,
};
use std::{sync::Mutex, time::Duration};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

/// Messages that wait for a slow side.
pub(super) const QUEUE: usize = 4;
/// The largest message: ciphertexts, a head and tags.
pub(super) const MESSAGE_BYTES_MAX: usize = SEALED_BYTES_MAX + 1024;
/// How long a node may take to accept a call.
const CALL_MAX: Duration = Duration::from_secs(4);
/// What a message counts beside its bytes, so that empty ones count as well.
const OVERHEAD_BYTES: u64 = 64;

/// The messages to the renter.
pub(super) type Responses = mpsc::Sender<Result<SessionResponse, Status>>;

/// What passes in one session.
#[derive(Debug)]
pub(super) struct Passing {
    limits: Limits,
    // Both directions count and stamp; neither holds the lock while it waits.
    seen: Mutex<(Recorder, u64)>,
}

/// Who ended a session that came to this result.
pub(super) fn ended_by(result: &Result<(), Error>) -> EndedBy {
    match result {
        Err(Error::Gone | Error::Malformed(_) | Error::Deadline(_)) => EndedBy::Renter,
        Ok(()) | Err(Error::Node(_) | Error::BrokeOff(..) | Error::Unreachable(_)) => EndedBy::Node,
        Err(_) => EndedBy::Relay,
    }
}

/// The node that a renter names in his first message.
pub(super) async fn named(requests: &mut Streaming<SessionRequest>, wait: Duration) -> Result<[u8; 32], Error> {
    match tokio::time::timeout(wait, requests.message()).await {
        Err(_) => Err(Error::Deadline(wait)),
        Ok(message) => match received(message)? {
            Some(Message::Node(node)) => array("node", &node).map_err(|e| Error::Malformed(e.to_string())),
            Some(Message::Sealed(_)) => Err(Error::Malformed("the first message names no node".into())),
            None => Err(Error::Gone),
        },
    }
}

impl Passing {
    pub(super) fn new(node: [u8; 32], limits: &Limits) -> Self {
        Self { limits: limits.clone(), seen: Mutex::new((Recorder::new(node, limits.stamps), 0)) }
    }

    /// What was stamped.
    pub(super) fn into_recorder(self) -> Recorder {
        // Nothing that holds the lock can panic; what was stamped until then would still be true.
        self.seen.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    /// Carries a session until the node or the renter ends it.
    pub(super) async fn run(
        &self,
        channel: Channel,
        requests: &mut Streaming<SessionRequest>,
        responses: &Responses,
    ) -> Result<(), Error> {
        let (to_node, queue) = mpsc::channel(QUEUE);
        let mut client = NodeServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        let called = tokio::time::timeout(CALL_MAX, client.sealed_session(ReceiverStream::new(queue))).await;
        let answer = called.map_err(|_| Error::Unreachable("takes no session".into()))?;
        let mut inbound = answer.map_err(Error::of_node)?.into_inner();
        let up = self.up(requests, to_node);
        let down = self.down(&mut inbound, responses);
        tokio::pin!(up, down);
        let mut speaking = true;
        loop {
            tokio::select! {
                biased;
                ended = &mut down => return ended,
                said = &mut up, if speaking => {
                    said?;
                    speaking = false;
                }
            }
        }
    }

    /// Renter to node, until the renter has said everything; then the node's stream ends as well.
    async fn up(
        &self,
        requests: &mut Streaming<SessionRequest>,
        to_node: mpsc::Sender<SealedSessionRequest>,
    ) -> Result<(), Error> {
        loop {
            let sealed = match received(requests.message().await)? {
                Some(Message::Sealed(sealed)) => sealed,
                Some(Message::Node(_)) => return Err(Error::Malformed("a second node is named".into())),
                None => return Ok(()),
            };
            self.pass(Direction::Renter, &sealed)?;
            if to_node.send(SealedSessionRequest { sealed: Some(sealed) }).await.is_err() {
                // The node takes nothing more; how it ends is heard from it.
                return Ok(());
            }
        }
    }

    /// Node to renter, until the node has said everything.
    async fn down(&self, inbound: &mut Streaming<SealedSessionResponse>, responses: &Responses) -> Result<(), Error> {
        let broke = |what: &str| Error::BrokeOff(Code::Internal, what.into());
        loop {
            let sealed = match inbound.message().await {
                Ok(None) => return Ok(()),
                Ok(Some(SealedSessionResponse { sealed })) => sealed.ok_or_else(|| broke("an empty message"))?,
                Err(status) => return Err(Error::of_node(status)),
            };
            self.pass(Direction::Node, &sealed).map_err(|error| match error {
                Error::Malformed(what) => broke(&what),
                error => error,
            })?;
            responses.send(Ok(SessionResponse { sealed: Some(sealed) })).await.map_err(|_| Error::Gone)?;
        }
    }

    /// Counts a message, and stamps it if it shows a head.
    fn pass(&self, direction: Direction, sealed: &Sealed) -> Result<(), Error> {
        let malformed = |what: String| Error::Malformed(what);
        if sealed.data.len() > SEALED_BYTES_MAX {
            return Err(malformed(format!("a message of {} bytes is above {SEALED_BYTES_MAX}", sealed.data.len())));
        }
        let head = match sealed.head.as_slice() {
            [] => None,
            head => Some(array::<32>("head", head).map_err(|e| malformed(e.to_string()))?),
        };
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.1 += sealed.data.len() as u64 + OVERHEAD_BYTES;
        if seen.1 > self.limits.bytes {
            return Err(Error::Limit(format!("{} bytes", self.limits.bytes)));
        }
        if let Some(head) = head {
            seen.0.pass(direction, head);
        }
        Ok(())
    }
}

fn received(message: Result<Option<SessionRequest>, Status>) -> Result<Option<Message>, Error> {
    match message {
        Ok(Some(SessionRequest { message: Some(message) })) => Ok(Some(message)),
        Ok(Some(SessionRequest { message: None })) => Err(Error::Malformed("an empty message".into())),
        Ok(None) => Ok(None),
        // tonic refuses what is larger than the service's message limit with this code.
        Err(status) if status.code() == Code::OutOfRange => Err(Error::Malformed("a message above the limit".into())),
        Err(_) => Err(Error::Gone),
    }
}
