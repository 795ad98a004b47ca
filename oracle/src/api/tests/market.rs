//! An oracle on a temporary store with nodes, reports and a published epoch, and clients of both protocols.

use std::{net::SocketAddr, sync::Arc};

use alloy::{
    primitives::{Address, B256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_contracts::Deployment;
use gpux_proto::{
    evidence::{
        Description, Descriptor, DeviceKind, Gpu, Measurement, Offer, Outcome, Probe, Registration, RelayRegistration,
        Report, Signed, SignedOffer, Step, Window,
    },
    signing::{self, Domain, SigningKey},
};
use pbjson_types::Timestamp;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;

use super::request::{Answer, request};
use crate::{
    api::{Api, Health, Limits, Metrics, View, serve, serve_admin},
    ingest::{Clock, Ingest, Rules},
    publish::{LeafFile, Operators, data_hash},
    reward::RewardFile,
    schedule::Schedules,
    score::{self, Estimate, NodeId, NodeScore, Parameters, ResourceId, ResourceScore, Verdict},
    store::{self, Blob, BlockFacts, BlockRef, BondChange, EpochState, RentalOpened, Sqlite, Store},
};

/// The time of every test, in seconds since 1970.
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const FISHER: [u8; 20] = [0xf1; 20];

/// An oracle that runs until it is dropped.
pub(super) struct Market {
    pub(super) store: Arc<dyn Store>,
    pub(super) address: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) health: Health,
    pub(super) schedules: Schedules,
    _directory: tempfile::TempDir,
    _stop: DropGuard,
}

impl Market {
    pub(super) async fn open() -> Self {
        Self::sealing(0).await
    }

    /// A market whose reports stay sealed for so many epochs.
    pub(super) async fn sealing(sealed_epochs: u64) -> Self {
        Self::with(sealed_epochs, Limits::default()).await
    }

    pub(super) async fn with(sealed_epochs: u64, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory.path()).await.unwrap());
        let deployment = deployment();
        let rules =
            Rules { deployment: deployment.clone(), parameters: Parameters::development(), releases: Vec::new() };
        let key = SigningKey::from_bytes(&[9; 32]);
        let operators = Operators::fixed([1, 2, 3].map(|number| operator(number).address()).to_vec(), 2);
        let ingest = Ingest::new(store.clone(), rules, Clock::of(|| NOW), key).with_operators(operators.clone());
        let schedules = ingest.schedules().clone();
        let view = View { market: score::Market::Development, deployment, epoch_secs: 5, sealed_epochs, operators };
        let health = Health::new();
        health.set_chain(true);
        let api = Api::new(store.clone(), ingest, view, health.clone(), Metrics::new());
        let (public, admin) = (listener().await, listener().await);
        let (address, admin_address) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(serve(api.clone(), public, limits, stop.clone()));
        tokio::spawn(serve_admin(api, admin, stop.clone()));
        let (admin, _stop) = (admin_address, stop.drop_guard());
        Self { store, address, admin, health, schedules, _directory: directory, _stop }
    }

    pub(super) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        request(self.address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), &[]).await
    }

    pub(super) async fn post(&self, path: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        request(self.address, &head, body).await
    }

    /// Holds a node without checking its signatures, as ingest has done before.
    pub(super) async fn hold_node(&self, node: [u8; 32], gpu: &str) {
        let descriptor = Descriptor {
            node: node.to_vec(),
            endpoint: "http://203.0.113.7:7000".into(),
            provider: vec![0xaa; 20],
            gpus: vec![Gpu { model: gpu.into(), count: 1 }],
            sequence: 1,
            ..Descriptor::default()
        };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![1; 64] };
        let description = Description { descriptor: Some(signed), ..Description::default() };
        let record = store::Node {
            node,
            provider: [0xaa; 20],
            organisation: None,
            model: Some(gpu.into()),
            descriptor_digest: [2; 32],
            sequence: 1,
            offer_until: NOW + 1_000,
            description: description.encode_to_vec(),
            seen: NOW,
            entry: node.to_vec(),
        };
        self.store.announce_node(record).await.unwrap();
    }

    /// Holds a report; `number` tells it and its rental apart. Returns its id.
    pub(super) async fn hold_report(&self, number: u32, report: &Report) -> [u8; 32] {
        let payload = report.encode_to_vec();
        let id = signing::id(Domain::Report, &payload);
        let mut rental = [0; 32];
        rental[..4].copy_from_slice(&number.to_be_bytes());
        let commit = store::Commit { report: id, fisher: FISHER, epoch: 4, entry: [id.as_slice(), b"c"].concat() };
        self.store.accept_commit(commit).await.unwrap();
        let bundle = signing::id(Domain::Bundle, &number.to_be_bytes());
        self.store.put_blob(Blob::Bundle, bundle, number.to_be_bytes().to_vec()).await.unwrap();
        let record = store::Report {
            id,
            node: report.node.clone().try_into().unwrap(),
            fisher: FISHER,
            rental,
            resource: report.probe.try_into().unwrap(),
            epoch: 4,
            due: 4,
            bundle: Some(bundle),
            slot: None,
            signed: Signed { payload, signature: vec![1; 64] }.encode_to_vec(),
            entry: [id.as_slice(), b"r"].concat(),
        };
        self.store.accept_report(record).await.unwrap();
        id
    }

    /// Marks a report as folded, and as one that weighs something.
    pub(super) async fn fold(&self, id: [u8; 32], weighs: bool) {
        self.store
            .append_entries(
                vec![[id.as_slice(), b"f"].concat()],
                store::Settled {
                    folded: vec![id],
                    weighed: if weighs { vec![id] } else { vec![] },
                    ..store::Settled::default()
                },
            )
            .await
            .unwrap();
    }

    /// Holds an epoch with these scores, on chain.
    pub(super) async fn publish(&self, epoch: u64, scores: Vec<NodeScore>) {
        self.publish_with(epoch, scores, &[]).await;
    }

    /// The same, with what fishers earned.
    pub(super) async fn publish_with(&self, epoch: u64, scores: Vec<NodeScore>, rewards: &[store::RewardUpdate]) {
        let provider = [0xaa; 20];
        let file = LeafFile::of_scores(epoch, scores.iter().map(|of| (of.clone(), Address::from(provider))));
        let bytes = file.bytes();
        let data_hash = data_hash(&bytes).0;
        self.store.put_blob(Blob::Leaves, data_hash, bytes).await.unwrap();
        let (log_size, log_root) = self.store.log_head().await.unwrap();
        let claims = RewardFile::of(rewards.iter().map(|of| (of.fisher.into(), of.account.earned)));
        self.store.put_blob(Blob::Rewards, claims.root().0, claims.bytes()).await.unwrap();
        let record = store::Epoch {
            log_size,
            log_root,
            root: file.tree().unwrap().root().0,
            rewards_root: claims.root().0,
            data_hash,
            leaves: scores.len() as u64,
            ..self::epoch(epoch)
        };
        let updates = scores.into_iter().map(|score| store::ScoreUpdate { provider, score }).collect();
        let changes = store::EpochChanges { scores: updates, rewards: rewards.to_vec(), power: vec![] };
        self.store.save_epoch(record, changes).await.unwrap();
        for (from, to) in [
            (EpochState::Built, EpochState::Signed),
            (EpochState::Signed, EpochState::Sent),
            (EpochState::Sent, EpochState::Confirmed),
        ] {
            self.store.advance_epoch(epoch, from, to, vec![0x7e; 32]).await.unwrap();
        }
    }

    /// Finalises a block in which `consumers` rent a node and a fisher has a bond.
    pub(super) async fn finalise(&self, node: [u8; 32], consumers: &[u8], fisher: [u8; 20], bond: u128) {
        let opened = consumers.iter().zip(0_u32..).map(|(consumer, log_index)| RentalOpened {
            log_index,
            transaction: [0xd0 + *consumer; 32],
            rental: [0xc0 + *consumer; 32],
            node,
            provider: [0xaa; 20],
            consumer: [*consumer; 20],
            rate: 5,
            deposit: 1_000,
            start: NOW - 100,
            note: [3; 32],
        });
        let block = BlockRef { number: 1, hash: [1; 32], timestamp: NOW - 60 };
        let facts = BlockFacts {
            block,
            parent: [0; 32],
            opened: opened.collect(),
            movements: Vec::new(),
            bonds: vec![BondChange { log_index: 100, fisher, amount: bond }],
            cases: vec![],
            entries: Vec::new(),
        };
        self.store.apply_block(facts).await.unwrap();
        self.store.finalise(1).await.unwrap();
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// One of three operators, of whom two must sign.
pub(super) fn operator(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(0x60 + number)).unwrap()
}

pub(super) fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: address(3),
        bonds: address(4),
        scores: address(5),
        court: address(6),
        rewards: address(7),
        epoch_length_seconds: 5,
    }
}

pub(super) fn pass(node: [u8; 32], probe: Probe, number: u32, share: (u32, u64, u64)) -> Report {
    let (x, measured, expected) = share;
    let memory = probe == Probe::Vram;
    Report {
        node: node.to_vec(),
        probe: probe.into(),
        device: DeviceKind::Simulated.into(),
        outcome: Outcome::Pass.into(),
        x_lower: x,
        x_upper: x,
        drawn: 24,
        measurement: Some(Measurement {
            rate: if memory { 1 } else { measured },
            bytes: if memory { measured } else { 0 },
            expected_rate: if memory { 1 } else { expected },
            expected_bytes: if memory { expected } else { 0 },
            calibrated: false,
            windows: vec![Window { duration_us: 500_000, rounds: 9, round_trips: 14 }],
        }),
        start_time: Some(Timestamp { seconds: NOW.cast_signed() - 90, nanos: 0 }),
        end_time: Some(Timestamp { seconds: NOW.cast_signed() - 80 + i64::from(number), nanos: 0 }),
        ..Report::default()
    }
}

pub(super) fn skipped(node: [u8; 32], number: u32) -> Report {
    Report {
        outcome: Outcome::Fail.into(),
        step: Step::Verify.into(),
        x_lower: 0,
        x_upper: 0,
        wrong: 11,
        ..pass(node, Probe::Imma, number, (64, 9, 9))
    }
}

pub(super) fn node_score(node: [u8; 32], low_bps: u16) -> NodeScore {
    let estimate = Estimate { low_bps, score_bps: low_bps + 100, high_bps: low_bps + 500 };
    NodeScore {
        node: NodeId(node),
        estimate,
        verdict: Verdict::Unknown,
        probes: 3,
        last_epoch: 4,
        resources: vec![ResourceScore { resource: ResourceId(1), estimate, probes: 3, last_epoch: 4 }],
    }
}

/// A built epoch about nothing.
pub(super) fn epoch(epoch: u64) -> store::Epoch {
    let (log_size, leaves, state, parameters) = (0, 0, EpochState::Built, Parameters::development().digest());
    let (log_root, root, rewards_root, data_hash, transaction, signatures) = Default::default();
    #[rustfmt::skip]
    let built = store::Epoch {
        epoch, log_size, log_root, root, rewards_root, parameters, data_hash, leaves, state, transaction, signatures,
    };
    built
}

/// A description that is signed by everybody who has to.
pub(super) fn description(sequence: u64) -> Description {
    let (key, provider) =
        (SigningKey::from_bytes(&[5; 32]), PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap());
    let node = key.verifying_key().to_bytes().to_vec();
    let descriptor = Descriptor {
        node: node.clone(),
        endpoint: "http://203.0.113.7:7000".into(),
        provider: provider.address().to_vec(),
        gpus: vec![Gpu { model: "GeForce RTX 3090".into(), count: 1 }],
        sequence,
        issue_time: Some(Timestamp { seconds: NOW.cast_signed(), nanos: 0 }),
        ..Descriptor::default()
    };
    let descriptor = signing::sign(Domain::Descriptor, &descriptor, &key);
    let offer = Offer {
        chain_id: 31_337,
        rentals: deployment().rentals.to_vec(),
        node,
        provider: provider.address().to_vec(),
        descriptor_digest: signing::id(Domain::Descriptor, &descriptor.payload).to_vec(),
        rate: "100".into(),
        capacity: 1,
        valid_until: NOW + 3_600,
    };
    let digest = signing::offer_digest(&offer).unwrap();
    let offer = SignedOffer {
        offer: Some(offer),
        node_signature: signing::sign_id(&digest, &key).to_vec(),
        provider_signature: ecdsa(&provider, digest),
    };
    Description { descriptor: Some(descriptor), offer: Some(offer), membership: None }
}

pub(super) fn fisher() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(8)).unwrap()
}

pub(super) fn report_key() -> SigningKey {
    SigningKey::from_bytes(&[6; 32])
}

pub(super) fn registration() -> Registration {
    let mut registration = Registration {
        chain_id: 31_337,
        bonds: deployment().bonds.to_vec(),
        fisher: fisher().address().to_vec(),
        report_key: report_key().verifying_key().to_bytes().to_vec(),
        valid_until: NOW + 3_600,
        fisher_signature: Vec::new(),
        chain: vec![0; 32],
        chain_epoch: NOW / 5 + 2,
    };
    registration.fisher_signature = ecdsa(&fisher(), signing::registration_digest(&registration).unwrap());
    registration
}

pub(super) fn relay_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A relay that the fisher's account owns.
pub(super) fn relay_registration() -> RelayRegistration {
    let mut registration = RelayRegistration {
        chain_id: 31_337,
        bonds: deployment().bonds.to_vec(),
        owner: fisher().address().to_vec(),
        relay: relay_key().verifying_key().to_bytes().to_vec(),
        endpoint: "http://203.0.113.9:7443".into(),
        valid_until: NOW + 3_600,
        owner_signature: Vec::new(),
    };
    registration.owner_signature = ecdsa(&fisher(), signing::relay_digest(&registration).unwrap());
    registration
}

fn ecdsa(key: &PrivateKeySigner, digest: [u8; 32]) -> Vec<u8> {
    key.sign_hash_sync(&B256::from(digest)).unwrap().as_bytes().to_vec()
}
