//! A leader with a chain, an API and a publisher, and a co-operator with his own directory: two of three sign.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::Address, providers::Provider as _, rpc::types::Filter, signers::local::PrivateKeySigner,
    sol_types::SolEvent as _,
};
use gpux_contracts::{Scores, keys};
use gpux_proto::{
    evidence::{Finding, Probe, log_entry::Fact},
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cast::{Cast, revealed};
use crate::{
    api::{self, Api, Health, Metrics, View},
    audit::fixture::{OWNERS, audited, entry},
    chain::{Indexer, Rpc, tests::market::Market},
    countersign::{Ended, Options, run},
    ingest::{Clock, Ingest, Rules},
    publish::{Epochs, Operators, Publisher, ScoresChain},
    score::Parameters,
    store::{Commit, EpochChanges, EpochState, Report, Settled, Sqlite, Store},
};

/// A leader, up to an epoch that is recorded and not published.
struct Site {
    market: Market,
    store: Arc<dyn Store>,
    url: String,
    epoch: u64,
    directory: tempfile::TempDir,
    _stop: DropGuard,
}

impl Site {
    async fn set() -> Self {
        let (market, directory) = (Market::shared().await, tempfile::tempdir().unwrap());
        let cast = Cast::new(market.deployment.clone());
        let parameters = Parameters::development();
        market.bond_of(cast.fisher.address(), parameters.full_weight_bond).await;
        for number in 0..OWNERS {
            market.bond_of(Cast::owner(number).address(), parameters.min_bond).await;
        }
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&directory.path().join("data")).await.unwrap());
        let (url, stop) = served(&market, &store).await;
        let mut site = Self { market, store, url, epoch: 0, directory, _stop: stop.drop_guard() };
        site.epoch = site.measure(&cast).await;
        site
    }

    /// Lets a fisher who weighs in full measure a node; returns the epoch in which it counts.
    async fn measure(&self, cast: &Cast) -> u64 {
        let parameters = Parameters::development();
        let provider = Market::provider(&self.market.endpoint());
        let deployment = self.market.deployment.clone();
        let mut indexer =
            Indexer::new(Rpc::new(provider), self.store.clone(), deployment, parameters.epoch_secs.into());
        let mut epochs =
            Epochs::restore(self.store.clone(), parameters.clone(), self.rules().evidence()).await.unwrap();
        let mut facts = cast.signed();
        for audit in 0..parameters.audits_min {
            let owner = Cast::owner(audit as u8).address().into_array();
            facts.push(audited(cast.fisher.address().into_array(), owner, Finding::Agrees));
        }
        self.pass(&mut indexer).await;
        let entries = facts.into_iter().map(entry).collect();
        self.store.append_entries(entries, Settled::default()).await.unwrap();
        let finalised = self.pass(&mut indexer).await;
        epochs.advance(&finalised).await.unwrap();
        assert!(epochs.closed().is_some(), "the fisher's audits count");
        let epoch = parameters.epoch_at(finalised.timestamp);
        self.report(cast, epoch).await;
        let finalised = self.pass(&mut indexer).await;
        epochs.advance(&finalised).await.unwrap().expect("an epoch with a score closes")
    }

    /// Accepts a report, as ingest would have.
    async fn report(&self, cast: &Cast, epoch: u64) {
        let report = cast.report(1, 60);
        let signed = cast.sign(&report);
        let id = signing::id(Domain::Report, &signed.payload);
        let fisher = cast.fisher.address().into_array();
        let committed = entry(Fact::ReportCommitted(cast.committed(&signed)));
        self.store.accept_commit(Commit { report: id, fisher, epoch, entry: committed }).await.unwrap();
        let record = Report {
            id,
            node: report.node.clone().try_into().unwrap(),
            fisher,
            rental: report.rental.clone().try_into().unwrap(),
            resource: Probe::Cpu as u32,
            epoch,
            due: epoch,
            bundle: None,
            slot: None,
            signed: signed.encode_to_vec(),
            entry: entry(Fact::ReportRevealed(revealed(&report, &signed, epoch))),
        };
        self.store.accept_report(record).await.unwrap();
    }

    /// Lets an epoch pass on the chain and indexes it; returns the newest final block.
    async fn pass(&self, indexer: &mut Indexer) -> crate::store::BlockRef {
        self.market.pass(6).await;
        self.market.mine(3).await;
        loop {
            let progress = indexer.step().await.unwrap();
            if progress.caught_up {
                return progress.finalised.unwrap();
            }
        }
    }

    fn rules(&self) -> Rules {
        rules(&self.market)
    }

    /// A co-operator with this key and directory looks once.
    async fn countersign(&self, key: &PrivateKeySigner, name: &str) -> anyhow::Result<Ended> {
        let path = self.directory.path();
        let operator_key_file = path.join(format!("{name}.key"));
        if !operator_key_file.exists() {
            keys::create(&operator_key_file, &key.to_bytes().0).unwrap();
        }
        let options = Options {
            of: self.url.clone(),
            data: path.join(name),
            rpc: self.market.endpoint(),
            deployment: self.market.deployment.write(path).unwrap(),
            operator_key_file,
            operator_password_file: None,
            once: true,
        };
        run(options, CancellationToken::new()).await
    }

    /// The leader's publisher takes a step.
    async fn publish(&self) -> usize {
        let provider = Market::provider(&self.market.endpoint());
        let scores = ScoresChain::new(provider, self.market.operator.clone(), &self.market.deployment);
        let progress = Publisher::new(self.store.clone(), scores, Duration::ZERO).step().await.unwrap();
        self.market.mine(1).await;
        progress.missing
    }

    async fn published(&self) -> Vec<(u64, Vec<Address>)> {
        let filter = Filter::new()
            .address(self.market.deployment.scores)
            .event_signature(Scores::Published::SIGNATURE_HASH)
            .from_block(0);
        let logs = self.market.provider.get_logs(&filter).await.unwrap();
        let event = |log: &alloy::rpc::types::Log| {
            let event = Scores::Published::decode_log(&log.inner).unwrap().data;
            (event.epoch, event.signers)
        };
        logs.iter().map(event).collect()
    }
}

fn rules(market: &Market) -> Rules {
    Rules { deployment: market.deployment.clone(), parameters: Parameters::development(), releases: Vec::new() }
}

/// The leader's API, with reports that stay sealed.
async fn served(market: &Market, store: &Arc<dyn Store>) -> (String, CancellationToken) {
    let operators = Operators::on_chain(Market::provider(&market.endpoint()), market.deployment.scores);
    let ingest = Ingest::new(store.clone(), rules(market), Clock::system(), SigningKey::from_bytes(&[9; 32]));
    let view = View {
        market: crate::score::Market::Development,
        deployment: market.deployment.clone(),
        epoch_secs: 5,
        sealed_epochs: 9,
        operators: operators.clone(),
    };
    let api = Api::new(store.clone(), ingest.with_operators(operators), view, Health::new(), Metrics::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(api::serve(api, listener, api::Limits::default(), stop.clone()));
    (url, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_operators_publish_what_both_computed() {
    let site = Site::set().await;
    assert_eq!(site.publish().await, 1);
    assert!(site.published().await.is_empty(), "one signature publishes nothing");

    let stranger = PrivateKeySigner::random();
    let refused = site.countersign(&stranger, "stranger").await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("no operator") || format!("{refused:#}").contains("not an operator"),
        "{refused:#}"
    );
    assert_eq!(site.store.countersignatures(site.epoch).await.unwrap().len(), 1);

    let second = &site.market.others[0];
    assert_eq!(site.countersign(second, "second").await.unwrap(), Ended::Well);
    // Again, after a restart: nothing is signed twice.
    assert_eq!(site.countersign(second, "second").await.unwrap(), Ended::Well);
    assert_eq!(site.store.countersignatures(site.epoch).await.unwrap().len(), 2);
    assert_eq!(site.publish().await, 0);
    let mut signers = vec![site.market.operator.address(), second.address()];
    signers.sort();
    assert_eq!(site.published().await, [(site.epoch, signers)]);
    site.market.mine(3).await;
    site.publish().await;
    let state = site.store.epoch(site.epoch).await.unwrap().unwrap().state;
    assert_eq!(state, EpochState::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_who_records_something_else_than_his_log_gives_publishes_nothing() {
    let site = Site::set().await;
    let mut lie = site.store.epoch(site.epoch).await.unwrap().unwrap();
    (lie.epoch, lie.root) = (site.epoch + 1, [7; 32]);
    // He closes another epoch, and publishes better scores than the log gives.
    let closing = gpux_proto::evidence::EpochClosed { epoch: lie.epoch, timestamp: 1 };
    let appended =
        site.store.append_entries(vec![entry(Fact::EpochClosed(closing))], Settled::default()).await.unwrap();
    (lie.log_size, lie.log_root) = (appended.size, appended.root);
    site.store.save_epoch(lie, EpochChanges::default()).await.unwrap();
    // By the chain that epoch has not ended: he is waited for, and what is right before is signed.
    let waits = site.countersign(&site.market.others[1], "third").await.unwrap_err();
    assert!(format!("{waits:#}").contains("has not ended on it"), "{waits:#}");
    assert_eq!(site.store.countersignatures(site.epoch).await.unwrap().len(), 1);
    assert!(site.store.countersignatures(site.epoch + 1).await.unwrap().is_empty());
    // By another block than the chain's he is refused.
    site.market.pass(6).await;
    site.market.mine(3).await;
    assert_eq!(site.countersign(&site.market.others[1], "third").await.unwrap(), Ended::Refused);
    assert!(site.store.countersignatures(site.epoch + 1).await.unwrap().is_empty());
}
