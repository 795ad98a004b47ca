//! The job on the node, on virtual time: the worker's conversation (prober/src/job) without threads, with the prover's
//! deviations. A round takes the time that the simulated card of the claimed model takes (the paced model of gpux-kernels),
//! and its results are computed for real.

use std::time::Duration;

use gpux_kernels::{
    Digest, Key, Parameters, calibration,
    catalogue::Model,
    device::{Device as _, OPENED_MAX, cpu::CpuDevice},
    draw,
    merkle::{self, Tree},
    probe::Shape,
    session::Layout,
};
use gpux_proto::{
    bytes::array,
    evidence::{
        Challenge, DeviceKind, Opening, Openings, Ping, Pong, Prepare, Progress, Ready, ReadyDevice, Reveal, Root,
        RoundRoots, job_input, job_output::Message,
    },
};

use super::prover::{Prover, Round};

/// No prover makes a round in no time: a window would never end.
const ROUND_LEAST: Duration = Duration::from_micros(100);

/// What computes: one engine a device, exact, of the claimed model's memory.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) parameters: Parameters,
    pub(super) seed: [u8; 32],
    devices: Vec<CpuDevice>,
    /// By device: units of a round.
    pub(super) units: Vec<u32>,
    /// By device: cells, blocks or pages; 0 for probes without memory.
    pub(super) cells: Vec<u64>,
}

impl Work {
    fn new(parameters: Parameters, seed: [u8; 32], model: &Model, count: u32) -> Self {
        let mut work = Self { parameters, seed, devices: Vec::new(), units: Vec::new(), cells: Vec::new() };
        for index in 0..count {
            let cells = parameters.cells_for(model.usable_bytes);
            // As many cells as the scaled card has, of real bytes.
            let mut device = CpuDevice::new(1).with_usable_bytes(cells * parameters.cell_bytes());
            let named = Parameters { shape: named(parameters.shape, cells), scale: 1, ..parameters };
            device
                .prepare(&named, &Key::fill(&seed, index))
                .expect("plans and models of the suite are inside the envelope");
            device.round(&Key::warm_up(&seed, index)).expect("the device is prepared");
            work.devices.push(device);
            work.units.push(parameters.units_per_round(cells));
            work.cells.push(cells);
        }
        work
    }

    /// Computes all leaves of a device's round.
    pub(super) fn leaves(&mut self, device: u32, key: &Key) -> Vec<Digest> {
        let units: Vec<u32> = (0..self.units[device as usize]).collect();
        let device = &mut self.devices[device as usize];
        if matches!(self.parameters.shape, Shape::Pass { .. }) {
            device.round(key).expect("the device is prepared");
        }
        let opened = units.chunks(OPENED_MAX).flat_map(|part| device.open(key, part).expect("these units exist"));
        opened.map(|unit| unit.leaf).collect()
    }
}

/// The same shape with its number of cells.
fn named(shape: Shape, cells: u64) -> Shape {
    match shape {
        Shape::Walk { walkers, steps, hard, .. } => Shape::Walk { cells, walkers, steps, hard },
        Shape::Pass { .. } => Shape::Pass { blocks: cells as u32 },
        other => other,
    }
}

/// A round that was made.
#[derive(Debug, Clone)]
pub(super) struct MadeRound {
    pub(super) key: Key,
    pub(super) leaves: Vec<Digest>,
    pub(super) tree: Tree,
}

/// Everything that was made.
#[derive(Debug, Default, Clone)]
pub(super) struct Made {
    seeds: Vec<[u8; 32]>,
    /// By window, device and round.
    pub(super) rounds: Vec<Vec<Vec<MadeRound>>>,
    /// The drawn units, once s was revealed.
    pub(super) drawn: Vec<u64>,
}

impl Made {
    fn key(&self, device: u32) -> Key {
        let window = self.rounds.len() - 1;
        match self.rounds[window][device as usize].last() {
            Some(round) => round.key.next(&round.tree.root()),
            None => Key::first(&self.seeds[window], device),
        }
    }

    pub(super) fn ordered(&self) -> impl Iterator<Item = &MadeRound> {
        self.rounds.iter().flatten().flatten()
    }

    pub(super) fn counts(&self) -> Vec<Vec<u32>> {
        let window = |devices: &Vec<Vec<MadeRound>>| devices.iter().map(|rounds| rounds.len() as u32).collect();
        self.rounds.iter().map(window).collect()
    }

    /// Opens a unit of the session, from whatever tree was committed to.
    pub(super) fn open(&self, units: &[u32], index: u64) -> Opening {
        let counts = self.counts();
        let layout = Layout { units: units.to_vec(), rounds: &counts };
        let place = layout.place(index).expect("only units of the session are opened");
        let round = self.ordered().nth(place.ordinal).expect("a place lies in a round");
        let (leaf, path) = round.tree.open(place.unit).expect("a place lies in its round");
        Opening { index, leaf: leaf.to_vec(), path: path.concat() }
    }
}

/// A job that runs.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) made: Made,
    /// The time of an honest round, by device.
    honest: Vec<Duration>,
    /// When each device will have ended its round.
    free: Vec<Duration>,
}

impl Job {
    /// Sets the probe up on `count` cards.
    pub(super) fn new(prepare: &Prepare, model: &Model, count: u32) -> Option<Self> {
        let parameters = Parameters::try_from(prepare.parameters.as_ref()?).ok()?;
        let work = Work::new(parameters, array("seed", &prepare.seed).ok()?, model, count);
        let rate = calibration::simulated_rate(model, parameters.probe).ok()?;
        let length = |cells: &u64| Duration::from_secs_f64(parameters.work_per_round(*cells) as f64 / rate);
        let honest = work.cells.iter().map(length).collect();
        Some(Self { work, made: Made::default(), honest, free: vec![Duration::ZERO; count as usize] })
    }

    /// Answers a question that came at `at`.
    pub(super) fn hear(
        &mut self,
        prover: &mut impl Prover,
        at: Duration,
        input: job_input::Message,
    ) -> Vec<(Duration, Message)> {
        match input {
            job_input::Message::Prepare(_) => vec![(at, self.ready(prover))],
            job_input::Message::Challenge(challenge) => {
                self.begin(at, &challenge);
                Vec::new()
            }
            job_input::Message::Ping(ping) => vec![self.pong(prover, at + prover.patience(), &ping)],
            job_input::Message::Finish(_) => vec![(at, self.root())],
            job_input::Message::Reveal(reveal) => self.openings(&reveal).into_iter().map(|said| (at, said)).collect(),
        }
    }

    fn ready(&self, prover: &mut impl Prover) -> Message {
        let device = |cells: &u64| {
            let mut device =
                ReadyDevice { name: "simulated".into(), kind: DeviceKind::Simulated as u32, cells: *cells };
            prover.ready(&mut device);
            device
        };
        Message::Ready(Ready { devices: self.work.cells.iter().map(device).collect() })
    }

    fn begin(&mut self, at: Duration, challenge: &Challenge) {
        self.made.seeds.push(array("seed", &challenge.seed).unwrap_or_default());
        self.made.rounds.push(vec![Vec::new(); self.work.cells.len()]);
        self.free.fill(at);
    }

    fn pong(&mut self, prover: &mut impl Prover, at: Duration, ping: &Ping) -> (Duration, Message) {
        let window = self.made.rounds.len() - 1;
        let (mut devices, mut answered) = (Vec::new(), at);
        for device in 0..self.work.cells.len() {
            // The round that is being computed is ended first.
            while self.free[device] < at {
                self.round(prover, device as u32);
                self.free[device] += prover.length(self.honest[device]).max(ROUND_LEAST);
            }
            answered = answered.max(self.free[device]);
            let (made, key) = (self.made.rounds[window][device].len() as u32, self.made.key(device as u32));
            let rounds = if ping.last { prover.claimed(made) } else { made };
            devices.push(Progress { rounds, key: key.as_bytes().to_vec() });
            (made..rounds).for_each(|_| self.round(prover, device as u32));
        }
        (answered, Message::Pong(Pong { nonce: ping.nonce, window: window as u32, devices }))
    }

    fn round(&mut self, prover: &mut impl Prover, device: u32) {
        let window = self.made.rounds.len() - 1;
        let number = self.made.rounds[window][device as usize].len();
        let key = self.made.key(device);
        let leaves = prover.leaves(&mut self.work, &Round { window, device, number, key });
        let tree = Tree::new(prover.hashing(), leaves.clone());
        self.made.rounds[window][device as usize].push(MadeRound { key, leaves, tree });
    }

    fn root(&self) -> Message {
        let roots: Vec<Digest> = self.made.ordered().map(|round| round.tree.root()).collect();
        Message::Root(Root { root: merkle::session_root(&roots).to_vec(), rounds: self.made.counts().concat() })
    }

    fn openings(&mut self, reveal: &Reveal) -> Vec<Message> {
        let secret = array("secret", &reveal.secret).unwrap_or_default();
        let head = array("head", &reveal.head).unwrap_or_default();
        let counts = self.made.counts();
        let total = Layout { units: self.work.units.clone(), rounds: &counts }.units();
        self.made.drawn = draw(&secret, &head, total, reveal.openings);
        let roots = self.made.ordered().flat_map(|round| round.tree.root()).collect();
        let openings = self.made.drawn.iter().map(|index| self.made.open(&self.work.units, *index)).collect();
        vec![Message::RoundRoots(RoundRoots { roots }), Message::Openings(Openings { openings, last: true })]
    }
}
