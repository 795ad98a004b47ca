//! The parties of the market and what each of them signs.

use alloy::{
    primitives::B256,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_kernels::{
    evidence::{Depth, examine, expected, measure},
    plan::Market,
    probe::ProbeId,
};
use gpux_proto::{
    evidence::{
        Bundle, Commit, Description, Descriptor, DeviceKind, File, Hello, Host, JobManifest, Membership, Offer, Open,
        Outcome, Probe, Registration, Report, Signed, SignedOffer, Step, Terms,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;

use super::{
    session,
    world::{CHAIN, NOW, UNTIL, deployment, preimages, time},
};
use crate::{ingest::Rules, score::Parameters};

const RATE: u128 = 1_000;
const SALT: [u8; 32] = [0x5a; 32];

/// All keys of the market.
pub(super) struct Keys {
    pub(super) node: SigningKey,
    pub(super) session: SigningKey,
    pub(super) report: SigningKey,
    pub(super) organisation: SigningKey,
    pub(super) provider: PrivateKeySigner,
    pub(super) consumer: PrivateKeySigner,
    pub(super) fisher: PrivateKeySigner,
    pub(super) stranger: PrivateKeySigner,
}

impl Keys {
    pub(super) fn new() -> Self {
        let ecdsa = |byte: u8| PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap();
        Self {
            node: SigningKey::from_bytes(&[1; 32]),
            session: SigningKey::from_bytes(&[2; 32]),
            report: SigningKey::from_bytes(&[3; 32]),
            organisation: SigningKey::from_bytes(&[4; 32]),
            provider: ecdsa(5),
            consumer: ecdsa(6),
            fisher: ecdsa(7),
            stranger: ecdsa(8),
        }
    }
}

pub(super) fn ecdsa(key: &PrivateKeySigner, digest: [u8; 32]) -> Vec<u8> {
    key.sign_hash_sync(&B256::from(digest)).unwrap().as_bytes().to_vec()
}

impl Keys {
    /// The same market with another fisher.
    pub(super) fn of_another_fisher(byte: u8) -> Self {
        let fisher = PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap();
        Self { fisher, report: SigningKey::from_bytes(&[byte; 32]), ..Self::new() }
    }

    pub(super) fn descriptor(&self) -> Descriptor {
        Descriptor {
            node: self.node.verifying_key().to_bytes().to_vec(),
            endpoint: "http://127.0.0.1:7000".into(),
            provider: self.provider.address().to_vec(),
            host: Some(Host { threads: 1, fp64_flops: 1_000_000, ..Host::default() }),
            sequence: 1,
            issue_time: Some(time(NOW - 1_000)),
            ..Descriptor::default()
        }
    }

    pub(super) fn offer_of(&self, descriptor: &Signed) -> Offer {
        Offer {
            chain_id: CHAIN,
            rentals: deployment().rentals.to_vec(),
            node: self.node.verifying_key().to_bytes().to_vec(),
            provider: self.provider.address().to_vec(),
            descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
            rate: RATE.to_string(),
            capacity: 1,
            valid_until: UNTIL,
        }
    }

    pub(super) fn sign_offer(&self, offer: Offer) -> SignedOffer {
        let digest = signing::offer_digest(&offer).unwrap();
        SignedOffer {
            offer: Some(offer),
            node_signature: signing::sign_id(&digest, &self.node).to_vec(),
            provider_signature: ecdsa(&self.provider, digest),
        }
    }

    /// A description of a descriptor, with an offer that fits.
    pub(super) fn describe(&self, descriptor: &Descriptor) -> Description {
        let descriptor = signing::sign(Domain::Descriptor, descriptor, &self.node);
        let offer = self.sign_offer(self.offer_of(&descriptor));
        Description { descriptor: Some(descriptor), offer: Some(offer), membership: None }
    }

    pub(super) fn description(&self) -> Description {
        self.describe(&self.descriptor())
    }

    pub(super) fn membership(&self) -> Membership {
        Membership {
            organisation: self.organisation.verifying_key().to_bytes().to_vec(),
            node: self.node.verifying_key().to_bytes().to_vec(),
            start_time: Some(time(NOW - 10)),
            expire_time: Some(time(NOW + 10)),
        }
    }

    pub(super) fn registration(&self) -> Registration {
        self.sign_registration(Registration {
            chain_id: CHAIN,
            bonds: deployment().bonds.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report_key: self.report.verifying_key().to_bytes().to_vec(),
            valid_until: UNTIL,
            fisher_signature: Vec::new(),
            chain: preimages().end().to_vec(),
            chain_epoch: preimages().end_epoch(),
        })
    }

    pub(super) fn sign_registration(&self, registration: Registration) -> Registration {
        let digest = signing::registration_digest(&registration).unwrap();
        Registration { fisher_signature: ecdsa(&self.fisher, digest), ..registration }
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms_of(1)
    }

    /// The terms of one of several rentals.
    pub(super) fn terms_of(&self, nonce: u64) -> Terms {
        let court = deployment().court;
        Terms {
            consumer: self.consumer.address().to_vec(),
            offer: self.description().offer.unwrap().offer,
            note: signing::note(CHAIN, court, self.fisher.address(), SALT).to_vec(),
            nonce,
        }
    }

    pub(super) fn commit(&self, report: &Signed) -> Signed {
        let commit = Commit {
            chain_id: CHAIN,
            rentals: deployment().rentals.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report: signing::id(Domain::Report, &report.payload).to_vec(),
        };
        signing::sign(Domain::Commit, &commit, &self.report)
    }

    /// A session about the node's CPU under these terms.
    pub(super) fn bundle(&self, terms: &Terms, twist: session::Twist) -> Bundle {
        let description = self.description();
        let offer = description.offer.unwrap();
        let executable = File { name: "gpux-job".into(), digest: vec![6; 32], size: 1 };
        let manifest = JobManifest { executable: Some(executable), ..JobManifest::default() }.encode_to_vec();
        let hello = self.hello(terms, offer.offer.as_ref().unwrap(), &manifest);
        let open = Open {
            hello: signing::id(Domain::Hello, &hello.payload).to_vec(),
            job: signing::id(Domain::Job, &manifest).to_vec(),
            ordinal: 1,
            node: self.node.verifying_key().to_bytes().to_vec(),
            open_time: None,
        };
        let open = signing::sign(Domain::Open, &open, &self.node);
        let open_id = signing::id(Domain::Open, &open.payload);
        Bundle {
            descriptor: description.descriptor,
            offer: Some(offer),
            terms: Some(terms.clone()),
            hello: Some(hello),
            manifest,
            release: vec![6; 32],
            variant: vec![0; 32],
            open: Some(open),
            frames: session::hold(open_id, &self.session, &self.node, twist),
        }
    }

    fn hello(&self, terms: &Terms, offer: &Offer, manifest: &[u8]) -> Signed {
        let rental = signing::rental_id(terms).unwrap();
        let key = self.session.verifying_key().to_bytes();
        let digest = signing::session_digest(CHAIN, deployment().rentals, rental, key, UNTIL).unwrap();
        let hello = Hello {
            chain_id: CHAIN,
            rentals: deployment().rentals.to_vec(),
            rental: rental.to_vec(),
            node: self.node.verifying_key().to_bytes().to_vec(),
            offer_digest: signing::offer_digest(offer).unwrap().to_vec(),
            session_key: key.to_vec(),
            authorisation: ecdsa(&self.consumer, digest),
            valid_until: UNTIL,
            job: signing::id(Domain::Job, manifest).to_vec(),
            secret_digest: signing::id(Domain::Secret, &session::SECRET).to_vec(),
        };
        signing::sign(Domain::Hello, &hello, &self.session)
    }

    /// What an honest fisher reports of a bundle.
    pub(super) fn report(&self, bundle: &Bundle) -> Report {
        let rules = Rules { deployment: deployment(), parameters: Parameters::development(), releases: Vec::new() };
        let examination = examine(bundle, &rules.evidence(), Depth::Recompute);
        assert!(examination.is_sound(), "{:?}", examination.first_unsound());
        let expectation = expected(&self.descriptor(), ProbeId::Cpu, Market::Development).unwrap();
        let measured = measure(&examination, &expectation);
        Report {
            device: DeviceKind::Cpu.into(),
            outcome: measured.outcome.into(),
            step: examination.failure.as_ref().map(|failure| failure.step).unwrap_or_default().into(),
            detail: "a test".into(),
            x_lower: measured.ratio.lower.into(),
            x_upper: measured.ratio.upper.into(),
            measurement: measured.measurement,
            drawn: examination.drawn,
            wrong: examination.wrong.len() as u32,
            bundle_digest: signing::id(Domain::Bundle, &bundle.encode_to_vec()).to_vec(),
            ..self.unopened(bundle.terms.as_ref().unwrap())
        }
    }

    /// The report of a session that the node never opened.
    pub(super) fn unopened(&self, terms: &Terms) -> Report {
        Report {
            chain_id: CHAIN,
            rentals: deployment().rentals.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report_key: self.report.verifying_key().to_bytes().to_vec(),
            node: self.node.verifying_key().to_bytes().to_vec(),
            rental: signing::rental_id(terms).unwrap().to_vec(),
            terms: Some(terms.clone()),
            offer: self.description().offer,
            note_salt: SALT.to_vec(),
            court: deployment().court.to_vec(),
            probe: Probe::Cpu.into(),
            device: DeviceKind::Cpu.into(),
            outcome: Outcome::Inconclusive.into(),
            step: Step::Open.into(),
            x_lower: 0,
            x_upper: 64,
            start_time: Some(time(NOW - 30)),
            end_time: Some(time(NOW - 5)),
            ..Report::default()
        }
    }
}
