mod closing;
mod publishing;

use std::sync::Arc;

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
    score::Parameters,
    store::{self, BlockFacts, BlockRef, Commit, Sqlite, Store},
};

/// A store with an announced node; reports are accepted and blocks made final as a test likes.
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
        bench
    }

    async fn announce(&self, node: u8, provider: u8) {
        let descriptor = Descriptor { node: vec![node; 32], provider: vec![provider; 20], ..Descriptor::default() };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
        let description = Description { descriptor: Some(signed), ..Description::default() };
        let fact = Fact::NodeAnnounced(NodeAnnounced { description: Some(description) });
        self.store.append_entries(vec![LogEntry { fact: Some(fact) }.encode_to_vec()], Vec::new()).await.unwrap();
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
        self.store.append_entries(vec![LogEntry { fact: Some(fact) }.encode_to_vec()], Vec::new()).await.unwrap();
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
            ..Report::default()
        };
        let signed = signing::sign(Domain::Report, &report, &SigningKey::from_bytes(&[3; 32]));
        let id = signing::id(Domain::Report, &signed.payload);
        let fisher = [7; 20];
        // The fold reads every entry: these two kinds it only has to know.
        let committed = LogEntry { fact: Some(Fact::ReportCommitted(Default::default())) }.encode_to_vec();
        let revealed = LogEntry { fact: Some(Fact::ReportRevealed(Default::default())) }.encode_to_vec();
        let commit = Commit { report: id, fisher, epoch, weight: 64, entry: committed };
        self.store.accept_commit(commit).await.unwrap();
        let record = store::Report {
            id,
            node: [node; 32],
            fisher,
            rental: [number; 32],
            resource: Probe::Cpu as u32,
            epoch,
            due: epoch,
            bundle: None,
            slot: None,
            signed: signed.encode_to_vec(),
            entry: revealed,
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
            entries: Vec::new(),
        };
        self.store.apply_block(facts).await.unwrap();
        self.store.finalise(number).await.unwrap();
        block
    }

    async fn epochs(&self) -> Epochs {
        Epochs::restore(self.store.clone(), Parameters::development()).await.unwrap()
    }

    async fn facts(&self) -> Vec<Fact> {
        let rows = self.store.log_entries(0, 10_000).await.unwrap();
        rows.iter().map(|row| LogEntry::decode(row.bytes.as_slice()).unwrap().fact.unwrap()).collect()
    }
}
