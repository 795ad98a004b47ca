//! The job's conversation, replayed from its frames: Prepare, Ready, windows of Challenge and Pings, Finish, ROOT, Reveal,
//! roots and openings.
//!
//! Owns whose turn it is and what is known so far; `renter` and `node` own the rules of their words. What the node says out
//! of turn is the host's failure; what the renter says out of turn makes the bundle void, because a fisher may not convict by
//! a conversation that no released prober holds.

mod node;
mod renter;
mod shown;

use gpux_proto::evidence::{DeviceKind, Frame, Step, Window};
use gpux_proto::frames::{Chains, Side};
use gpux_proto::stream::Reader;

use super::{Asked, Clock, Failure};
use crate::key::{Digest, Key};
use crate::plan::Plan;
use crate::probe::Parameters;
use crate::session::Opening;

/// What the conversation waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The renter's Prepare.
    Prepare,
    /// The node's Ready.
    Ready,
    /// The renter's Challenge, or Finish after the last window.
    Challenge,
    /// Pings and Pongs of a window.
    Window,
    /// The node's ROOT.
    Root,
    /// The renter's Reveal.
    Reveal,
    /// The node's roots and openings.
    Openings,
    /// Everything was said.
    Done,
}

#[derive(Clone, Copy)]
struct Waiting {
    nonce: u64,
    last: bool,
}

/// The state of a conversation; bounded by the limits of a session.
pub(super) struct Conversation {
    pub(super) stage: Stage,
    pub(super) parameters: Option<Parameters>,
    pub(super) device: Option<DeviceKind>,
    pub(super) windows: Vec<Window>,
    pub(super) failure: Option<Failure>,
    pub(super) void: Option<String>,
    pub(super) root_frame: Option<usize>,
    asked: Asked,
    clock: Clock,
    plan: Option<Plan>,
    secret_digest: [u8; 32],
    readers: [Reader; 2],
    fill_seed: [u8; 32],
    cells: Vec<u64>,
    seeds: Vec<[u8; 32]>,
    rounds: Vec<Vec<u32>>,
    keys: Vec<Vec<Key>>,
    started_us: u64,
    /// Rounds by device that the window's Pongs have named.
    made: Vec<u32>,
    round_trips: u32,
    waiting: Option<Waiting>,
    root: Digest,
    root_frames: u64,
    head_after_root: Digest,
    secret: [u8; 32],
    round_roots: Vec<Digest>,
    openings: Vec<Opening>,
}

type Said = Result<(), String>;

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Said {
    if holds { Ok(()) } else { Err(otherwise()) }
}

impl Conversation {
    pub(super) fn new(secret_digest: [u8; 32], asked: Asked, clock: Clock) -> Self {
        Self {
            stage: Stage::Prepare,
            parameters: None,
            device: None,
            windows: Vec::new(),
            failure: None,
            void: None,
            root_frame: None,
            asked,
            clock,
            plan: None,
            secret_digest,
            readers: [Reader::default(), Reader::default()],
            fill_seed: [0; 32],
            cells: Vec::new(),
            seeds: Vec::new(),
            rounds: Vec::new(),
            keys: Vec::new(),
            started_us: 0,
            made: Vec::new(),
            round_trips: 0,
            waiting: None,
            root: [0; 32],
            root_frames: 0,
            head_after_root: [0; 32],
            secret: [0; 32],
            round_roots: Vec::new(),
            openings: Vec::new(),
        }
    }

    /// Takes the next frame, which the chains have accepted.
    pub(super) fn frame(&mut self, side: Side, frame: &Frame, time_us: u64, chains: &Chains) {
        if self.failure.is_some() || self.void.is_some() {
            return;
        }
        self.readers[side as usize].push(&frame.data);
        let result = match side {
            Side::Renter => self.renter(frame, time_us),
            Side::Node => self.node(time_us, chains),
        };
        match (side, result) {
            (_, Ok(())) => {}
            (Side::Renter, Err(detail)) => self.void = Some(detail),
            (Side::Node, Err(detail)) => self.fail(detail),
        }
    }

    /// Whose turn it is when the frames end: a host that stopped answering has failed; a renter who stopped asking has no
    /// evidence. An honest fisher keeps what it tried to send, so that a closed stream ends on the node's turn.
    pub(super) fn end(&mut self) {
        let missing = match self.stage {
            Stage::Done => return,
            Stage::Prepare | Stage::Challenge | Stage::Reveal => {
                self.void = Some(format!("the renter stopped at {:?}", self.stage));
                return;
            }
            Stage::Window if self.waiting.is_none() => {
                self.void = Some("the renter stopped in a window".into());
                return;
            }
            Stage::Ready => "Ready",
            Stage::Window => "a Pong",
            Stage::Root => "ROOT",
            Stage::Openings => "the openings",
        };
        self.fail(format!("{missing} never came"));
    }

    fn fail(&mut self, detail: String) {
        self.failure = Some(Failure { step: self.step(), detail });
    }

    pub(super) fn step(&self) -> Step {
        match self.stage {
            Stage::Prepare | Stage::Ready => Step::Prepare,
            Stage::Challenge | Stage::Window => Step::Window,
            Stage::Root => Step::Root,
            Stage::Reveal | Stage::Openings | Stage::Done => Step::Opening,
        }
    }
}
