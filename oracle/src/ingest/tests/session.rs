//! The frames of a session on this machine's CPU, and what a cheat or a lying fisher would change in it.

use gpux_kernels::{
    device::{Device as _, OPENED_MAX, cpu::CpuDevice},
    draw::draw,
    key::Key,
    merkle,
    plan::{Market, Plan, plan},
    probe::ProbeId,
};
use gpux_proto::{
    evidence::{
        Challenge, Direction, Finish, JobInput, JobOutput, Opening, Openings, Parameters, Ping, Pong, Prepare,
        Progress, Ready, ReadyDevice, Reveal, Root, RoundRoots, TranscriptFrame, job_input::Message as Input,
        job_output::Message as Output,
    },
    frames::{Chains, Side},
    signing::SigningKey,
    stream,
};

pub(super) const SECRET: [u8; 32] = [7; 32];

/// What deviates from an honest session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    /// Leaves of half of a round's units are made up.
    WrongBits,
    /// The node answers nothing after so many frames.
    SilentAfter(usize),
    /// Another unit is opened than the first drawn.
    OtherOpening,
    /// The renter asks for other parameters than the plan's.
    OtherParameters,
    /// The device says that it is simulated.
    Simulated,
}

struct Talk<'a> {
    renter: &'a SigningKey,
    node: &'a SigningKey,
    chains: Chains,
    frames: Vec<TranscriptFrame>,
    time_us: u64,
    twist: Twist,
    said: usize,
}

impl Talk<'_> {
    fn push(&mut self, side: Side, data: Vec<u8>) {
        let (direction, key) = match side {
            Side::Renter => (Direction::Renter, self.renter),
            Side::Node => (Direction::Node, self.node),
        };
        self.said += usize::from(side == Side::Node);
        if matches!(self.twist, Twist::SilentAfter(after) if self.said > after) {
            return;
        }
        let frame = self.chains.send(side, data, key).unwrap();
        self.frames.push(TranscriptFrame { direction: direction.into(), frame: Some(frame), time_us: self.time_us });
    }

    fn input(&mut self, message: Input) {
        self.push(Side::Renter, stream::encode(&JobInput { message: Some(message) }));
    }

    fn output(&mut self, message: Output) {
        self.push(Side::Node, stream::encode(&JobOutput { message: Some(message) }));
    }
}

/// Holds a session of the development plan of the CPU probe.
pub(super) fn hold(open_id: [u8; 32], renter: &SigningKey, node: &SigningKey, twist: Twist) -> Vec<TranscriptFrame> {
    let plan = plan(ProbeId::Cpu, Market::Development).unwrap();
    let chains = Chains::new(open_id);
    let mut talk = Talk { renter, node, chains, frames: Vec::new(), time_us: 1, twist, said: 0 };
    let mut parameters = Parameters::from(&plan.parameters);
    parameters.scale += u64::from(twist == Twist::OtherParameters);
    let fill = [0x21; 32];
    let mut device = CpuDevice::new(1);
    device.prepare(&plan.parameters, &Key::fill(&fill, 0)).unwrap();
    talk.input(Input::Prepare(Prepare { parameters: Some(parameters), seed: fill.to_vec() }));
    let kind = if twist == Twist::Simulated { 3 } else { 2 };
    talk.output(Output::Ready(Ready { devices: vec![ReadyDevice { name: "test".into(), kind, cells: 0 }] }));
    let trees: Vec<_> = (0..plan.windows).map(|window| hold_window(&mut talk, &plan, window, &mut device)).collect();
    talk.input(Input::Finish(Finish {}));
    let roots: Vec<_> = trees.iter().map(merkle::Tree::root).collect();
    let root = Root { root: merkle::session_root(&roots).to_vec(), rounds: vec![1; trees.len()] };
    talk.output(Output::Root(root));
    let head = talk.chains.head(Side::Node);
    let units = u64::from(plan.parameters.units_per_round(0));
    let mut drawn = draw(&SECRET, &head, roots.len() as u64 * units, plan.openings);
    talk.input(Input::Reveal(Reveal { secret: SECRET.to_vec(), head: head.to_vec(), openings: plan.openings }));
    talk.output(Output::RoundRoots(RoundRoots { roots: roots.concat() }));
    if twist == Twist::OtherOpening {
        drawn[0] = (0..).find(|unit| !drawn.contains(unit)).unwrap();
    }
    let open = |index: &u64| {
        let (leaf, path) = trees[(index / units) as usize].open((index % units) as u32).unwrap();
        Opening { index: *index, leaf: leaf.to_vec(), path: path.concat() }
    };
    talk.output(Output::Openings(Openings { openings: drawn.iter().map(open).collect(), last: true }));
    talk.frames
}

/// One window of one round; returns the round's tree.
fn hold_window(talk: &mut Talk<'_>, plan: &Plan, window: u32, device: &mut CpuDevice) -> merkle::Tree {
    let seed = [0x40 + window as u8; 32];
    let key = Key::first(&seed, 0);
    let units: Vec<u32> = (0..plan.parameters.units_per_round(0)).collect();
    let mut leaves = Vec::new();
    for units in units.chunks(OPENED_MAX) {
        leaves.extend(device.open(&key, units).unwrap().into_iter().map(|unit| unit.leaf));
    }
    if talk.twist == Twist::WrongBits {
        let half = leaves.len() / 2;
        leaves.iter_mut().take(half).for_each(|leaf| leaf[0] ^= 1);
    }
    let tree = merkle::Tree::new(merkle::Domain::Round, leaves);
    let after = key.next(&tree.root());
    talk.input(Input::Challenge(Challenge { window, seed: seed.to_vec() }));
    for ping in 1..=plan.pings {
        let nonce = u64::from(window * 100 + ping);
        talk.input(Input::Ping(Ping { nonce, last: ping == plan.pings }));
        if ping == plan.pings {
            talk.time_us += plan.window.as_micros() as u64;
        }
        let devices = vec![Progress { rounds: 1, key: after.as_bytes().to_vec() }];
        talk.output(Output::Pong(Pong { nonce, window, devices }));
    }
    tree
}
