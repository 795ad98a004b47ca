//! The job's conversation, replayed from its frames: Prepare, Ready, windows of Challenge and Pings, Finish, ROOT, Reveal,
//! roots and openings.
//!
//! Owns whose turn it is and what is known so far; `renter` and `node` own the rules of their words. What the node says out
//! of turn is the host's failure; what the renter says out of turn makes the bundle void, because a fisher may not convict by
//! a conversation that no released prober holds.

mod node;
mod renter;

use gpux_proto::evidence::{DeviceKind, Frame, Step, Window};
use gpux_proto::frames::{Chains, Side};
use gpux_proto::stream::Reader;

use super::{Asked, Failure};
use crate::key::{Digest, Key};
use crate::plan::{Market, Plan};
use crate::probe::Parameters;
use crate::session::{Claimed, Draw, Opening};

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
    asked: Asked,
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
    pub(super) fn new(secret_digest: [u8; 32], asked: Asked) -> Self {
        Self {
            stage: Stage::Prepare,
            parameters: None,
            device: None,
            windows: Vec::new(),
            failure: None,
            void: None,
            asked,
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

    /// The bytes that the filled cells stand for.
    pub(super) fn resident_bytes(&self) -> u64 {
        let Some(parameters) = &self.parameters else { return 0 };
        let bytes: u128 = self.cells.iter().map(|&cells| parameters.bytes_of_cells(cells)).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The work of each window that ended: what a round is worth may differ between devices.
    pub(super) fn work(&self) -> Vec<u128> {
        let Some(parameters) = &self.parameters else { return Vec::new() };
        let of_window = |rounds: &Vec<u32>| {
            rounds.iter().zip(&self.cells).map(|(r, cells)| parameters.work_per_round(*cells) * u128::from(*r)).sum()
        };
        self.rounds.iter().map(of_window).collect()
    }

    /// Whether the device may answer this probe in this market: simulated devices only in development, host probes only
    /// on the real host.
    pub(super) fn device_fits(&self) -> Result<String, String> {
        let (Some(device), Some(parameters)) = (self.device, &self.parameters) else {
            return Ok("no device answered".into());
        };
        let simulated = device == DeviceKind::Simulated;
        ensure(!simulated || self.asked != Asked::By(Market::Production), || {
            "a simulated device is no evidence outside a development market".into()
        })?;
        let fits = match device {
            DeviceKind::Cpu => parameters.probe.on_host(),
            DeviceKind::Cuda | DeviceKind::Simulated => !parameters.probe.on_host(),
            DeviceKind::Unspecified => false,
        };
        ensure(fits, || format!("{} cannot answer {}", device.as_str_name(), parameters.probe))?;
        ensure(simulated == (parameters.scale > 1), || "only simulated devices compute at a scale".into())?;
        Ok(device.as_str_name().into())
    }

    /// The whole claim, once everything was said.
    pub(super) fn claimed(&self) -> Result<(Claimed, Draw, Vec<Opening>), String> {
        let (Some(parameters), Some(plan)) = (self.parameters, self.plan) else {
            return Err("nothing was prepared".into());
        };
        let claimed = Claimed {
            parameters,
            seeds: self.seeds.clone(),
            fill_seed: self.fill_seed,
            cells: self.cells.clone(),
            rounds: self.rounds.clone(),
            round_roots: self.round_roots.clone(),
            root: self.root,
        };
        claimed.validate().map_err(|error| error.to_string())?;
        self.keys_follow(&claimed)?;
        let draw = Draw { secret: self.secret, head_after_root: self.head_after_root, count: plan.openings };
        Ok((claimed, draw, self.openings.clone()))
    }

    /// Every window's last Pong committed to exactly the rounds that ROOT contains: a count cannot be claimed in time and
    /// computed later.
    fn keys_follow(&self, claimed: &Claimed) -> Said {
        let mut roots = claimed.round_roots.iter();
        for (window, devices) in claimed.rounds.iter().enumerate() {
            for (device, &rounds) in devices.iter().enumerate() {
                let mut key = Key::first(&claimed.seeds[window], device as u32);
                for root in roots.by_ref().take(rounds as usize) {
                    key = key.next(root);
                }
                ensure(self.keys[window][device] == key, || {
                    format!("the Pong of window {window} commits to other rounds of device {device} than ROOT")
                })?;
            }
        }
        Ok(())
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
