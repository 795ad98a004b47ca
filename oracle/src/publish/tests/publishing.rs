use std::{sync::Arc, time::Duration};

use alloy::{primitives::B256, providers::Provider as _, rpc::types::Filter, sol_types::SolEvent as _};
use gpux_contracts::{Scores, merkle};

use super::Bench;
use crate::{
    chain::tests::market::Market,
    publish::{
        Error, LeafFile, Publisher, ScoresChain,
        chain::{Fees, Inclusion},
        publication,
    },
    store::{Blob, Epoch, EpochState, Store as _},
};

pub(super) struct Stage {
    pub(super) bench: Bench,
    pub(super) market: Market,
    pub(super) chain: ScoresChain,
    pub(super) epoch: u64,
}

impl Stage {
    /// A market whose newest closed epoch is recorded and not published.
    async fn set() -> Self {
        Self::of(Market::start().await).await
    }

    pub(super) async fn of(market: Market) -> Self {
        let bench = Bench::new().await;
        let epoch = market.time().await / 5 - 10;
        bench.report(1, 1, 64, epoch).await;
        let block = bench.finalise((epoch + 1) * 5).await;
        bench.epochs().await.advance(&block).await.unwrap();
        let chain = ScoresChain::new(Market::provider(&market.endpoint()), market.operator.clone(), &market.deployment);
        Self { bench, market, chain, epoch }
    }

    pub(super) fn publisher(&self, stuck_after: Duration) -> Publisher {
        Publisher::new(self.bench.store.clone(), self.chain.clone(), stuck_after)
    }

    pub(super) async fn record(&self) -> Epoch {
        self.bench.store.epoch(self.epoch).await.unwrap().unwrap()
    }

    /// Steps of fresh publishers, as after restarts, until the epoch is confirmed.
    pub(super) async fn finish(&self) {
        for _ in 0..10 {
            self.publisher(Duration::ZERO).step().await.unwrap();
            if self.record().await.state == EpochState::Confirmed {
                return;
            }
            self.market.mine(3).await;
        }
        panic!("epoch {} was never confirmed", self.epoch);
    }

    async fn events(&self) -> Vec<(u64, B256)> {
        let filter = Filter::new()
            .address(self.market.deployment.scores)
            .event_signature(Scores::Published::SIGNATURE_HASH)
            .from_block(0);
        let logs = self.market.provider.get_logs(&filter).await.unwrap();
        let event = |log: &alloy::rpc::types::Log| {
            let event = Scores::Published::decode_log(&log.inner).unwrap();
            (event.epoch, log.transaction_hash.unwrap())
        };
        logs.iter().map(event).collect()
    }

    /// Signs and sends a publication behind the publisher's back, and waits for its block: sent is not mined.
    async fn send(&self, publication: &Scores::Publish) -> B256 {
        let signature = self.chain.sign(publication).unwrap();
        let (nonce, fees) = (self.chain.nonce().await.unwrap(), self.chain.fees().await.unwrap());
        let prepared = self.chain.prepare(publication, &signature, nonce, fees).await.unwrap();
        self.chain.send(&prepared).await.unwrap();
        self.market.mine(1).await;
        prepared.hash
    }
}

#[tokio::test]
async fn a_closed_epoch_comes_on_chain_once_and_its_leaves_verify() {
    let stage = Stage::set().await;
    stage.finish().await;
    stage.publisher(Duration::ZERO).step().await.unwrap();
    let record = stage.record().await;
    let transaction = B256::try_from(record.transaction.as_slice()).unwrap();
    assert_eq!(stage.events().await, [(stage.epoch, transaction)]);

    let file = stage.bench.store.blob(Blob::Leaves, record.data_hash).await.unwrap().unwrap();
    let file = LeafFile::read(&file).unwrap();
    let (leaf, tree) = (file.leaves()[0].clone(), file.tree().unwrap());
    let proof = tree.proof(merkle::leaf_hash(&leaf)).unwrap();
    let scores = Scores::new(stage.market.deployment.scores, &stage.market.provider);
    assert!(scores.verify(leaf.clone(), proof.clone()).call().await.unwrap());
    let better = Scores::Leaf { scoreBps: leaf.scoreBps + 1, ..leaf };
    assert!(!scores.verify(better, proof).call().await.unwrap());
}

#[tokio::test]
async fn a_crash_between_sending_and_recording_costs_no_second_publication() {
    let stage = Stage::set().await;
    let record = stage.record().await;
    let own = publication(&record);
    let signature = stage.chain.sign(&own).unwrap();
    stage
        .bench
        .store
        .advance_epoch(stage.epoch, EpochState::Built, EpochState::Signed, signature.to_vec())
        .await
        .unwrap();
    let sent = stage.send(&own).await;

    stage.finish().await;
    assert_eq!(stage.events().await, [(stage.epoch, sent)]);
    assert_eq!(stage.record().await.transaction, sent.to_vec());
}

#[tokio::test]
async fn a_crash_between_recording_and_sending_only_delays() {
    let stage = Stage::set().await;
    let advance = |from, to, bytes| stage.bench.store.advance_epoch(stage.epoch, from, to, bytes);
    let signature = stage.chain.sign(&publication(&stage.record().await)).unwrap();
    advance(EpochState::Built, EpochState::Signed, signature.to_vec()).await.unwrap();
    advance(EpochState::Signed, EpochState::Sent, vec![9; 32]).await.unwrap();
    stage.finish().await;
    assert_eq!(stage.events().await.len(), 1);
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_by_a_dearer_one() {
    let stage = Stage::set().await;
    stage.market.automine(false).await;
    let mut publisher = stage.publisher(Duration::from_secs(3_600));
    publisher.step().await.unwrap();
    let first = B256::try_from(stage.record().await.transaction.as_slice()).unwrap();
    publisher.step().await.unwrap();
    assert_eq!(stage.record().await.transaction, first.to_vec(), "it is not stuck yet");
    let Fees { most, .. } = stage.chain.fees_of(first).await.unwrap().unwrap();

    stage.publisher(Duration::ZERO).step().await.unwrap();
    let second = B256::try_from(stage.record().await.transaction.as_slice()).unwrap();
    assert_ne!(second, first);
    assert!(stage.chain.fees_of(second).await.unwrap().unwrap().most > most);
    stage.market.mine(3).await;
    assert_eq!(stage.chain.inclusion(first).await.unwrap(), Inclusion::Absent);
    stage.finish().await;
    assert_eq!(stage.events().await, [(stage.epoch, second)]);
}

#[tokio::test]
async fn other_contents_on_chain_stop_the_publisher() {
    let stage = Stage::set().await;
    let other = Scores::Publish { root: B256::repeat_byte(7), ..publication(&stage.record().await) };
    stage.send(&other).await;
    let error = stage.publisher(Duration::ZERO).step().await.unwrap_err();
    assert!(matches!(error, Error::Differs { epoch, .. } if epoch == stage.epoch), "{error}");
    assert_eq!(stage.record().await.state, EpochState::Built, "nothing was signed");
}

#[tokio::test]
async fn an_epoch_older_than_the_chains_is_given_up_and_the_next_goes_on() {
    let stage = Stage::set().await;
    let later = Scores::Publish { epoch: stage.epoch + 1, ..publication(&stage.record().await) };
    stage.send(&later).await;
    stage.publisher(Duration::ZERO).step().await.unwrap();
    let record = stage.record().await;
    assert_eq!((record.state, record.transaction), (EpochState::Confirmed, Vec::new()));

    let next = stage.epoch + 2;
    stage.bench.report(1, 2, 64, next).await;
    let block = stage.bench.finalise((next + 1) * 5).await;
    stage.bench.epochs().await.advance(&block).await.unwrap();
    stage.publisher(Duration::ZERO).step().await.unwrap();
    // Sent is not mined.
    stage.market.mine(1).await;
    let epochs: Vec<_> = stage.events().await.into_iter().map(|(epoch, _)| epoch).collect();
    assert_eq!(epochs, [stage.epoch + 1, next]);
}

#[tokio::test]
async fn foreign_parameters_and_strangers_keys_publish_nothing() {
    let stage = Stage::set().await;
    let stranger = alloy::signers::local::PrivateKeySigner::random();
    let chain = ScoresChain::new(stage.market.provider.clone(), stranger, &stage.market.deployment);
    let store: Arc<crate::store::Sqlite> = stage.bench.store.clone();
    let error = Publisher::new(store, chain, Duration::ZERO).step().await.unwrap_err();
    assert!(matches!(error, Error::NotAnOperator(_)), "{error}");

    let scores = Scores::new(stage.market.deployment.scores, &stage.market.provider);
    scores.setParameters(B256::repeat_byte(1)).send().await.unwrap().get_receipt().await.unwrap();
    let error = stage.publisher(Duration::ZERO).step().await.unwrap_err();
    assert!(matches!(error, Error::Parameters { .. }), "{error}");
    assert!(stage.events().await.is_empty());
    assert_eq!(stage.record().await.state, EpochState::Built);
}
