mod closing;
mod publishing;
mod threshold;

use std::sync::Arc;

use gpux_kernels::{evidence::Rules, plan};
use gpux_proto::{
    evidence::{
        Description, Descriptor, Host, LogEntry, NodeAnnounced, Offer, Outcome, Probe, Report, Signed, SignedOffer,
        log_entry::Fact,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;

use super::Epochs;
use crate::{
    audit::fixture::{self, FISHER, entry, market, relay},
    score::Parameters,
    store::{self, BlockFacts, BlockRef, Commit, Settled, Sqlite, Store},
};

/// A store with an announced node and a fisher who weighs in full; reports are accepted and blocks made final as a test likes.
struct Bench {
    store: Arc<Sqlite>,
    _directory: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(directory.path()).await.unwrap());
        let bench = Self { store, _directory: directory };
        bench.announce(1, 0xaa).await;
        let facts = market(&Parameters::development(), FISHER, 90).into_iter().map(entry).collect();
        bench.store.append_entries(facts, Settled::default()).await.unwrap();
        bench
    }

    async fn announce(&self, node: u8, provider: u8) {
        let announced = entry(fixture::announced([node; 32], [provider; 20]));
        self.store.append_entries(vec![announced], Settled::default()).await.unwrap();
    }

    /// Announces a node that offers its CPU until some time.
    async fn offer(&self, node: u8, valid_until: u64) {
        let host = Host { threads: 1, fp64_flops: 1, ..Host::default() };
        let provider = vec![9; 20];
        let descriptor = Descriptor { node: vec![node; 32], provider, host: Some(host), ..Descriptor::default() };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
        let offer = Offer { rate: "5".into(), capacity: 1, valid_until, ..Offer::default() };
        let offer = Some(SignedOffer { offer: Some(offer), ..SignedOffer::default() });
        let description = Some(Description { descriptor: Some(signed), offer, membership: None });
        let fact = Fact::NodeAnnounced(NodeAnnounced { description });
        self.store.append_entries(vec![entry(fact)], Settled::default()).await.unwrap();
    }

    /// Accepts a report about a node's CPU.
    async fn report(&self, node: u8, number: u8, x: u32, epoch: u64) {
        let report = Report {
            node: vec![node; 32],
            probe: Probe::Cpu.into(),
            outcome: Outcome::Pass.into(),
            x_lower: x,
            x_upper: x,
            detail: number.to_string(),
            relay: relay(0).to_vec(),
            ..Report::default()
        };
        let signed = signing::sign(Domain::Report, &report, &SigningKey::from_bytes(&[3; 32]));
        let id = signing::id(Domain::Report, &signed.payload);
        let commit = Commit { report: id, fisher: FISHER, epoch, entry: entry(fixture::committed(id, FISHER)) };
        self.store.accept_commit(commit).await.unwrap();
        let record = store::Report {
            id,
            node: [node; 32],
            fisher: FISHER,
            rental: [number; 32],
            resource: Probe::Cpu as u32,
            epoch,
            due: epoch,
            bundle: None,
            slot: None,
            signed: signed.encode_to_vec(),
            entry: entry(fixture::revealed(id, FISHER, Some(relay(0)), epoch)),
        };
        self.store.accept_report(record).await.unwrap();
    }

    /// Makes a block of this time final.
    async fn finalise(&self, timestamp: u64) -> BlockRef {
        let head = self.store.head().await.unwrap();
        let number = head.map_or(1, |head| head.number + 1);
        let block = BlockRef { number, hash: [number as u8; 32], timestamp };
        let facts = BlockFacts {
            block,
            parent: head.map_or([0; 32], |head| head.hash),
            opened: Vec::new(),
            movements: Vec::new(),
            bonds: Vec::new(),
            cases: vec![],
            entries: vec![(0, entry(fixture::beacon(timestamp / 5)))],
        };
        self.store.apply_block(facts).await.unwrap();
        self.store.finalise(number).await.unwrap();
        block
    }

    async fn epochs(&self) -> Epochs {
        Epochs::restore(self.store.clone(), Parameters::development(), rules()).await.unwrap()
    }

    async fn facts(&self) -> Vec<Fact> {
        let rows = self.store.log_entries(0, 10_000).await.unwrap();
        rows.iter().map(|row| LogEntry::decode(row.bytes.as_slice()).unwrap().fact.unwrap()).collect()
    }
}

/// By which nothing is found here: the reports have no bundles. Real sessions are audited in ingest's tests.
fn rules() -> Rules {
    Rules { market: plan::Market::Development, chain_id: 1, rentals: [0; 20], releases: Vec::new() }
}
