//! The client half of a session: HELLO, upload, OPEN, the conversation, and the bundle of all that was sent and received.
//! Never judges a result and never touches the chain. Invariant: it returns within the sum of the plan's deadlines (and
//! the wait for the machine lock), whatever the node does, and names the step at which the session ended.
#[cfg(test)]
pub(crate) mod fixture;
mod grpc;
mod link;
pub mod local;
mod outside;
mod sealed;
mod talk;
#[cfg(test)]
mod tests;

use crate::{lock::MachineLock, offered::Offered};
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use gpux_kernels::{plan::Plan, release};
use gpux_proto::{
    bytes::array,
    evidence::{Bundle, File, Hello, JobManifest, Open, Signed, Step, Terms, TranscriptFrame},
    frames::FRAME_BYTES_MAX,
    node::{Start, session_response},
    signing::{self, Domain, SigningKey},
};
use grpc::Grpc;
use link::{Ends, Link};
use prost::Message as _;
use sealed::Relayed;
use std::{
    fmt,
    time::{Duration, Instant},
};
use talk::Talk;
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

pub use outside::{Lost, Outside};
pub use talk::LOCK_WAIT_MAX;

/// The largest message of a node: a frame, its signature and tags.
const MESSAGE_BYTES_MAX: usize = FRAME_BYTES_MAX + 1024;

/// Whose fault an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host's: after OPEN it scores zero.
    Host,
    /// It may be this machine's: the session is inconclusive.
    Fisher,
}

/// Where and why a session ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// Whose fault it is.
    pub fault: Fault,
    /// What happened, in words; at most 512 bytes.
    pub detail: String,
    /// Whether the same rental may be served a moment later: the node is full, or its view of the chain is a block behind.
    pub passing: bool,
}

impl Failure {
    pub(crate) fn new(step: Step, fault: Fault, detail: impl fmt::Display) -> Self {
        Self { step, fault, detail: bounded(&detail.to_string(), 512), passing: false }
    }

    /// A refusal before OPEN.
    fn refused(step: Step, status: &Status) -> Self {
        let passing = matches!(reason(status).as_deref(), Some("AT_CAPACITY" | "RENTAL_NOT_OPEN"));
        Self { passing, ..Self::host(step, words(status)) }
    }

    /// The relay's own refusal, or its end: it says nothing of the node.
    pub(crate) fn relay(step: Step, status: &Status) -> Self {
        let passing = reason(status).as_deref() == Some("RELAY_BUSY");
        Self { passing, ..Self::new(step, Fault::Fisher, format!("the relay: {}", words(status))) }
    }

    /// What a call through a relay ended with, at a step before OPEN.
    pub(crate) fn relayed(step: Step, status: &Status) -> Self {
        if is_relays(status) { Self::relay(step, status) } else { Self::refused(step, status) }
    }

    fn host(step: Step, detail: impl fmt::Display) -> Self {
        Self::new(step, Fault::Host, detail)
    }
}

/// The reason code of a status.
pub(crate) fn reason(status: &Status) -> Option<String> {
    status.get_error_details().error_info().filter(|info| info.domain == "gpux").map(|info| info.reason.clone())
}

/// Whether a status that came through a relay is the relay's own. A relay gives everything of the node a code that is not
/// `RELAY_…`; what has no code at all is a connection to the relay that broke.
pub(crate) fn is_relays(status: &Status) -> bool {
    reason(status).is_none_or(|reason| reason.starts_with("RELAY_"))
}

/// The failure of a node whose endpoint leads to another node.
pub(crate) fn elsewhere() -> Failure {
    Failure::host(Step::Describe, "its endpoint leads to another node")
}

/// The failure of a node whose endpoint leads nowhere.
pub(crate) fn unreachable(why: &impl fmt::Display) -> Failure {
    Failure::host(Step::Describe, why)
}

/// Cuts foreign text to a size and takes what could move a terminal's cursor out of it.
#[must_use]
pub(crate) fn bounded(text: &str, bytes: usize) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if out.len() + c.len_utf8() > bytes {
            break;
        }
        out.push(c);
    }
    out
}

/// A gRPC status in words.
pub(crate) fn words(status: &Status) -> String {
    format!("{:?}: {}", status.code(), bounded(status.message(), 200))
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// HELLO and the upload.
    Hello,
    /// Waits for the machine lock.
    Waiting,
    /// The probe is set up.
    Prepare,
    /// A timed window.
    Window {
        /// Which, from 0.
        window: u32,
        /// Of how many.
        windows: u32,
    },
    /// ROOT is awaited.
    Root,
    /// The openings.
    Openings,
}

/// Who is told how far a session is.
pub type Watch = dyn Fn(Stage) + Send + Sync;

/// What a session needs.
pub struct Order<'a> {
    /// The node's verified description.
    pub offered: &'a Offered,
    /// The rental's terms.
    pub terms: &'a Terms,
    /// The throw-away account that pays and authorises the session key.
    pub consumer: &'a PrivateKeySigner,
    /// The worker.
    pub worker: &'a release::Built,
    /// What is asked.
    pub plan: &'a Plan,
    /// What keeps other timed sessions of this machine away.
    pub lock: Option<&'a MachineLock>,
    /// Who watches.
    pub watch: &'a Watch,
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("terms", self.terms).field("plan", self.plan).finish_non_exhaustive()
    }
}

/// What a session came to.
#[derive(Debug)]
pub struct Ended {
    /// Everything that was sent and received; absent when OPEN never came.
    pub bundle: Option<Bundle>,
    /// Why it ended early.
    pub failure: Option<Failure>,
    /// When it started, since 1970.
    pub started: Duration,
    /// When it ended, since 1970.
    pub ended: Duration,
    /// The key of the relay through which it went.
    pub relay: Option<[u8; 32]>,
}

/// Runs a session with the node behind a channel; with a relay's key the channel is that relay's.
pub async fn run(channel: Channel, relay: Option<[u8; 32]>, order: &Order<'_>) -> Ended {
    match relay {
        None => run_in(Grpc::new(channel), order).await,
        Some(_) => Ended { relay, ..run_in(Relayed::new(channel, order.offered.key), order).await },
    }
}

/// Runs a session in a world.
pub async fn run_in<O: Outside>(outside: O, order: &Order<'_>) -> Ended {
    let mut outside = outside;
    let started = outside.wall();
    match opening(&mut outside, order).await {
        Err(failure) => Ended { bundle: None, failure: Some(failure), started, ended: outside.wall(), relay: None },
        Ok(opened) => {
            let mut link = Link::new(outside, opened.open_id, opened.ends);
            let talk = Talk { plan: order.plan, secret: opened.said.secret, lock: order.lock, watch: order.watch };
            let result = talk.run(&mut link).await;
            let ended = link.wall();
            let bundle = Some(opened.said.bundle(order, link.into_frames()));
            Ended { bundle, failure: result.err(), started, ended, relay: None }
        }
    }
}

/// A session after OPEN.
struct Opened {
    open_id: [u8; 32],
    ends: Ends,
    said: Said,
}

/// What was said before the first frame.
struct Said {
    secret: [u8; 32],
    hello: Signed,
    manifest: Vec<u8>,
    open: Signed,
}

impl Said {
    fn bundle(self, order: &Order<'_>, frames: Vec<TranscriptFrame>) -> Bundle {
        Bundle {
            descriptor: Some(order.offered.signed_descriptor.clone()),
            offer: Some(order.offered.signed_offer.clone()),
            terms: Some(order.terms.clone()),
            hello: Some(self.hello),
            manifest: self.manifest,
            release: order.worker.release.to_vec(),
            variant: order.worker.variant.to_vec(),
            open: Some(self.open),
            frames,
        }
    }
}

/// The manifest of a worker: nothing but the executable.
#[must_use]
pub fn manifest(worker: &release::Built) -> JobManifest {
    let executable = File { name: "worker".into(), digest: worker.digest.to_vec(), size: worker.bytes.len() as u64 };
    JobManifest { executable: Some(executable), argv: vec![], environment: vec![], files: vec![] }
}

/// HELLO, the upload and OPEN, within one deadline.
async fn opening(outside: &mut impl Outside, order: &Order<'_>) -> Result<Opened, Failure> {
    (order.watch)(Stage::Hello);
    let fisher = |e: &dyn fmt::Display| Failure::new(Step::Hello, Fault::Fisher, e);
    let mut random = [0; 64];
    outside.random(&mut random).map_err(|e| fisher(&e))?;
    let (key, secret) = random.split_at(32);
    let key = SigningKey::from_bytes(&array("key", key).map_err(|e| fisher(&e))?);
    let secret: [u8; 32] = array("secret", secret).map_err(|e| fisher(&e))?;
    let manifest = manifest(order.worker).encode_to_vec();
    let job = signing::id(Domain::Job, &manifest);
    // The authorisation outlives the session by as much again, so that clocks may differ.
    let valid_until = (outside.wall() + 2 * longest(order.plan)).as_secs();
    let secret_digest = signing::id(Domain::Secret, &secret);
    let hello = hello(order, &key, (job, secret_digest), valid_until).map_err(|e| fisher(&e))?;
    let hello = signing::sign(Domain::Hello, &hello, &key);
    let start = Start { hello: Some(hello.clone()), terms: Some(order.terms.clone()), manifest: manifest.clone() };
    let started = outside.now();
    let deadline = started + order.plan.deadlines.open;
    outside.connect(start, order.worker, deadline).await?;
    let open = opened(outside, deadline).await?;
    let open_id = check_open(&open, order, &hello, &job)?;
    let ends = Ends { own: key, node: order.offered.key, started };
    Ok(Opened { open_id, ends, said: Said { secret, hello, manifest, open } })
}

fn hello(
    order: &Order<'_>,
    key: &SigningKey,
    (job, secret): ([u8; 32], [u8; 32]),
    valid_until: u64,
) -> anyhow::Result<Hello> {
    let offer = &order.offered.offer;
    let rental = signing::rental_id(order.terms)?;
    let session_key = key.verifying_key().to_bytes();
    let rentals = array::<20>("offer.rentals", &offer.rentals)?.into();
    let digest = signing::session_digest(offer.chain_id, rentals, rental, session_key, valid_until)?;
    let authorisation = order.consumer.sign_hash_sync(&digest.into())?;
    Ok(Hello {
        chain_id: offer.chain_id,
        rentals: offer.rentals.clone(),
        rental: rental.to_vec(),
        node: order.offered.node.to_vec(),
        offer_digest: order.offered.offer_digest.to_vec(),
        session_key: session_key.to_vec(),
        authorisation: authorisation.as_bytes().to_vec(),
        valid_until,
        job: job.to_vec(),
        secret_digest: secret.to_vec(),
    })
}

/// The longest that a session by this plan takes: what its rental must pay for.
#[must_use]
pub fn longest(plan: &Plan) -> Duration {
    let d = &plan.deadlines;
    // A window ends at the latest when each of its pings is answered at its deadline.
    let window = plan.window + d.pong * (plan.pings + 1);
    d.open + d.prepare + window * plan.windows + d.root + d.openings
}

async fn opened(outside: &mut impl Outside, deadline: Instant) -> Result<Signed, Failure> {
    let step = Step::Open;
    match outside.receive(deadline).await {
        Err(Lost::Deadline) => Err(Failure::host(step, "no OPEN before the deadline")),
        Err(Lost::Status(status)) => Err(Failure::refused(step, &status)),
        Err(Lost::Closed) => Err(Failure::host(step, "the node closed the stream before OPEN")),
        Err(Lost::Garbled(what)) => Err(Failure::host(step, what)),
        Err(Lost::Relay(status)) => Err(Failure::relay(step, &status)),
        Ok(response) => match response.message {
            Some(session_response::Message::Opened(opened)) => {
                opened.open.ok_or_else(|| Failure::host(step, "OPEN is missing"))
            }
            _ => Err(Failure::host(step, "something else came before OPEN")),
        },
    }
}

fn check_open(open: &Signed, order: &Order<'_>, hello: &Signed, job: &[u8; 32]) -> Result<[u8; 32], Failure> {
    let step = Step::Open;
    let id = signing::verify(Domain::Open, open, &order.offered.key).map_err(|e| Failure::host(step, e))?;
    let said: Open = signing::open(Domain::Open, open).map_err(|e| Failure::host(step, e))?;
    let wrong = |what: &str| Err(Failure::host(step, format!("OPEN names another {what}")));
    if said.node != order.offered.node {
        return wrong("node");
    }
    if said.hello != signing::id(Domain::Hello, &hello.payload) {
        return wrong("hello");
    }
    if said.job != job {
        return wrong("job");
    }
    if said.ordinal != 1 {
        return wrong("ordinal than 1");
    }
    Ok(id)
}
