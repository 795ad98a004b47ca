//! A whole session as an honest fisher and node hold it, with knobs for what a cheat or a framer would change.

use gpux_proto::evidence::{
    Bundle, Challenge, Descriptor, DeviceKind, Direction, EnvironmentEntry, File, Finish, Frame, Hello, Host, JobInput,
    JobManifest, JobOutput, Offer, Open, Opening, Openings, Ping, Pong, Prepare, Progress, Ready, ReadyDevice, Reveal,
    Root, RoundRoots, SignedOffer, Terms, TranscriptFrame, job_input, job_output,
};
use gpux_proto::frames::{Chains, Side};
use gpux_proto::signing::{self, Domain, SigningKey};
use gpux_proto::stream;
use k256::ecdsa::SigningKey as EcdsaKey;
use prost::Message as _;

use crate::device::Device;
use crate::device::cpu::CpuDevice;
use crate::draw::draw;
use crate::key::{Digest, Key};
use crate::merkle;
use crate::plan::{Market, Plan, plan};
use crate::probe::ProbeId;
use crate::release::Release;

pub(super) const CHAIN: u64 = 31_337;
pub(super) const RENTALS: [u8; 20] = [0x11; 20];

/// What deviates from an honest session.
#[derive(Clone, Default)]
pub(super) struct Twist {
    /// Leaves of this many units of each round are made up.
    pub(super) wrong_units: u32,
    /// The node answers nothing after this many output frames.
    pub(super) silent_after: Option<usize>,
    /// Other units are opened than drawn.
    pub(super) other_opening: bool,
    /// One opening less than drawn.
    pub(super) fewer_openings: bool,
    /// The fisher runs with an environment variable.
    pub(super) poisoned: bool,
    /// The node's Open says that another job ran before.
    pub(super) ordinal: u32,
    /// The fisher asks for other parameters than the plan's.
    pub(super) inexact: bool,
    /// The fisher reveals another s than it committed to.
    pub(super) other_secret: bool,
    /// The fisher tells the job another head than ROOT's.
    pub(super) other_head: bool,
    /// The last Pong of each window claims one round more.
    pub(super) boast: bool,
    /// Ready names a kind of device that cannot answer the probe.
    pub(super) other_kind: bool,
    /// Ready claims cells that the parameters do not allow.
    pub(super) other_cells: bool,
    /// The second Pong of each window counts fewer rounds than the first.
    pub(super) fewer_rounds: bool,
    /// Bytes follow ROOT.
    pub(super) after_root: bool,
    /// Windows are a millisecond long.
    pub(super) short_windows: bool,
    /// The fisher asks for this many windows more than the plan has.
    pub(super) more_windows: u32,
    /// Each Pong after the first of a window is the first again.
    pub(super) replayed_pong: bool,
    /// Every window has the same seed.
    pub(super) replayed_seed: bool,
    /// The rental's number.
    pub(super) nonce: u64,
    /// The executable's name is this long.
    pub(super) name_bytes: usize,
    /// The variant of the worker that runs.
    pub(super) variant: [u8; 32],
}

/// The released worker.
pub(super) fn worker() -> Release {
    Release::new(crate::release::tests::released(&crate::release::tests::modules())).unwrap()
}

pub(super) struct Parties {
    pub(super) node: SigningKey,
    pub(super) session: SigningKey,
    pub(super) provider: EcdsaKey,
    pub(super) consumer: EcdsaKey,
}

pub(super) fn parties() -> Parties {
    let ecdsa = |byte: u8| EcdsaKey::from_slice(&[byte; 32]).unwrap();
    Parties {
        node: SigningKey::from_bytes(&[1; 32]),
        session: SigningKey::from_bytes(&[2; 32]),
        provider: ecdsa(3),
        consumer: ecdsa(4),
    }
}

pub(super) fn address(key: &EcdsaKey) -> Vec<u8> {
    alloy_primitives::Address::from_private_key(key).to_vec()
}

pub(super) fn ecdsa(key: &EcdsaKey, digest: &[u8; 32]) -> Vec<u8> {
    let (signature, recovery) = key.sign_prehash_recoverable(digest).unwrap();
    [&signature.to_bytes()[..], &[27 + recovery.to_byte()]].concat()
}

pub(super) fn descriptor(parties: &Parties) -> Descriptor {
    Descriptor {
        node: parties.node.verifying_key().to_bytes().to_vec(),
        endpoint: "http://127.0.0.1:1".into(),
        provider: address(&parties.provider),
        host: Some(Host {
            threads: 1,
            fp64_flops: 1_000_000,
            ram_bytes: 4_096,
            ram_reads: 1_000,
            ..Default::default()
        }),
        sequence: 1,
        ..Default::default()
    }
}

/// The frames of a session being held.
struct Talk<'a> {
    parties: &'a Parties,
    twist: &'a Twist,
    chains: Chains,
    frames: Vec<TranscriptFrame>,
    time_us: u64,
    said: usize,
}

impl Talk<'_> {
    fn push(&mut self, side: Side, data: Vec<u8>) {
        let (direction, key) = match side {
            Side::Renter => (Direction::Renter, &self.parties.session),
            Side::Node => (Direction::Node, &self.parties.node),
        };
        if side == Side::Node {
            self.said += 1;
        }
        if self.silent() {
            return;
        }
        let frame: Frame = self.chains.send(side, data, key).unwrap();
        self.frames.push(TranscriptFrame { direction: direction.into(), frame: Some(frame), time_us: self.time_us });
    }

    fn silent(&self) -> bool {
        self.twist.silent_after.is_some_and(|after| self.said > after)
    }

    fn input(&mut self, message: job_input::Message) {
        self.push(Side::Renter, stream::encode(&JobInput { message: Some(message) }));
    }

    fn output(&mut self, message: job_output::Message) {
        self.push(Side::Node, stream::encode(&JobOutput { message: Some(message) }));
    }
}

/// Rounds of a window as the worker makes them, with the twist's made-up leaves.
struct Made {
    trees: Vec<merkle::Tree>,
    key: Key,
}

fn rounds(device: &mut CpuDevice, plan: &Plan, key: Key, twist: &Twist, count: u32) -> Made {
    let mut made = Made { trees: Vec::new(), key };
    let all: Vec<u32> = (0..plan.parameters.units_per_round(0)).collect();
    for _ in 0..count {
        let mut leaves: Vec<Digest> = Vec::new();
        for units in all.chunks(crate::device::OPENED_MAX) {
            leaves.extend(device.open(&made.key, units).unwrap().into_iter().map(|unit| unit.leaf));
        }
        for leaf in leaves.iter_mut().take(twist.wrong_units as usize) {
            leaf[0] ^= 1;
        }
        let tree = merkle::Tree::new(merkle::Domain::Round, leaves);
        made.key = made.key.next(&tree.root());
        made.trees.push(tree);
    }
    made
}

/// Holds a session for `probe` and bundles it.
pub(super) fn bundle(probe: ProbeId, twist: &Twist) -> Bundle {
    let parties = parties();
    let mut bundle = opened(&parties, twist);
    let open_id = signing::id(Domain::Open, &bundle.open.as_ref().unwrap().payload);
    let chains = Chains::new(open_id);
    let mut talk = Talk { parties: &parties, twist, chains, frames: Vec::new(), time_us: 1, said: 0 };
    talk_through(&mut talk, probe, twist);
    bundle.frames = talk.frames;
    bundle
}

fn talk_through(talk: &mut Talk<'_>, probe: ProbeId, twist: &Twist) {
    let plan = plan(probe, Market::Development).unwrap();
    let mut parameters = gpux_proto::evidence::Parameters::from(&plan.parameters);
    if twist.inexact {
        parameters.scale += 1;
    }
    let mut device = CpuDevice::new(1);
    let fill = [9; 32];
    talk.input(job_input::Message::Prepare(Prepare { parameters: Some(parameters), seed: fill.to_vec() }));
    let cells = device.prepare(&plan.parameters, &Key::fill(&fill, 0)).unwrap().cells;
    let kind = if twist.other_kind { DeviceKind::Cuda } else { DeviceKind::Cpu };
    let cells = cells + u64::from(twist.other_cells);
    let ready = ReadyDevice { name: "test".into(), kind: kind as u32, cells };
    talk.output(job_output::Message::Ready(Ready { devices: vec![ready] }));
    let mut trees = Vec::new();
    for window in 0..plan.windows + twist.more_windows {
        window_of(talk, &plan, window, &mut device, &mut trees);
    }
    talk.input(job_input::Message::Finish(Finish {}));
    let roots: Vec<Digest> = trees.iter().map(merkle::Tree::root).collect();
    let counts = vec![1 + u32::from(twist.boast); roots.len()];
    let root = Root { root: merkle::session_root(&roots).to_vec(), rounds: counts };
    let mut data = stream::encode(&JobOutput { message: Some(job_output::Message::Root(root)) });
    if twist.after_root {
        data.push(0);
    }
    talk.push(Side::Node, data);
    let secret = if twist.other_secret { [8; 32] } else { [7; 32] };
    let drawn = draw(
        &secret,
        &talk.chains.head(Side::Node),
        roots.len() as u64 * u64::from(plan.parameters.units_per_round(0)),
        plan.openings,
    );
    let mut head = talk.chains.head(Side::Node).to_vec();
    head[0] ^= u8::from(twist.other_head);
    talk.input(job_input::Message::Reveal(Reveal { secret: secret.to_vec(), head, openings: plan.openings }));
    talk.output(job_output::Message::RoundRoots(RoundRoots { roots: roots.concat() }));
    let openings = open(&trees, &drawn, plan.parameters.units_per_round(0), twist);
    talk.output(job_output::Message::Openings(Openings { openings, last: true }));
}

fn window_of(talk: &mut Talk<'_>, plan: &Plan, window: u32, device: &mut CpuDevice, trees: &mut Vec<merkle::Tree>) {
    let seed = [0x40 + if talk.twist.replayed_seed { 0 } else { window as u8 }; 32];
    talk.input(job_input::Message::Challenge(Challenge { window, seed: seed.to_vec() }));
    let made = rounds(device, plan, Key::first(&seed, 0), talk.twist, 1);
    trees.extend(made.trees);
    let length_us = if talk.twist.short_windows { 1_000 } else { plan.window.as_micros() as u64 };
    for ping in 0..plan.pings {
        let nonce = u64::from(window * 100 + ping);
        let last = ping + 1 == plan.pings;
        talk.input(job_input::Message::Ping(Ping { nonce, last }));
        if last {
            talk.time_us += length_us;
        }
        let fall = u32::from(talk.twist.fewer_rounds && ping == 1);
        let rounds = 1 + u32::from(talk.twist.boast) - fall;
        let nonce = if talk.twist.replayed_pong { u64::from(window * 100) } else { nonce };
        let devices = vec![Progress { rounds, key: made.key.as_bytes().to_vec() }];
        talk.output(job_output::Message::Pong(Pong { nonce, window, devices }));
    }
}

fn open(trees: &[merkle::Tree], drawn: &[u64], units: u32, twist: &Twist) -> Vec<Opening> {
    let mut openings = Vec::new();
    for (at, &index) in drawn.iter().enumerate() {
        let index = if twist.other_opening && at == 0 { (0..).find(|i| !drawn.contains(i)).unwrap() } else { index };
        let (leaf, path) = trees[(index / u64::from(units)) as usize].open((index % u64::from(units)) as u32).unwrap();
        openings.push(Opening { index, leaf: leaf.to_vec(), path: path.concat() });
    }
    if twist.fewer_openings {
        openings.pop();
    }
    openings
}

/// Everything before the frames.
fn opened(parties: &Parties, twist: &Twist) -> Bundle {
    let descriptor = descriptor(parties);
    let signed_descriptor = signing::sign(Domain::Descriptor, &descriptor, &parties.node);
    let offer = Offer {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        node: descriptor.node.clone(),
        provider: descriptor.provider,
        descriptor_digest: signing::id(Domain::Descriptor, &signed_descriptor.payload).to_vec(),
        rate: "1000".into(),
        capacity: 1,
        valid_until: 2_000_000_000,
    };
    let digest = signing::offer_digest(&offer).unwrap();
    let terms = Terms {
        consumer: address(&parties.consumer),
        offer: Some(offer.clone()),
        note: vec![5; 32],
        nonce: twist.nonce,
    };
    let worker = worker().build(&twist.variant).unwrap();
    let executable = File {
        name: format!("gpux-job{}", "x".repeat(twist.name_bytes)),
        digest: worker.digest.to_vec(),
        size: worker.bytes.len() as u64,
    };
    let environment = vec![EnvironmentEntry { name: "LD_PRELOAD".into(), value: "x".into() }];
    let environment = if twist.poisoned { environment } else { Vec::new() };
    let manifest = JobManifest { executable: Some(executable), environment, ..Default::default() }.encode_to_vec();
    let hello = hello(parties, &terms, digest, &manifest);
    let open = Open {
        hello: signing::id(Domain::Hello, &hello.payload).to_vec(),
        job: signing::id(Domain::Job, &manifest).to_vec(),
        ordinal: 1 + twist.ordinal,
        node: descriptor.node,
        open_time: None,
    };
    Bundle {
        descriptor: Some(signed_descriptor),
        offer: Some(SignedOffer {
            offer: Some(offer),
            node_signature: signing::sign_id(&digest, &parties.node).to_vec(),
            provider_signature: ecdsa(&parties.provider, &digest),
        }),
        terms: Some(terms),
        hello: Some(hello),
        manifest,
        release: worker.release.to_vec(),
        variant: worker.variant.to_vec(),
        open: Some(signing::sign(Domain::Open, &open, &parties.node)),
        frames: Vec::new(),
    }
}

fn hello(parties: &Parties, terms: &Terms, offer_digest: [u8; 32], manifest: &[u8]) -> gpux_proto::evidence::Signed {
    let rental = signing::rental_id(terms).unwrap();
    let session_key = parties.session.verifying_key().to_bytes();
    let valid_until = 2_000_000_000;
    let digest = signing::session_digest(CHAIN, RENTALS.into(), rental, session_key, valid_until).unwrap();
    let hello = Hello {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        rental: rental.to_vec(),
        node: parties.node.verifying_key().to_bytes().to_vec(),
        offer_digest: offer_digest.to_vec(),
        session_key: session_key.to_vec(),
        authorisation: ecdsa(&parties.consumer, &digest),
        valid_until,
        job: signing::id(Domain::Job, manifest).to_vec(),
        secret_digest: signing::id(Domain::Secret, &[7; 32]).to_vec(),
    };
    signing::sign(Domain::Hello, &hello, &parties.session)
}
