//! The job's conversation, replayed from its frames: Prepare, Ready, windows of Challenge and Pings, Finish, ROOT, Reveal,
//! roots and openings. What the node says out of turn is the host's failure; what the renter says out of turn makes the
//! bundle void, because a fisher may not convict by a conversation that no released prober holds.

use gpux_proto::bytes::array;
use gpux_proto::evidence::{DeviceKind, Frame, JobInput, JobOutput, Pong, Root, Step, Window, job_input, job_output};
use gpux_proto::frames::{Chains, Side};
use gpux_proto::signing::{self, Domain};
use gpux_proto::stream::Reader;

mod shown;

use super::{Asked, Clock, Failure};
use crate::key::{Digest, Key};
use crate::plan::Plan;
use crate::probe::Parameters;
use crate::session::{DEVICES_MAX, Opening, ROUNDS_MAX};

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

    fn renter(&mut self, frame: &Frame, time_us: u64) -> Said {
        while let Some(input) =
            self.readers[Side::Renter as usize].take::<JobInput>().map_err(|error| error.to_string())?
        {
            match (self.stage, input.message) {
                (Stage::Prepare, Some(job_input::Message::Prepare(prepare))) => {
                    let wire = prepare.parameters.as_ref().ok_or("Prepare has no parameters")?;
                    self.prepare(Parameters::try_from(wire).map_err(|error| error.to_string())?)?;
                    self.fill_seed = array("seed", &prepare.seed).map_err(|error| error.to_string())?;
                }
                (Stage::Challenge, Some(job_input::Message::Challenge(challenge))) => {
                    ensure(challenge.window as usize == self.seeds.len(), || "a window is out of order".into())?;
                    // Each seed is compared with all before it.
                    let most = self.plan.as_ref().map_or(0, |plan| plan.windows as usize);
                    ensure(self.seeds.len() < most, || format!("more windows than {most}"))?;
                    let seed = array("seed", &challenge.seed).map_err(|error| error.to_string())?;
                    ensure(!self.seeds.contains(&seed) && seed != self.fill_seed, || "a seed was used twice".into())?;
                    self.seeds.push(seed);
                    (self.started_us, self.round_trips, self.waiting) = (time_us, 0, None);
                    self.made = vec![0; self.cells.len()];
                    self.stage = Stage::Window;
                }
                (Stage::Window, Some(job_input::Message::Ping(ping))) => {
                    ensure(self.waiting.is_none(), || "a Ping before the last one's Pong".into())?;
                    self.waiting = Some(Waiting { nonce: ping.nonce, last: ping.last });
                }
                (Stage::Challenge, Some(job_input::Message::Finish(_))) => {
                    self.conforms()?;
                    self.stage = Stage::Root;
                }
                (Stage::Reveal, Some(job_input::Message::Reveal(reveal))) => {
                    // The node must have signed ROOT before it saw s, and both said so: the Reveal's frame has seen ROOT's.
                    ensure(frame.seen >= self.root_frames, || "s was revealed before ROOT was signed".into())?;
                    ensure(signing::id(Domain::Secret, &reveal.secret) == self.secret_digest, || {
                        "the revealed s is not the one that the hello committed to".into()
                    })?;
                    // A job that is told another head would open other units than the draw, and its host would look guilty.
                    let openings = self.plan.as_ref().map(|plan| plan.openings);
                    ensure(reveal.head == self.head_after_root && Some(reveal.openings) == openings, || {
                        "the Reveal names another head or number of openings than the session's".into()
                    })?;
                    self.secret = array("secret", &reveal.secret).map_err(|error| error.to_string())?;
                    self.stage = Stage::Openings;
                }
                (stage, _) => return Err(format!("the renter spoke out of turn at {stage:?}")),
            }
        }
        Ok(())
    }

    /// Only the plan's parameters are inside what is cleared to convict: a fisher may not choose inexact ones.
    fn prepare(&mut self, parameters: Parameters) -> Said {
        let plan = self.asked.plan(parameters.probe).ok_or_else(|| format!("no plan for {}", parameters.probe))?;
        ensure(plan.parameters == parameters, || {
            format!("the parameters are not those of the plan for {}", plan.probe)
        })?;
        (self.parameters, self.plan) = (Some(parameters), Some(plan));
        self.stage = Stage::Ready;
        Ok(())
    }

    fn conforms(&self) -> Said {
        let Some(plan) = &self.plan else { return Err("nothing was prepared".into()) };
        ensure(self.windows.len() == plan.windows as usize, || {
            format!("{} windows, not {}", self.windows.len(), plan.windows)
        })?;
        for (index, window) in self.windows.iter().enumerate() {
            // The renter kept the plan by his own clock, which ingest has checked; a relay sees less of each window.
            let long_enough = self.clock == Clock::Relay || u128::from(window.duration_us) >= plan.window.as_micros();
            ensure(long_enough && window.round_trips >= plan.pings, || {
                format!("window {index} is shorter or has fewer round trips than the plan")
            })?;
        }
        Ok(())
    }

    fn node(&mut self, time_us: u64, chains: &Chains) -> Said {
        while let Some(output) =
            self.readers[Side::Node as usize].take::<JobOutput>().map_err(|error| error.to_string())?
        {
            match (self.stage, output.message) {
                (_, Some(job_output::Message::Failure(failure))) => {
                    let word: String = failure.message.chars().filter(|c| !c.is_control()).take(200).collect();
                    return Err(format!("the job says: {word}"));
                }
                (Stage::Ready, Some(job_output::Message::Ready(ready))) => self.ready(&ready)?,
                (Stage::Window, Some(job_output::Message::Pong(pong))) => self.pong(&pong, time_us)?,
                (Stage::Root, Some(job_output::Message::Root(root))) => self.root(&root, chains)?,
                (Stage::Openings, Some(job_output::Message::RoundRoots(roots))) => self.roots(&roots.roots)?,
                (Stage::Openings, Some(job_output::Message::Openings(openings))) => {
                    for opening in openings.openings {
                        self.opening(opening)?;
                    }
                    if openings.last {
                        self.stage = Stage::Done;
                    }
                }
                (stage, _) => return Err(format!("the job spoke out of turn at {stage:?}")),
            }
        }
        Ok(())
    }

    fn ready(&mut self, ready: &gpux_proto::evidence::Ready) -> Said {
        ensure((1..=DEVICES_MAX).contains(&ready.devices.len()), || format!("{} devices", ready.devices.len()))?;
        let kind = ready.devices[0].kind;
        ensure(ready.devices.iter().all(|device| device.kind == kind), || "devices of several kinds".into())?;
        let kind = i32::try_from(kind).ok().and_then(|kind| DeviceKind::try_from(kind).ok());
        self.device = Some(kind.filter(|kind| *kind != DeviceKind::Unspecified).ok_or("an unknown kind of device")?);
        let allows = |cells| self.parameters.is_some_and(|parameters| parameters.allows_cells(cells));
        if let Some(device) = ready.devices.iter().find(|device| !allows(device.cells)) {
            return Err(format!("a device claims {} cells, the parameters do not allow that", device.cells));
        }
        self.cells = ready.devices.iter().map(|device| device.cells).collect();
        self.stage = Stage::Challenge;
        Ok(())
    }

    fn pong(&mut self, pong: &Pong, time_us: u64) -> Said {
        let waiting = self.waiting.take().ok_or("a Pong without a Ping")?;
        let window = self.seeds.len().saturating_sub(1);
        ensure(pong.nonce == waiting.nonce && pong.window as usize == window, || "a Pong to another Ping".into())?;
        ensure(pong.devices.len() == self.cells.len(), || "a Pong of other devices than Ready's".into())?;
        let rounds: Vec<u32> = pong.devices.iter().map(|device| device.rounds).collect();
        ensure(self.made.iter().zip(&rounds).all(|(before, now)| before <= now), || "rounds fell in a window".into())?;
        self.round_trips += 1;
        if !waiting.last {
            self.made = rounds;
            return Ok(());
        }
        let mut keys = Vec::with_capacity(pong.devices.len());
        for device in &pong.devices {
            keys.push(Key::from_bytes(array("key", &device.key).map_err(|error| error.to_string())?));
        }
        self.windows.push(Window {
            duration_us: time_us.saturating_sub(self.started_us),
            rounds: rounds.iter().map(|&rounds| u64::from(rounds)).sum(),
            round_trips: self.round_trips,
        });
        self.keys.push(keys);
        self.rounds.push(rounds);
        self.stage = Stage::Challenge;
        Ok(())
    }

    fn root(&mut self, root: &Root, chains: &Chains) -> Said {
        self.root = array("root", &root.root).map_err(|error| error.to_string())?;
        ensure(root.rounds == self.rounds.concat(), || "ROOT counts other rounds than the last Pongs".into())?;
        ensure(self.readers[Side::Node as usize].is_empty(), || "bytes after ROOT".into())?;
        self.root_frames = chains.len(Side::Node);
        self.head_after_root = chains.head(Side::Node);
        self.stage = Stage::Reveal;
        Ok(())
    }

    fn roots(&mut self, roots: &[u8]) -> Said {
        let (whole, rest) = roots.as_chunks::<32>();
        let fits = rest.is_empty() && self.round_roots.len() + whole.len() <= ROUNDS_MAX && self.openings.is_empty();
        ensure(fits, || "roots of rounds that are no multiple of 32 bytes, too many or too late".into())?;
        self.round_roots.extend_from_slice(whole);
        Ok(())
    }

    fn opening(&mut self, opening: gpux_proto::evidence::Opening) -> Said {
        let (path, rest) = opening.path.as_chunks::<32>();
        let room = self.openings.len() < crate::draw::DRAWN_MAX as usize;
        ensure(room && rest.is_empty() && path.len() <= crate::merkle::PATH_MAX, || "an opening out of bounds".into())?;
        let leaf = array("leaf", &opening.leaf).map_err(|error| error.to_string())?;
        self.openings.push(Opening { index: opening.index, leaf, path: path.to_vec() });
        Ok(())
    }
}
