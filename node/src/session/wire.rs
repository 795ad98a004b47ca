//! The renter's two streams, in the open or sealed: one session's code reads and writes both through here.
//!
//! A sealed message shows a frame's head beside what nobody on the way can read. Never decides whether a shown head is the
//! frame's, since only the chain knows; refuses one beside anything else, so that a relay stamps frames only. Invariant:
//! whoever asks gets the same messages in the same order, whatever they travelled in.
use super::Error;
use gpux_proto::{
    node::{
        Sealed, SealedSessionRequest, SealedSessionResponse, SessionRequest, SessionResponse, session_request::Message,
    },
    sealed::{self, Opener, Sealer},
    signing::SigningKey,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

/// What the renter says.
#[derive(Debug)]
pub(super) enum Requests {
    /// In the open.
    Open(Streaming<SessionRequest>),
    /// Sealed for this node.
    Sealed {
        /// As it comes.
        stream: Streaming<SealedSessionRequest>,
        /// What opens it.
        opener: Opener,
        /// What was shown beside the last message.
        shown: Vec<u8>,
    },
}

/// What the renter is told.
#[derive(Debug)]
pub(super) enum Responses {
    /// In the open.
    Open(mpsc::Sender<Result<SessionResponse, Status>>),
    /// Sealed for whoever made the handshake.
    Sealed {
        /// Where it goes.
        stream: mpsc::Sender<Result<SealedSessionResponse, Status>>,
        /// What seals it.
        sealer: Sealer,
    },
}

impl Requests {
    /// The renter's next message; `None` when he has said everything.
    pub(super) async fn next_message(&mut self) -> Result<Option<Message>, Error> {
        let request = match self {
            Self::Open(stream) => received(stream.message().await)?,
            Self::Sealed { stream, opener, shown } => match received(stream.message().await)? {
                Some(SealedSessionRequest { sealed: Some(Sealed { data, head }) }) => {
                    *shown = head;
                    Some(opener.open::<SessionRequest>(&data)?)
                }
                Some(SealedSessionRequest { sealed: None }) => return Err(Error::Malformed("an empty request")),
                None => None,
            },
        };
        match request {
            None => Ok(None),
            Some(SessionRequest { message: None }) => Err(Error::Malformed("an empty request")),
            Some(SessionRequest { message: Some(message) }) => {
                let frame = matches!(message, Message::Frame(_));
                if !frame && self.shown().is_some_and(|shown| !shown.is_empty()) {
                    return Err(Error::HeadForeign);
                }
                Ok(Some(message))
            }
        }
    }

    /// The same, within a time.
    pub(super) async fn next(&mut self, wait: Duration) -> Result<Option<Message>, Error> {
        tokio::time::timeout(wait, self.next_message()).await.map_err(|_| Error::Deadline(wait))?
    }

    /// The head that was shown beside the last message; `None` in the open, where nothing is shown.
    pub(super) fn shown(&self) -> Option<&[u8]> {
        match self {
            Self::Open(_) => None,
            Self::Sealed { shown, .. } => Some(shown),
        }
    }
}

impl Responses {
    /// Resolves when the renter has gone.
    pub(super) async fn closed(&self) {
        match self {
            Self::Open(stream) => stream.closed().await,
            Self::Sealed { stream, .. } => stream.closed().await,
        }
    }

    /// Whether a message can be sent at once.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Open(stream) => stream.capacity() > 0,
            Self::Sealed { stream, .. } => stream.capacity() > 0,
        }
    }

    /// Waits until it can; false when the renter has gone.
    pub(super) async fn room(&self) -> bool {
        match self {
            Self::Open(stream) => stream.reserve().await.is_ok(),
            Self::Sealed { stream, .. } => stream.reserve().await.is_ok(),
        }
    }

    /// Sends when there is room, with a frame's head.
    pub(super) async fn send(&mut self, response: SessionResponse, head: Option<[u8; 32]>) -> Result<(), Error> {
        match self {
            Self::Open(stream) => stream.send(Ok(response)).await.map_err(|_| Error::Gone),
            Self::Sealed { stream, sealer } => {
                stream.send(Ok(seal(sealer, &response, head)?)).await.map_err(|_| Error::Gone)
            }
        }
    }

    /// Sends where there was room.
    pub(super) fn try_send(&mut self, response: SessionResponse, head: [u8; 32]) -> Result<(), Error> {
        match self {
            Self::Open(stream) => stream.try_send(Ok(response)).map_err(|_| Error::Gone),
            Self::Sealed { stream, sealer } => {
                stream.try_send(Ok(seal(sealer, &response, Some(head))?)).map_err(|_| Error::Gone)
            }
        }
    }

    /// Ends the stream with an error, if the renter takes it in time.
    pub(super) async fn fail(&self, status: Status, wait: Duration) {
        // The renter may have gone; then there is nobody to tell.
        match self {
            Self::Open(stream) => drop(stream.send_timeout(Err(status), wait).await),
            Self::Sealed { stream, .. } => drop(stream.send_timeout(Err(status), wait).await),
        }
    }
}

/// What a sealed session comes in and goes out by.
type Ends = (Streaming<SealedSessionRequest>, mpsc::Sender<Result<SealedSessionResponse, Status>>);

/// The node's half of the handshake: nobody else can open what the renter says from now on.
pub(super) async fn join(
    key: &SigningKey,
    (mut stream, answers): Ends,
    wait: Duration,
) -> Result<(Requests, Responses), Error> {
    let first = tokio::time::timeout(wait, stream.message()).await.map_err(|_| Error::Deadline(wait))?;
    let first = received(first)?.ok_or(Error::Gone)?;
    let (sealer, opener, data) = match first.sealed {
        Some(Sealed { data, head }) if head.is_empty() => sealed::answer(key, &data)?,
        _ => return Err(Error::Malformed("the first message is not a handshake")),
    };
    let answer = SealedSessionResponse { sealed: Some(Sealed { data, head: vec![] }) };
    answers.send(Ok(answer)).await.map_err(|_| Error::Gone)?;
    let requests = Requests::Sealed { stream, opener, shown: Vec::new() };
    Ok((requests, Responses::Sealed { stream: answers, sealer }))
}

fn received<T>(message: Result<Option<T>, Status>) -> Result<Option<T>, Error> {
    match message {
        Ok(message) => Ok(message),
        // tonic refuses what is larger than the service's message limit with this code.
        Err(status) if status.code() == tonic::Code::OutOfRange => Err(Error::Malformed("a message above the limit")),
        Err(_) => Err(Error::Gone),
    }
}

fn seal(
    sealer: &mut Sealer,
    response: &SessionResponse,
    head: Option<[u8; 32]>,
) -> Result<SealedSessionResponse, Error> {
    let head = head.map(|head| head.to_vec()).unwrap_or_default();
    Ok(SealedSessionResponse { sealed: Some(Sealed { data: sealer.seal(response)?, head }) })
}
