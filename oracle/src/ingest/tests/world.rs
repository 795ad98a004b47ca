//! A market of one node and one fisher with real signatures and a real session on this machine's CPU.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alloy::primitives::Address;
use gpux_contracts::Deployment;
use gpux_kernels::{
    ProbeId,
    assignment::{Preimages, Schedule},
};
use gpux_proto::{
    evidence::{Report, Terms},
    signing::{self, Domain, SigningKey},
};
use pbjson_types::Timestamp;
use sqlx::Row as _;

use super::keys::Keys;
use crate::{
    ingest::{Clock, Ingest, Rules},
    score::Parameters,
    store::{BlockFacts, BlockRef, BondChange, RentalOpened, Sqlite, Store},
};

pub(super) const CHAIN: u64 = 31_337;
pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const UNTIL: u64 = NOW + 86_400;

pub(super) fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: CHAIN,
        development: true,
        block: 1,
        token: address(0x11),
        access_manager: address(0x12),
        rentals: address(0x13),
        bonds: address(0x14),
        scores: address(0x15),
        court: address(0x16),
        rewards: address(0x17),
        epoch_length_seconds: 5,
    }
}

/// The fisher's hash chain, which begins as soon as one may.
pub(super) fn preimages() -> Preimages {
    Preimages::new(&[7; 32], NOW / 5 + 2, 100)
}

/// A running ingest over a fresh store.
pub(super) struct World {
    pub(super) keys: Keys,
    pub(super) ingest: Ingest,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<AtomicU64>,
    directory: tempfile::TempDir,
}

impl World {
    /// A market in which nothing happened yet.
    pub(super) async fn empty(parameters: Parameters) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory.path()).await.unwrap());
        let clock = Arc::new(AtomicU64::new(NOW));
        let read = clock.clone();
        let rules = Rules { deployment: deployment(), parameters, releases: Vec::new() };
        let ingest = Ingest::new(
            store.clone(),
            rules,
            Clock::of(move || read.load(Ordering::Relaxed)),
            SigningKey::from_bytes(&[9; 32]),
        );
        Self { keys: Keys::new(), ingest, store, clock, directory }
    }

    /// A market with an announced node, a registered and bonded fisher, and its finalised rental.
    pub(super) async fn ready() -> Self {
        let world = Self::empty(Parameters::development()).await;
        world.bond(1_000_000_000).await;
        world.open(&world.keys.terms()).await;
        world.ingest.announce_node(world.keys.description()).await.unwrap();
        world.ingest.register_fisher(world.keys.registration()).await.unwrap();
        world
    }

    pub(super) fn set_clock(&self, now: u64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    /// Makes the schedule that the closing of an epoch gives: the CPUs of these nodes.
    pub(super) fn schedule(&self, closed: u64, mut nodes: [[u8; 32]; 2]) {
        nodes.sort_unstable();
        let mut schedule = Schedule::default();
        nodes.into_iter().for_each(|node| schedule.push(node, [(ProbeId::Cpu, 1_000_000)]).unwrap());
        self.ingest.schedules().keep(closed, schedule);
    }

    /// Finalises an empty block of a later time.
    pub(super) async fn finalise_at(&self, timestamp: u64, hash: u8) {
        self.block(true, |facts| (facts.block.timestamp, facts.block.hash) = (timestamp, [hash; 32])).await;
    }

    /// Gives the fisher a finalised bond.
    pub(super) async fn bond(&self, amount: u128) {
        let fisher = self.keys.fisher.address().into_array();
        self.block(true, |facts| facts.bonds.push(BondChange { log_index: 0, fisher, amount })).await;
    }

    /// Opens a rental in a finalised block.
    pub(super) async fn open(&self, terms: &Terms) {
        self.open_as(terms, |_| {}, true).await;
    }

    /// Opens a rental as the chain might have it otherwise.
    pub(super) async fn open_as(&self, terms: &Terms, change: impl FnOnce(&mut RentalOpened), is_final: bool) {
        let mut opened = opened(terms);
        change(&mut opened);
        self.block(is_final, |facts| facts.opened.push(opened)).await;
    }

    async fn block(&self, is_final: bool, add: impl FnOnce(&mut BlockFacts)) {
        let number = self.store.head().await.unwrap().map_or(1, |head| head.number + 1);
        self.block_at(NOW - 100 + number, add).await;
        if is_final {
            self.store.finalise(number).await.unwrap();
        }
    }

    /// Adds a block of this time that is not final.
    pub(super) async fn block_at(&self, timestamp: u64, add: impl FnOnce(&mut BlockFacts)) -> BlockRef {
        let head = self.store.head().await.unwrap();
        let number = head.map_or(1, |head| head.number + 1);
        let mut facts = BlockFacts {
            block: BlockRef { number, hash: [number as u8; 32], timestamp },
            parent: head.map_or([0; 32], |head| head.hash),
            opened: Vec::new(),
            movements: Vec::new(),
            bonds: Vec::new(),
            cases: vec![],
            entries: Vec::new(),
        };
        add(&mut facts);
        let block = facts.block;
        self.store.apply_block(facts).await.unwrap();
        block
    }

    /// Every row of every table and the name of every file under the data directory's folders.
    pub(super) async fn contents(&self) -> String {
        let mut out = String::new();
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let mut names: Vec<_> = std::fs::read_dir(&path).unwrap().map(|f| f.unwrap().file_name()).collect();
                names.sort();
                out.push_str(&format!("{:?} {names:?}\n", path.file_name()));
            } else if path.extension().is_some_and(|e| e == "db" || e == "sqlite" || e == "sqlite3") {
                out.push_str(&rows(&path).await);
            }
        }
        assert!(out.contains("reports"), "the database was not found");
        out
    }

    /// Commits and submits a report with its bundle.
    pub(super) async fn deliver(
        &self,
        report: &Report,
        bundle: &[u8],
    ) -> Result<super::super::Accepted, super::Refusal> {
        let signed = signing::sign(Domain::Report, report, &self.keys.report);
        self.ingest.commit_report(self.keys.commit(&signed)).await?;
        self.ingest.submit_report(signed, bundle.to_vec()).await
    }
}

/// How the chain has a rental.
pub(super) fn opened(terms: &Terms) -> RentalOpened {
    let offer = terms.offer.as_ref().unwrap();
    RentalOpened {
        log_index: 1,
        transaction: [0x7a; 32],
        rental: signing::rental_id(terms).unwrap(),
        node: offer.node.clone().try_into().unwrap(),
        provider: offer.provider.clone().try_into().unwrap(),
        consumer: terms.consumer.clone().try_into().unwrap(),
        rate: offer.rate.parse().unwrap(),
        deposit: 1_000_000,
        start: NOW - 60,
        note: terms.note.clone().try_into().unwrap(),
    }
}

async fn rows(path: &std::path::Path) -> String {
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true))
        .await
        .unwrap();
    let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let mut out = String::new();
    for table in tables.fetch_all(&pool).await.unwrap() {
        let table: String = table.get(0);
        let columns =
            sqlx::query("SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM pragma_table_info(?)");
        let columns: String = columns.bind(&table).fetch_one(&pool).await.unwrap().get(0);
        let all = sqlx::AssertSqlSafe(format!("SELECT {columns} FROM \"{table}\" ORDER BY 1"));
        for row in sqlx::query(all).fetch_all(&pool).await.unwrap() {
            let row: String = row.get(0);
            out.push_str(&format!("{table}: {row}\n"));
        }
        out.push_str(&format!("{table}\n"));
    }
    pool.close().await;
    out
}

pub(super) fn time(seconds: u64) -> Timestamp {
    Timestamp { seconds: seconds as i64, nanos: 0 }
}
