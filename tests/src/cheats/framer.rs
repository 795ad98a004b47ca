//! A fisher of his own making: the whole conversation by hand, so that he can say what the released prober never says. The
//! node's answers and signatures are the node's.

use std::time::Duration;

use alloy::signers::SignerSync as _;
use gpux_kernels::{
    Digest, draw,
    evidence::{Depth, Examination, examine},
};
use gpux_prober::session;
use gpux_proto::{
    bytes::array,
    evidence::{
        Bundle, Challenge, Direction, EnvironmentEntry, Finish, Frame, Hello, JobInput, JobManifest, JobOutput,
        Parameters, Ping, Prepare, Reveal, Signed, Terms, TranscriptFrame, job_input::Message as Input,
        job_output::Message, parameters::Sizes,
    },
    frames::{Chains, Side},
    node::{SessionResponse, Start, session_response},
    signing::{self, Domain, SigningKey},
    stream::{self, Reader},
};
use prost::Message as _;

use super::{
    framing::{Trick, WRONG},
    host::Host,
    prover::Prover,
    random::Random,
    stage::{Stage, WALL},
};

/// How often he looks for an s, or a head, that draws both wrong units: one in a hundred does.
const TRIES: u32 = 10_000;

/// Holds a session with a node, plays a trick, and examines the bundle as anybody would.
pub(super) fn frame<P: Prover>(stage: &Stage, seed: &Digest, prover: P, trick: Trick) -> Examination {
    let mut random = Random::new(seed, "framer");
    let key = SigningKey::from_bytes(&random.bytes());
    let secret = random.bytes();
    let terms = stage.terms(random.bytes());
    let manifest = manifest(stage, trick).encode_to_vec();
    let hello = hello(stage, &terms, &key, (&manifest, &secret));
    let mut host = stage.host(prover);
    let start = Start { hello: Some(hello.clone()), terms: Some(terms.clone()), manifest: manifest.clone() };
    let opened = host.start(Duration::ZERO, &start);
    let open = match opened.and_then(|(_, response)| response.message) {
        Some(session_response::Message::Opened(opened)) => opened.open,
        _ => None,
    };
    let open_id = open.as_ref().map(|open| signing::id(Domain::Open, &open.payload)).unwrap_or_default();
    let (chains, reader) = (Chains::new(open_id), Reader::default());
    let mut talk = Talk { host: &mut host, stage, key, chains, reader, frames: Vec::new(), at: Duration::ZERO };
    talk.hold(&mut random, secret, trick);
    let bundle = Bundle {
        descriptor: Some(stage.offered.signed_descriptor.clone()),
        offer: Some(stage.offered.signed_offer.clone()),
        terms: Some(terms),
        hello: Some(hello),
        manifest,
        release: stage.worker.release.to_vec(),
        variant: if trick == Trick::ForgedVariant { random.bytes().to_vec() } else { stage.worker.variant.to_vec() },
        open,
        frames: talk.frames,
    };
    examine(&bundle, &stage.rules(), Depth::Recompute)
}

fn manifest(stage: &Stage, trick: Trick) -> JobManifest {
    let mut manifest = session::manifest(&stage.worker);
    if matches!(trick, Trick::ForgedWorker | Trick::ForgedVariant)
        && let Some(executable) = &mut manifest.executable
    {
        executable.digest = blake3::hash(b"a worker that computes wrongly").as_bytes().to_vec();
    }
    if trick == Trick::Poisoned {
        manifest.environment.push(EnvironmentEntry { name: "LD_PRELOAD".into(), value: "./wrong.so".into() });
    }
    manifest
}

fn hello(stage: &Stage, terms: &Terms, key: &SigningKey, (manifest, secret): (&[u8], &[u8; 32])) -> Signed {
    let offer = &stage.offered.offer;
    let valid_until = WALL.as_secs() + 3_600;
    let rental = signing::rental_id(terms).unwrap_or_default();
    let session_key = key.verifying_key().to_bytes();
    let rentals = array::<20>("rentals", &offer.rentals).unwrap_or_default().into();
    let digest = signing::session_digest(offer.chain_id, rentals, rental, session_key, valid_until).unwrap_or_default();
    let authorisation = stage.consumer.sign_hash_sync(&digest.into()).map(|signature| signature.as_bytes().to_vec());
    let hello = Hello {
        chain_id: offer.chain_id,
        rentals: offer.rentals.clone(),
        rental: rental.to_vec(),
        node: stage.offered.node.to_vec(),
        offer_digest: stage.offered.offer_digest.to_vec(),
        session_key: session_key.to_vec(),
        authorisation: authorisation.unwrap_or_default(),
        valid_until,
        job: signing::id(Domain::Job, manifest).to_vec(),
        secret_digest: signing::id(Domain::Secret, secret).to_vec(),
    };
    signing::sign(Domain::Hello, &hello, key)
}

/// A conversation as it is held.
struct Talk<'a, P> {
    host: &'a mut Host<P>,
    stage: &'a Stage,
    key: SigningKey,
    chains: Chains,
    reader: Reader,
    frames: Vec<TranscriptFrame>,
    at: Duration,
}

impl<P: Prover> Talk<'_, P> {
    fn hold(&mut self, random: &mut Random, secret: [u8; 32], trick: Trick) {
        let plan = self.stage.plan;
        let mut parameters = Parameters::from(&plan.parameters);
        if trick == Trick::Inexact
            && let Some(Sizes::Product(sizes)) = &mut parameters.sizes
        {
            sizes.k += 1;
        }
        self.ask(Input::Prepare(Prepare { parameters: Some(parameters), seed: random.bytes().to_vec() }));
        for window in 0..plan.windows {
            self.ask(Input::Challenge(Challenge { window, seed: random.bytes().to_vec() }));
            let begun = self.at;
            for ping in 1..=plan.pings {
                self.at = self.at.max(begun + plan.window * ping / plan.pings);
                let nonce = u64::from(window * plan.pings + ping);
                self.ask(Input::Ping(Ping { nonce, last: ping == plan.pings }));
            }
        }
        let root = self.ask(Input::Finish(Finish {}));
        let rounds = match root.first() {
            Some(Message::Root(root)) => root.rounds.iter().map(|rounds| u64::from(*rounds)).sum(),
            _ => 0,
        };
        let (secret, head) = self.chosen(random, (secret, self.chains.head(Side::Node)), rounds, trick);
        let reveal = Reveal { secret: secret.to_vec(), head: head.to_vec(), openings: plan.openings };
        self.ask(Input::Reveal(reveal));
    }

    /// s and head as they should be, or as they draw what he wants.
    fn chosen(&self, random: &mut Random, honest: (Digest, Digest), rounds: u64, trick: Trick) -> (Digest, Digest) {
        let plan = self.stage.plan;
        let units = u64::from(plan.parameters.units_per_round(0));
        let wanted = [WRONG as u64, units + WRONG as u64];
        let mut tries = (0..TRIES).map(|_| match trick {
            Trick::ChosenSecret => (random.bytes(), honest.1),
            Trick::ChosenHead => (honest.0, random.bytes()),
            _ => honest,
        });
        let draws = |(secret, head): &(Digest, Digest)| {
            let drawn = draw(secret, head, rounds * units, plan.openings);
            wanted.iter().all(|unit| drawn.contains(unit))
        };
        match trick {
            Trick::ChosenSecret | Trick::ChosenHead => tries.find(draws).unwrap_or(honest),
            _ => honest,
        }
    }

    /// Says something and takes what the node answers.
    fn ask(&mut self, message: Input) -> Vec<Message> {
        let data = stream::encode(&JobInput { message: Some(message) });
        let Ok(frame) = self.chains.send(Side::Renter, data, &self.key) else { return Vec::new() };
        self.keep(Direction::Renter, frame.clone());
        let mut heard = Vec::new();
        for (at, response) in self.host.hear(self.at, &frame) {
            self.at = self.at.max(at);
            self.take(response);
        }
        while let Ok(Some(JobOutput { message: Some(message) })) = self.reader.take() {
            heard.push(message);
        }
        heard
    }

    fn take(&mut self, response: SessionResponse) {
        let Some(session_response::Message::Frame(frame)) = response.message else { return };
        if self.chains.receive(Side::Node, &frame, &self.stage.offered.key).is_ok() {
            self.reader.push(&frame.data);
            self.keep(Direction::Node, frame);
        }
    }

    fn keep(&mut self, direction: Direction, frame: Frame) {
        let time_us = self.at.as_micros() as u64;
        self.frames.push(TranscriptFrame { direction: direction.into(), frame: Some(frame), time_us });
    }
}
