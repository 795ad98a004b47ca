//! Everybody whose signature stands in a log, for one deployment.

use alloy::{
    primitives::B256,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_contracts::Deployment;
use gpux_proto::{
    evidence::{
        Assignment, Commit, Description, Descriptor, DeviceKind, FisherRegistered, Host, NodeAnnounced, Offer, Outcome,
        Probe, Registration, RelayRegistered, RelayRegistration, Report, ReportCommitted, ReportFolded, ReportRevealed,
        Signed, SignedOffer, log_entry::Fact,
    },
    signing::{self, Domain, SigningKey},
};
use pbjson_types::Timestamp;

use crate::audit::fixture::OWNERS;

/// A time after everything here, in seconds since 1970.
const UNTIL: u64 = 4_000_000_000;

/// The keys.
pub(super) struct Cast {
    pub(super) deployment: Deployment,
    pub(super) fisher: PrivateKeySigner,
    pub(super) stranger: PrivateKeySigner,
    report_key: SigningKey,
    node: SigningKey,
    provider: PrivateKeySigner,
}

fn ecdsa(key: &PrivateKeySigner, digest: [u8; 32]) -> Vec<u8> {
    key.sign_hash_sync(&B256::from(digest)).unwrap().as_bytes().to_vec()
}

fn key(byte: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap()
}

impl Cast {
    pub(super) fn new(deployment: Deployment) -> Self {
        Self {
            deployment,
            fisher: key(0x21),
            stranger: key(0x22),
            report_key: SigningKey::from_bytes(&[0x23; 32]),
            node: SigningKey::from_bytes(&[0x24; 32]),
            provider: key(0x25),
        }
    }

    /// An owner of a relay, from 0 to `OWNERS`.
    pub(super) fn owner(number: u8) -> PrivateKeySigner {
        key(0x31 + number % OWNERS)
    }

    pub(super) fn relay(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[0x41 + number % OWNERS; 32])
    }

    /// The node's description, signed by the node and its provider.
    pub(super) fn announced(&self) -> NodeAnnounced {
        let node = self.node.verifying_key().to_bytes().to_vec();
        let descriptor = Descriptor {
            node: node.clone(),
            endpoint: "http://203.0.113.7:7000".into(),
            provider: self.provider.address().to_vec(),
            host: Some(Host { threads: 1, fp64_flops: 1_000_000, ..Host::default() }),
            sequence: 1,
            issue_time: Some(Timestamp { seconds: 1, nanos: 0 }),
            ..Descriptor::default()
        };
        let descriptor = signing::sign(Domain::Descriptor, &descriptor, &self.node);
        let offer = Offer {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            node,
            provider: self.provider.address().to_vec(),
            descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
            rate: "5".into(),
            capacity: 1,
            valid_until: UNTIL,
        };
        let digest = signing::offer_digest(&offer).unwrap();
        let offer = SignedOffer {
            offer: Some(offer),
            node_signature: signing::sign_id(&digest, &self.node).to_vec(),
            provider_signature: ecdsa(&self.provider, digest),
        };
        let description = Description { descriptor: Some(descriptor), offer: Some(offer), membership: None };
        NodeAnnounced { description: Some(description) }
    }

    /// The fisher's binding of his report key, signed by somebody.
    pub(super) fn registered_by(&self, signer: &PrivateKeySigner) -> FisherRegistered {
        let mut registration = Registration {
            chain_id: self.deployment.chain_id,
            bonds: self.deployment.bonds.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report_key: self.report_key.verifying_key().to_bytes().to_vec(),
            valid_until: UNTIL,
            fisher_signature: Vec::new(),
            chain: vec![1; 32],
            chain_epoch: 9,
        };
        registration.fisher_signature = ecdsa(signer, signing::registration_digest(&registration).unwrap());
        FisherRegistered { registration: Some(registration) }
    }

    /// An owner's binding of his relay, signed by somebody.
    pub(super) fn relay_by(&self, number: u8, signer: &PrivateKeySigner) -> RelayRegistered {
        let mut registration = RelayRegistration {
            chain_id: self.deployment.chain_id,
            bonds: self.deployment.bonds.to_vec(),
            owner: Self::owner(number).address().to_vec(),
            relay: Self::relay(number).verifying_key().to_bytes().to_vec(),
            endpoint: format!("http://203.0.113.{number}:7443"),
            valid_until: UNTIL,
            owner_signature: Vec::new(),
        };
        registration.owner_signature = ecdsa(signer, signing::relay_digest(&registration).unwrap());
        RelayRegistered { registration: Some(registration) }
    }

    /// Everything that is signed before the first report.
    pub(super) fn signed(&self) -> Vec<Fact> {
        let relays = (0..OWNERS).map(|number| Fact::RelayRegistered(self.relay_by(number, &Self::owner(number))));
        let first = [Fact::NodeAnnounced(self.announced()), Fact::FisherRegistered(self.registered_by(&self.fisher))];
        first.into_iter().chain(relays).collect()
    }

    /// A report about the node's CPU through the first owner's relay; `number` tells its rental apart.
    pub(super) fn report(&self, number: u64, x: u32) -> Report {
        Report {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report_key: self.report_key.verifying_key().to_bytes().to_vec(),
            node: self.node.verifying_key().to_bytes().to_vec(),
            rental: signing::id(Domain::Secret, &number.to_be_bytes()).to_vec(),
            probe: Probe::Cpu.into(),
            device: DeviceKind::Cpu.into(),
            outcome: Outcome::Pass.into(),
            x_lower: x,
            x_upper: x,
            bundle_digest: signing::id(Domain::Bundle, &number.to_be_bytes()).to_vec(),
            start_time: Some(Timestamp { seconds: 1, nanos: 0 }),
            end_time: Some(Timestamp { seconds: 2, nanos: 0 }),
            relay: Self::relay(0).verifying_key().to_bytes().to_vec(),
            assignment: Some(Assignment::default()),
            ..Report::default()
        }
    }

    pub(super) fn sign(&self, report: &Report) -> Signed {
        signing::sign(Domain::Report, report, &self.report_key)
    }

    pub(super) fn committed(&self, signed: &Signed) -> ReportCommitted {
        self.committed_by(signed, &self.report_key)
    }

    pub(super) fn committed_by(&self, signed: &Signed, key: &SigningKey) -> ReportCommitted {
        let commit = Commit {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            fisher: self.fisher.address().to_vec(),
            report: signing::id(Domain::Report, &signed.payload).to_vec(),
        };
        ReportCommitted { commit: Some(signing::sign(Domain::Commit, &commit, key)) }
    }
}

/// What the log says of a report when it is revealed.
pub(super) fn revealed(report: &Report, signed: &Signed, epoch: u64) -> ReportRevealed {
    ReportRevealed {
        report: signing::id(Domain::Report, &signed.payload).to_vec(),
        bundle_digest: report.bundle_digest.clone(),
        relay: report.relay.clone(),
        fisher: report.fisher.clone(),
        epoch,
        assigned: true,
    }
}

/// What is folded of it, with full weight.
pub(super) fn folded(report: &Report, signed: &Signed, epoch: u64) -> ReportFolded {
    ReportFolded {
        node: report.node.clone(),
        resource: report.probe,
        x_lower: report.x_lower,
        x_upper: report.x_upper,
        weight: 64,
        epoch,
        report: signing::id(Domain::Report, &signed.payload).to_vec(),
        inconclusive: report.outcome() == Outcome::Inconclusive,
        refuted: false,
    }
}
