//! One session's stream to a node: sends and receives frames, checks the chain and the node's signatures, cuts messages out of
//! the frames and writes the transcript. Every wait ends at a deadline that the caller gives; everything that is kept is
//! bounded. Never interprets a message. Invariant: the transcript holds exactly the
//! frames that both chains accept, in the order in which they were sent and received.
use super::{
    Failure, Fault,
    outside::{Lost, Outside},
};
use gpux_proto::{
    evidence::{Direction, Frame, JobInput, JobOutput, Step, TranscriptFrame},
    frames::{Chains, Side},
    node::{Closed, SessionRequest, session_request, session_response},
    signing::{SigningKey, VerifyingKey},
    stream,
};
use prost::Message as _;
use std::{
    fmt,
    time::{Duration, Instant},
};

/// The most bytes of a session's frames: a bundle of at most 4 MiB is accepted by oracles, and descriptor, offer, terms
/// and manifest take less than 256 KiB of it.
pub(super) const TRANSCRIPT_BYTES_MAX: usize = (4 << 20) - (256 << 10);
/// What a transcript entry costs beside its frame's data: signature, numbers and tags.
const FRAME_OVERHEAD: usize = 128;

/// The fisher's half of the stream.
#[derive(Debug)]
pub(super) struct Link<O> {
    outside: O,
    chains: Chains,
    own: SigningKey,
    node: VerifyingKey,
    started: Instant,
    reader: stream::Reader,
    frames: Vec<TranscriptFrame>,
    bytes: usize,
    /// A frame of the node must have seen at least so many of ours.
    seen_min: u64,
}

/// Who signs, and since when time runs.
#[derive(Debug)]
pub(super) struct Ends {
    /// The session key.
    pub(super) own: SigningKey,
    /// The node's key.
    pub(super) node: VerifyingKey,
    /// When Hello was sent.
    pub(super) started: Instant,
}

impl<O: Outside> Link<O> {
    /// Starts the frames after OPEN, whose id starts both chains.
    pub(super) fn new(outside: O, open_id: [u8; 32], ends: Ends) -> Self {
        let Ends { own, node, started } = ends;
        Self {
            outside,
            chains: Chains::new(open_id),
            own,
            node,
            started,
            reader: stream::Reader::default(),
            frames: Vec::new(),
            bytes: 0,
            seen_min: 0,
        }
    }

    /// The fisher's clock.
    pub(super) fn now(&self) -> Instant {
        self.outside.now()
    }

    /// Wall time since 1970.
    pub(super) fn wall(&self) -> Duration {
        self.outside.wall()
    }

    /// Waits until the clock shows `until`.
    pub(super) async fn sleep_until(&mut self, until: Instant) {
        self.outside.sleep_until(until).await;
    }

    /// Bytes that nobody can guess.
    pub(super) fn random(&mut self, step: Step) -> Result<[u8; 32], Failure> {
        let mut bytes = [0; 32];
        self.outside.random(&mut bytes).map_err(|e| Failure::new(step, Fault::Fisher, e))?;
        Ok(bytes)
    }

    /// Sends a message. It returns when the transport took it, at the latest at the deadline.
    pub(super) async fn send(&mut self, step: Step, message: &JobInput, deadline: Instant) -> Result<(), Failure> {
        let frame = self
            .chains
            .send(Side::Renter, stream::encode(message), &self.own)
            .map_err(|e| Failure::new(step, Fault::Fisher, e))?;
        self.keep(step, Direction::Renter, frame.clone(), self.now())?;
        let request = SessionRequest { message: Some(session_request::Message::Frame(frame)) };
        let head = self.chains.head(Side::Renter);
        self.outside.send(request, head, deadline).await.map_err(|lost| match lost {
            Lost::Deadline => Failure::host(step, "the node takes no input"),
            Lost::Relay(status) => Failure::relay(step, &status),
            Lost::Garbled(what) => self.unproven(step, what),
            Lost::Closed | Lost::Status(_) => Failure::host(step, "the node closed the stream"),
        })
    }

    /// Receives the job's next message.
    pub(super) async fn next(&mut self, step: Step, deadline: Instant) -> Result<JobOutput, Failure> {
        loop {
            if let Some(message) = self.reader.take().map_err(|e| Failure::host(step, e))? {
                return Ok(message);
            }
            match self.receive(step, deadline).await? {
                Received::Frame(frame) => self.accept(step, frame)?,
                Received::Closed(closed) => {
                    return Err(Failure::host(step, format!("the node ended the job early: {}", ending(&closed))));
                }
            }
        }
    }

    /// Ends the input and waits until the node says that the job ended; nothing else may come.
    pub(super) async fn close(&mut self, step: Step, deadline: Instant) -> Result<Closed, Failure> {
        if !self.reader.is_empty() {
            return Err(Failure::host(step, "the job sent more than it was asked for"));
        }
        self.outside.end_input();
        match self.receive(step, deadline).await? {
            Received::Closed(closed) => Ok(closed),
            Received::Frame(frame) => {
                self.accept(step, frame)?;
                Err(Failure::host(step, "the job sent more than it was asked for"))
            }
        }
    }

    /// The node's head after ROOT, which it has signed. Bytes behind ROOT could have been chosen to steer the draw, so none
    /// may stand in its frame, and every later frame must have seen the frame that is sent next (Reveal).
    pub(super) fn seal(&mut self, step: Step) -> Result<[u8; 32], Failure> {
        if !self.reader.is_empty() {
            return Err(Failure::host(step, "bytes follow ROOT before s was revealed"));
        }
        self.seen_min = self.chains.len(Side::Renter) + 1;
        Ok(self.chains.head(Side::Node))
    }

    /// The transcript.
    pub(super) fn into_frames(self) -> Vec<TranscriptFrame> {
        self.frames
    }

    /// A fault of the node's that no frame shows which it signed. Through a relay it says nothing: the relay's stamps know of a
    /// frame that the transcript lacks, or of a renter who left early, and a host could make liars of honest fishers by it.
    /// A host gains nothing: it may be inconclusive in few of its sessions only.
    fn unproven(&self, step: Step, detail: impl fmt::Display) -> Failure {
        let fault = if self.outside.is_relayed() { Fault::Fisher } else { Fault::Host };
        Failure::new(step, fault, detail)
    }

    async fn receive(&mut self, step: Step, deadline: Instant) -> Result<Received, Failure> {
        let response = self.outside.receive(deadline).await.map_err(|lost| match lost {
            Lost::Deadline => Failure::host(step, "no answer before the deadline"),
            Lost::Status(status) => Failure::host(step, super::words(&status)),
            Lost::Closed => Failure::host(step, "the node closed the stream"),
            Lost::Garbled(what) => self.unproven(step, what),
            Lost::Relay(status) => Failure::relay(step, &status),
        })?;
        match response.message {
            Some(session_response::Message::Frame(frame)) => Ok(Received::Frame(frame)),
            Some(session_response::Message::Closed(closed)) => Ok(Received::Closed(closed)),
            Some(session_response::Message::Opened(_)) => Err(self.unproven(step, "the node opened the session twice")),
            None => Err(self.unproven(step, "the node sent an empty message")),
        }
    }

    /// Takes a frame that continues the node's chain. One that does not is left out of the transcript: a frame without the
    /// node's signature proves nothing against it, but a transcript that ends while it is the node's turn does.
    fn accept(&mut self, step: Step, frame: Frame) -> Result<(), Failure> {
        let at = self.now();
        // Before the frame counts: a host could have wrong heads stamped and call the transcript, which has the right ones, a lie.
        if let Some(shown) = self.outside.shown() {
            let head = self.chains.next(Side::Node, &frame.data).map_err(|e| self.unproven(step, e))?;
            if shown != head {
                return Err(self.unproven(step, "the head that was shown to the relay is not the frame's"));
            }
        }
        self.chains.receive(Side::Node, &frame, &self.node).map_err(|e| self.unproven(step, e))?;
        let early = frame.seen < self.seen_min;
        self.reader.push(&frame.data);
        self.keep(step, Direction::Node, frame, at)?;
        if early { Err(Failure::host(Step::Root, "bytes follow ROOT before s was revealed")) } else { Ok(()) }
    }

    fn keep(&mut self, step: Step, direction: Direction, frame: Frame, at: Instant) -> Result<(), Failure> {
        self.bytes += frame.encoded_len() + FRAME_OVERHEAD;
        // Ours are few and small. Were one of them refused, a host could fill the transcript up to where it is our turn, and
        // a bundle that ends on our turn is void.
        if direction == Direction::Node && self.bytes > TRANSCRIPT_BYTES_MAX {
            return Err(self.unproven(step, format!("the session has more than {TRANSCRIPT_BYTES_MAX} bytes")));
        }
        let time_us = u64::try_from(at.duration_since(self.started).as_micros()).unwrap_or(u64::MAX);
        self.frames.push(TranscriptFrame { direction: direction.into(), frame: Some(frame), time_us });
        Ok(())
    }
}

enum Received {
    Frame(Frame),
    Closed(Closed),
}

/// How a job ended, in words.
pub(super) fn ending(closed: &Closed) -> String {
    match (closed.limit.is_empty(), closed.exit_code) {
        (false, _) => format!("limit {}", super::bounded(&closed.limit, 64)),
        (true, Some(code)) => format!("exit code {code}"),
        (true, None) => "killed".to_owned(),
    }
}
