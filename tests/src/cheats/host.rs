//! The node around a job: OPEN, frames, both chains. It takes any worker, as a node does, and knows nothing of probes.

use std::time::Duration;

use gpux_kernels::catalogue::Model;
use gpux_proto::{
    evidence::{Frame, Hello, JobInput, JobOutput, Open, job_input, job_output::Message},
    frames::{Chains, Side},
    node::{Closed, Opened, SessionResponse, Start, session_response},
    signing::{self, Domain, SigningKey, VerifyingKey},
    stream::{self, Reader},
};

use super::{prover::Prover, worker::Job};

/// What the node sends, and when.
pub(super) type Sent = (Duration, SessionResponse);

/// A node with one session.
pub(super) struct Host<P> {
    pub(super) prover: P,
    model: &'static Model,
    key: SigningKey,
    session: Option<Session>,
    pub(super) job: Option<Job>,
}

struct Session {
    chains: Chains,
    renter: VerifyingKey,
    reader: Reader,
}

impl<P: Prover> Host<P> {
    pub(super) fn new(prover: P, model: &'static Model, key: SigningKey) -> Self {
        Self { prover, model, key, session: None, job: None }
    }

    /// HELLO: answers with OPEN.
    pub(super) fn start(&mut self, at: Duration, start: &Start) -> Option<Sent> {
        let hello = start.hello.as_ref()?;
        let said: Hello = signing::open(Domain::Hello, hello).ok()?;
        let mut open = Open {
            hello: signing::id(Domain::Hello, &hello.payload).to_vec(),
            job: signing::id(Domain::Job, &start.manifest).to_vec(),
            ordinal: 1,
            node: self.key.verifying_key().to_bytes().to_vec(),
            open_time: None,
        };
        self.prover.open(&mut open);
        let open = signing::sign(Domain::Open, &open, &self.key);
        let renter = signing::public_key("session_key", &said.session_key).ok()?;
        let chains = Chains::new(signing::id(Domain::Open, &open.payload));
        self.session = Some(Session { chains, renter, reader: Reader::default() });
        Some((at, response(session_response::Message::Opened(Opened { open: Some(open) }))))
    }

    /// A frame of the renter.
    pub(super) fn hear(&mut self, at: Duration, frame: &Frame) -> Vec<Sent> {
        let Some(session) = &mut self.session else { return Vec::new() };
        if session.chains.receive(Side::Renter, frame, &session.renter).is_err() {
            return Vec::new();
        }
        session.reader.push(&frame.data);
        let mut inputs = Vec::new();
        while let Ok(Some(JobInput { message: Some(input) })) = session.reader.take() {
            inputs.push(input);
        }
        inputs.into_iter().flat_map(|input| self.answer(at, input)).collect()
    }

    /// The end of the renter's input: the job ends.
    pub(super) fn end(&self, at: Duration) -> Sent {
        let closed = Closed { exit_code: Some(0), limit: String::new() };
        (at, response(session_response::Message::Closed(closed)))
    }

    fn answer(&mut self, at: Duration, input: job_input::Message) -> Vec<Sent> {
        if let job_input::Message::Prepare(prepare) = &input {
            self.job = Job::new(prepare, self.model, self.prover.devices());
        }
        let Some(job) = &mut self.job else { return Vec::new() };
        let mut sent = Vec::new();
        for (mut at, mut message) in job.hear(&mut self.prover, at, input) {
            if self.prover.say(&mut at, &mut message, &mut job.work, &job.made)
                && let Some(session) = &mut self.session
            {
                let frames = framed(&mut self.prover, session, &self.key, message);
                let response = |frame| (at, response(session_response::Message::Frame(frame)));
                sent.extend(frames.into_iter().map(response));
            }
        }
        sent
    }
}

/// Signs a message's frame.
fn framed(prover: &mut impl Prover, session: &mut Session, key: &SigningKey, message: Message) -> Vec<Frame> {
    let output = JobOutput { message: Some(message.clone()) };
    let before = session.chains.clone();
    let head = |data: &[u8]| {
        let mut chains = before.clone();
        _ = chains.send(Side::Node, data.to_vec(), key);
        chains.head(Side::Node)
    };
    let data = prover.data(stream::encode(&output), &message, &head);
    match session.chains.send(Side::Node, data, key) {
        Ok(frame) => prover.frames(frame, &message),
        Err(_) => Vec::new(),
    }
}

fn response(message: session_response::Message) -> SessionResponse {
    SessionResponse { message: Some(message) }
}
