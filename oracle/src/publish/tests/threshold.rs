//! Epochs that two of three operators sign.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256},
    providers::Provider as _,
    rpc::types::Filter,
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol_types::SolEvent as _,
};
use gpux_contracts::{Scores, publish_digest};

use super::publishing::Stage;
use crate::{
    chain::tests::market::Market,
    publish::{Progress, publication},
    store::{Countersignature, Epoch, EpochChanges, EpochState, Store as _},
};

impl Stage {
    async fn shared() -> Self {
        Self::of(Market::shared().await).await
    }

    /// What somebody signs of an epoch.
    fn signature(&self, key: &PrivateKeySigner, epoch: &Epoch) -> Countersignature {
        let deployment = &self.market.deployment;
        let digest = publish_digest(&publication(epoch), deployment.chain_id, deployment.scores);
        let signature = key.sign_hash_sync(&digest).unwrap().as_bytes();
        Countersignature { epoch: epoch.epoch, operator: key.address().into_array(), signature }
    }

    async fn signed_by(&self, key: &PrivateKeySigner, epoch: &Epoch) {
        self.bench.store.countersign(self.signature(key, epoch)).await.unwrap();
    }

    /// Each publication with its signers.
    async fn signers(&self) -> Vec<(u64, Vec<Address>)> {
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

    /// Closes an epoch after the first one.
    async fn close_later(&self, number: u8) -> Epoch {
        let epoch = self.epoch + u64::from(number);
        self.bench.report(1, 100 + number, 64, epoch).await;
        let block = self.bench.finalise((epoch + 1) * 5).await;
        self.bench.epochs().await.advance(&block).await.unwrap();
        self.bench.store.epoch(epoch).await.unwrap().unwrap()
    }

    async fn set_operators(&self, added: Vec<Address>, removed: Vec<Address>, threshold: u8) {
        let scores = Scores::new(self.market.deployment.scores, &self.market.provider);
        let call = scores.setOperators(added, removed, threshold);
        assert!(call.send().await.unwrap().get_receipt().await.unwrap().status());
    }

    async fn step(&self) -> Progress {
        self.publisher(Duration::ZERO).step().await.unwrap()
    }
}

fn sorted<const N: usize>(keys: [&PrivateKeySigner; N]) -> Vec<Address> {
    let mut accounts = keys.map(PrivateKeySigner::address);
    accounts.sort();
    accounts.to_vec()
}

#[tokio::test]
async fn an_epoch_waits_for_its_signatures_and_goes_with_exactly_as_many() {
    let stage = Stage::shared().await;
    let waits = Progress { confirmed: 0, waiting: true, missing: 1 };
    for _ in 0..3 {
        assert_eq!(stage.step().await, waits);
    }
    let record = stage.record().await;
    assert_eq!((record.state, record.signatures.len()), (EpochState::Built, 0));
    let own = stage.signature(&stage.market.operator, &record);
    assert_eq!(stage.bench.store.countersignatures(stage.epoch).await.unwrap(), [own], "its own is held, once");

    for other in &stage.market.others {
        stage.signed_by(other, &record).await;
    }
    stage.finish().await;
    let [first, second] = &stage.market.others;
    let chosen = sorted([&stage.market.operator, first, second])[..2].to_vec();
    assert_eq!(stage.signers().await, [(stage.epoch, chosen)]);
}

#[tokio::test]
async fn one_other_signature_is_enough() {
    let stage = Stage::shared().await;
    let other = &stage.market.others[1];
    stage.signed_by(other, &stage.record().await).await;
    stage.finish().await;
    assert_eq!(stage.signers().await, [(stage.epoch, sorted([&stage.market.operator, other]))]);
}

#[tokio::test]
async fn strangers_and_operators_who_were_removed_do_not_count() {
    let stage = Stage::shared().await;
    let record = stage.record().await;
    stage.signed_by(&PrivateKeySigner::random(), &record).await;
    let [first, second] = &stage.market.others;
    stage.signed_by(first, &record).await;
    stage.set_operators(vec![Address::repeat_byte(9)], vec![first.address()], 2).await;
    assert_eq!(stage.step().await.missing, 1);
    assert_eq!(stage.record().await.state, EpochState::Built);
    stage.signed_by(second, &record).await;
    stage.finish().await;
    assert_eq!(stage.signers().await, [(stage.epoch, sorted([&stage.market.operator, second]))]);
}

#[tokio::test]
async fn a_signature_over_other_contents_is_never_sent() {
    let stage = Stage::shared().await;
    let record = stage.record().await;
    let other = Epoch { root: [7; 32], ..record.clone() };
    // As if the store were damaged: what is taken in is checked before.
    stage.signed_by(&stage.market.others[0], &other).await;
    let error = stage.publisher(Duration::ZERO).step().await.unwrap_err();
    assert!(error.to_string().contains("eth_estimateGas"), "{error}");
    assert!(stage.signers().await.is_empty());
}

#[tokio::test]
async fn a_crash_after_the_choice_costs_no_second_publication() {
    let stage = Stage::shared().await;
    let (record, other) = (stage.record().await, &stage.market.others[0]);
    stage.signed_by(other, &record).await;
    let mut chosen = [stage.signature(&stage.market.operator, &record), stage.signature(other, &record)];
    chosen.sort_by_key(|signature| signature.operator);
    let chosen: Vec<u8> = chosen.iter().flat_map(|signature| signature.signature).collect();
    stage.bench.store.choose_signatures(stage.epoch, chosen.clone()).await.unwrap();
    stage.finish().await;
    assert_eq!(stage.signers().await.len(), 1);
    assert_eq!(stage.record().await.signatures, chosen);
}

#[tokio::test]
async fn a_dearer_transaction_has_the_same_signatures_until_one_of_them_is_void() {
    let stage = Stage::shared().await;
    stage.market.automine(false).await;
    let record = stage.record().await;
    let [lower, higher] = &stage.market.others;
    stage.signed_by(higher, &record).await;
    stage.step().await;
    let first = stage.record().await;
    assert_eq!(first.state, EpochState::Sent);
    // Of all three the two lowest addresses would be chosen.
    stage.signed_by(lower, &record).await;
    stage.step().await;
    let second = stage.record().await;
    assert_ne!(second.transaction, first.transaction);
    assert_eq!(second.signatures, first.signatures);
    stage.market.mine(1).await;
    assert_eq!(stage.signers().await, [(stage.epoch, sorted([&stage.market.operator, higher]))]);
}

#[tokio::test]
async fn a_choice_that_is_void_is_made_anew() {
    let stage = Stage::shared().await;
    stage.market.automine(false).await;
    let record = stage.record().await;
    let [lower, higher] = &stage.market.others;
    stage.signed_by(higher, &record).await;
    stage.step().await;
    let first = stage.record().await;
    // What waits in the pool is dropped, and one of its signers is removed.
    let hash = B256::try_from(first.transaction.as_slice()).unwrap();
    let _: serde_json::Value =
        stage.market.provider.raw_request("anvil_dropTransaction".into(), (hash,)).await.unwrap();
    stage.market.automine(true).await;
    stage.set_operators(vec![Address::repeat_byte(9)], vec![higher.address()], 2).await;
    assert_eq!(stage.step().await.missing, 1);
    stage.signed_by(lower, &record).await;
    stage.finish().await;
    assert_eq!(stage.signers().await, [(stage.epoch, sorted([&stage.market.operator, lower]))]);
    assert_ne!(stage.record().await.signatures, first.signatures);
}

#[tokio::test]
async fn a_newer_epoch_that_is_signed_goes_first_and_supersedes() {
    let stage = Stage::shared().await;
    let newer = stage.close_later(2).await;
    assert_eq!(stage.step().await.missing, 1);
    stage.signed_by(&stage.market.others[0], &newer).await;
    let progress = stage.step().await;
    assert_eq!((progress.waiting, progress.missing), (true, 1), "the older one still waits");
    stage.market.mine(1).await;
    stage.finish().await;
    let (older, newer) = (stage.record().await, stage.bench.store.epoch(newer.epoch).await.unwrap().unwrap());
    assert_eq!((older.state, older.transaction), (EpochState::Confirmed, Vec::new()));
    assert_eq!(stage.signers().await.into_iter().map(|(epoch, _)| epoch).collect::<Vec<_>>(), [newer.epoch]);
    assert!(newer.state >= EpochState::Sent);
}

#[tokio::test]
async fn many_epochs_without_signatures_hold_up_none_after_them() {
    let stage = Stage::shared().await;
    let mut newest = stage.record().await;
    for number in 1..=9 {
        newest = stage.close_later(number).await;
    }
    for number in 0..20 {
        // Older ones, so that the newest stands beyond the first page.
        let epoch = Epoch { epoch: stage.epoch - 20 + number, state: EpochState::Built, ..newest.clone() };
        stage.bench.store.save_epoch(epoch, EpochChanges::default()).await.unwrap();
    }
    stage.signed_by(&stage.market.others[0], &newest).await;
    stage.step().await;
    stage.market.mine(1).await;
    let published: Vec<_> = stage.signers().await.into_iter().map(|(epoch, _)| epoch).collect();
    assert_eq!(published, [newest.epoch]);
}
