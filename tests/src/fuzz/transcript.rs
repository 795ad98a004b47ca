//! An honest session, held once by the real devices and kept without its signatures, so that it can be changed and signed
//! again by everybody whose keys it takes.

use alloy::signers::local::PrivateKeySigner;
use ed25519_dalek::SigningKey;
use gpux_kernels::{
    device::{
        Device as _,
        paced::{Behaviour, Card, PacedModel},
    },
    draw::draw,
    key::{Digest, Key},
    merkle,
    plan::{Market, Plan, plan},
    probe::ProbeId,
    release,
};
use gpux_proto::{
    evidence::{
        Bundle, Challenge, Descriptor, Direction, File, Finish, Gpu, Hello, JobInput, JobManifest, JobOutput, Offer,
        Open, Opening, Openings, Parameters, Ping, Pong, Prepare, Progress, Ready, ReadyDevice, Reveal, Root,
        RoundRoots, SignedOffer, Terms, TranscriptFrame, job_input::Message as Input, job_output::Message as Output,
    },
    frames::{Chains, Side},
    signing::{self, Domain},
    stream,
};
use prost::Message as _;
use std::sync::OnceLock;

/// The chain of all fuzzing.
pub(super) const CHAIN: u64 = 31_337;
/// Its Rentals contract.
pub(super) const RENTALS: [u8; 20] = [0x13; 20];
/// Now, in seconds since 1970; what is valid ends a day later.
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const UNTIL: u64 = NOW + 86_400;
/// s.
const SECRET: [u8; 32] = [7; 32];
/// The model that the node claims and simulates.
const MODEL: &str = "GeForce RTX 3060 12 GB";
/// Cells that are held whatever the model has: a session here must be quick, and its verification does not see them.
const PROBES: [ProbeId; 4] = [ProbeId::Imma, ProbeId::Fma64, ProbeId::Link, ProbeId::Vram];

/// Everybody's keys.
pub(super) struct Keys {
    pub(super) node: SigningKey,
    pub(super) session: SigningKey,
    pub(super) provider: PrivateKeySigner,
    pub(super) consumer: PrivateKeySigner,
}

pub(super) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys {
        node: SigningKey::from_bytes(&[1; 32]),
        session: SigningKey::from_bytes(&[2; 32]),
        provider: PrivateKeySigner::from_bytes(&[3; 32].into()).expect("a number below the order"),
        consumer: PrivateKeySigner::from_bytes(&[4; 32].into()).expect("a number below the order"),
    })
}

pub(super) fn ecdsa(key: &PrivateKeySigner, digest: &[u8; 32]) -> Vec<u8> {
    crate::host::ecdsa(key, digest).expect("a local key signs")
}

/// Bytes of one frame.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) node: bool,
    pub(super) data: Vec<u8>,
    pub(super) time_us: u64,
    /// How many frames of the other side it leaves unseen.
    pub(super) unseen: u64,
}

/// A session that is not signed yet.
#[derive(Debug, Clone)]
pub(super) struct Transcript {
    pub(super) descriptor: Descriptor,
    pub(super) manifest: Vec<u8>,
    pub(super) variant: [u8; 32],
    pub(super) ordinal: u32,
    pub(super) said: Vec<Said>,
}

impl Transcript {
    /// An honest session of one of a few probes.
    pub(super) fn honest(which: u8) -> Self {
        static HELD: OnceLock<Vec<Transcript>> = OnceLock::new();
        let held = HELD.get_or_init(|| PROBES.into_iter().map(hold).collect());
        held[usize::from(which) % held.len()].clone()
    }

    /// Signs everything: what comes out is what these parties would have said to each other.
    pub(super) fn sign(&self) -> Bundle {
        let keys = keys();
        let mut bundle = opened(self, keys);
        let open = bundle.open.as_ref().map(|open| signing::id(Domain::Open, &open.payload)).unwrap_or_default();
        let mut chains = Chains::new(open);
        for said in &self.said {
            let (side, key) = if said.node { (Side::Node, &keys.node) } else { (Side::Renter, &keys.session) };
            // What nobody could send, an empty frame for one, is not there.
            let Ok(mut frame) = chains.send(side, said.data.clone(), key) else { continue };
            frame.seen = frame.seen.saturating_sub(said.unseen);
            let direction = if said.node { Direction::Node } else { Direction::Renter };
            bundle.frames.push(TranscriptFrame {
                direction: direction.into(),
                frame: Some(frame),
                time_us: said.time_us,
            });
        }
        bundle
    }
}

/// Everything before the frames.
fn opened(transcript: &Transcript, keys: &Keys) -> Bundle {
    let descriptor = signing::sign(Domain::Descriptor, &transcript.descriptor, &keys.node);
    let node = keys.node.verifying_key().to_bytes().to_vec();
    let offer = Offer {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        node: node.clone(),
        provider: keys.provider.address().to_vec(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: "1000".into(),
        capacity: 1,
        valid_until: UNTIL,
    };
    let digest = signing::offer_digest(&offer).expect("the offer is well formed");
    let consumer = keys.consumer.address().to_vec();
    let terms = Terms { consumer, offer: Some(offer.clone()), note: vec![5; 32], nonce: 1 };
    let hello = hello(keys, &terms, digest, &transcript.manifest);
    let open = Open {
        hello: signing::id(Domain::Hello, &hello.payload).to_vec(),
        job: signing::id(Domain::Job, &transcript.manifest).to_vec(),
        ordinal: transcript.ordinal,
        node,
        open_time: None,
    };
    Bundle {
        descriptor: Some(descriptor),
        offer: Some(SignedOffer {
            offer: Some(offer),
            node_signature: signing::sign_id(&digest, &keys.node).to_vec(),
            provider_signature: ecdsa(&keys.provider, &digest),
        }),
        terms: Some(terms),
        hello: Some(hello),
        manifest: transcript.manifest.clone(),
        release: vec![9; 32],
        variant: transcript.variant.to_vec(),
        open: Some(signing::sign(Domain::Open, &open, &keys.node)),
        frames: Vec::new(),
    }
}

fn hello(keys: &Keys, terms: &Terms, offer_digest: [u8; 32], manifest: &[u8]) -> gpux_proto::evidence::Signed {
    let rental = signing::rental_id(terms).expect("the terms are well formed");
    let session_key = keys.session.verifying_key().to_bytes();
    let digest = signing::session_digest(CHAIN, RENTALS.into(), rental, session_key, UNTIL);
    let hello = Hello {
        chain_id: CHAIN,
        rentals: RENTALS.to_vec(),
        rental: rental.to_vec(),
        node: keys.node.verifying_key().to_bytes().to_vec(),
        offer_digest: offer_digest.to_vec(),
        session_key: session_key.to_vec(),
        authorisation: ecdsa(&keys.consumer, &digest.expect("the time fits")),
        valid_until: UNTIL,
        job: signing::id(Domain::Job, manifest).to_vec(),
        secret_digest: signing::id(Domain::Secret, &SECRET).to_vec(),
    };
    signing::sign(Domain::Hello, &hello, &keys.session)
}

pub(super) fn descriptor() -> Descriptor {
    let keys = keys();
    Descriptor {
        node: keys.node.verifying_key().to_bytes().to_vec(),
        endpoint: "http://127.0.0.1:1".into(),
        provider: keys.provider.address().to_vec(),
        gpus: vec![Gpu { model: MODEL.into(), count: 1 }],
        sequence: 1,
        issue_time: Some(crate::host::timestamp(NOW)),
        ..Default::default()
    }
}

/// A session being held.
struct Talk {
    said: Vec<Said>,
    chains: Chains,
    time_us: u64,
}

impl Talk {
    fn say(&mut self, node: bool, data: Vec<u8>) {
        let keys = keys();
        let (side, key) = if node { (Side::Node, &keys.node) } else { (Side::Renter, &keys.session) };
        self.chains.send(side, data.clone(), key).expect("an honest frame");
        self.said.push(Said { node, data, time_us: self.time_us, unseen: 0 });
    }

    fn input(&mut self, message: Input) {
        self.say(false, stream::encode(&JobInput { message: Some(message) }));
    }

    fn output(&mut self, message: Output) {
        self.say(true, stream::encode(&JobOutput { message: Some(message) }));
    }
}

/// Holds a session of the development plan on a simulated card.
fn hold(probe: ProbeId) -> Transcript {
    let executable = File { name: "gpux-job".into(), digest: vec![9; 32], size: 1 };
    let manifest = JobManifest { executable: Some(executable), ..Default::default() }.encode_to_vec();
    let mut transcript =
        Transcript { descriptor: descriptor(), manifest, variant: release::IDENTITY, ordinal: 1, said: Vec::new() };
    let open = transcript.sign().open.map(|open| signing::id(Domain::Open, &open.payload)).unwrap_or_default();
    let mut talk = Talk { said: Vec::new(), chains: Chains::new(open), time_us: 1 };
    let plan = plan(probe, Market::Development).expect("the probe has a plan");
    talk_through(&mut talk, &plan);
    transcript.said = talk.said;
    transcript
}

fn talk_through(talk: &mut Talk, plan: &Plan) {
    let model = gpux_kernels::catalogue::by_name(MODEL).expect("the catalogue has the model");
    let mut card = PacedModel::new(model.clone(), Card::new(), Behaviour::Honest);
    let fill = [9; 32];
    let parameters = Some(Parameters::from(&plan.parameters));
    talk.input(Input::Prepare(Prepare { parameters, seed: fill.to_vec() }));
    let prepared = card.prepare(&plan.parameters, &Key::fill(&fill, 0)).expect("the card takes its plan");
    let device = ReadyDevice { name: MODEL.into(), kind: 3, cells: prepared.cells };
    talk.output(Output::Ready(Ready { devices: vec![device] }));
    let units = plan.parameters.units_per_round(prepared.cells);
    let trees: Vec<_> = (0..plan.windows).map(|window| hold_window(talk, plan, (window, units), &mut card)).collect();
    talk.input(Input::Finish(Finish {}));
    let roots: Vec<Digest> = trees.iter().map(merkle::Tree::root).collect();
    let root = Root { root: merkle::session_root(&roots).to_vec(), rounds: vec![1; trees.len()] };
    talk.output(Output::Root(root));
    let head = talk.chains.head(Side::Node);
    let drawn = draw(&SECRET, &head, roots.len() as u64 * u64::from(units), plan.openings);
    talk.input(Input::Reveal(Reveal { secret: SECRET.to_vec(), head: head.to_vec(), openings: plan.openings }));
    talk.output(Output::RoundRoots(RoundRoots { roots: roots.concat() }));
    let open = |index: &u64| {
        let tree = &trees[(index / u64::from(units)) as usize];
        let (leaf, path) = tree.open((index % u64::from(units)) as u32).expect("a drawn unit exists");
        Opening { index: *index, leaf: leaf.to_vec(), path: path.concat() }
    };
    talk.output(Output::Openings(Openings { openings: drawn.iter().map(open).collect(), last: true }));
}

/// One window of one round; returns the round's tree.
fn hold_window(talk: &mut Talk, plan: &Plan, (window, units): (u32, u32), card: &mut PacedModel) -> merkle::Tree {
    let seed = [0x40 + window as u8; 32];
    let key = Key::first(&seed, 0);
    let all: Vec<u32> = (0..units).collect();
    let opened = card.open(&key, &all).expect("the card opens its own round");
    let tree = merkle::Tree::new(merkle::Domain::Round, opened.into_iter().map(|unit| unit.leaf).collect());
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
