//! Operators' signatures over an epoch, over both protocols.

use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use gpux_contracts::publish_digest;
use gpux_proto::{
    bytes::to_hex,
    oracle::{CountersignRequest, EpochState, GetEpochRequest, log_service_client::LogServiceClient},
};
use serde_json::json;
use tonic::Code;

use super::market::{Market, deployment, node_score, operator};
use crate::{
    publish::publication,
    store::{self, EpochChanges},
};

impl Market {
    /// Holds an epoch that is not published yet.
    async fn build(&self, epoch: u64) -> store::Epoch {
        let record = super::market::epoch(epoch);
        self.store.save_epoch(record.clone(), EpochChanges::default()).await.unwrap();
        record
    }
}

fn signature(key: &PrivateKeySigner, epoch: &store::Epoch) -> String {
    let of = deployment();
    let digest = publish_digest(&publication(epoch), of.chain_id, of.scores);
    to_hex(&key.sign_hash_sync(&digest).unwrap().as_bytes())
}

async fn posted(market: &Market, epoch: u64, signature: &str) -> (u16, String) {
    let body = json!({ "epoch": epoch, "signature": signature }).to_string();
    let answer = market.post("/v1/countersignatures", body.as_bytes()).await;
    if answer.status == 200 { (200, answer.json()["held"].to_string()) } else { (answer.status, answer.reason()) }
}

#[tokio::test]
async fn signatures_of_operators_are_held_once_and_shown() {
    let market = Market::open().await;
    let epoch = market.build(7).await;
    let mut client = LogServiceClient::new(market.channel().await);
    for (number, held) in [(1, 1), (2, 2), (1, 2), (2, 2), (3, 3)] {
        let request = CountersignRequest { epoch: 7, signature: signature(&operator(number), &epoch) };
        let answer = client.countersign(request).await.unwrap().into_inner();
        assert_eq!((answer.held, answer.threshold), (held, 2));
    }
    let told = client.get_epoch(GetEpochRequest { epoch: 7 }).await.unwrap().into_inner().epoch.unwrap();
    assert_eq!((told.state(), told.signatures.len()), (EpochState::Built, 3));
    for signed in &told.signatures {
        let by = (1..=3).map(operator).find(|key| to_hex(key.address().as_slice()) == signed.operator).unwrap();
        assert_eq!(signed.signature, signature(&by, &epoch));
    }
    let over_http = market.get("/v1/epochs/7").await.json();
    assert_eq!(over_http["epoch"]["signatures"].as_array().unwrap().len(), 3);
    assert_eq!(over_http["epoch"]["state"], "EPOCH_STATE_BUILT");
}

#[tokio::test]
async fn strangers_other_contents_and_damaged_signatures_leave_nothing() {
    let market = Market::open().await;
    let epoch = market.build(7).await;
    let (key, good) = (operator(1), signature(&operator(1), &epoch));
    let mut refused = vec![(7, signature(&PrivateKeySigner::random(), &epoch), (403, "NOT_AN_OPERATOR"))];
    let others = [
        store::Epoch { root: [9; 32], ..epoch.clone() },
        store::Epoch { log_size: 10, ..epoch.clone() },
        store::Epoch { epoch: 8, ..epoch.clone() },
    ];
    refused.extend(others.iter().map(|other| (7, signature(&key, other), (403, "NOT_AN_OPERATOR"))));
    let of = deployment();
    for digest in [
        publish_digest(&publication(&epoch), of.chain_id + 1, of.scores),
        publish_digest(&publication(&epoch), of.chain_id, of.court),
    ] {
        let foreign = to_hex(&key.sign_hash_sync(&digest).unwrap().as_bytes());
        refused.push((7, foreign, (403, "NOT_AN_OPERATOR")));
    }
    let parity = |last: &str| format!("{}{last}", &good[..130]);
    refused.extend([
        (8, good.clone(), (404, "NOT_FOUND")),
        (7, good[..130].to_owned(), (400, "MALFORMED")),
        (7, format!("{good}00"), (400, "MALFORMED")),
        (7, String::new(), (400, "MALFORMED")),
        (7, parity("00"), (422, "BAD_SIGNATURE")),
        (7, parity("1d"), (422, "BAD_SIGNATURE")),
        (7, format!("0x{}", "0".repeat(130)), (422, "BAD_SIGNATURE")),
        (7, "0".repeat(300 << 10), (413, "OVERSIZED")),
    ]);
    for (epoch, signature, (status, reason)) in refused {
        let shown = &signature[..signature.len().min(140)];
        assert_eq!(posted(&market, epoch, &signature).await, (status, reason.to_owned()), "{shown}");
    }
    assert!(market.store.countersignatures(7).await.unwrap().is_empty());
    assert_eq!(posted(&market, 7, &good).await, (200, "1".into()));

    let mut client = LogServiceClient::new(market.channel().await);
    let request = CountersignRequest { epoch: 7, signature: signature(&PrivateKeySigner::random(), &epoch) };
    let denied = client.countersign(request).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn what_is_on_chain_needs_no_signature() {
    let market = Market::open().await;
    market.publish(4, vec![node_score([1; 32], 2_000)]).await;
    let epoch = market.store.epoch(4).await.unwrap().unwrap();
    assert_eq!(posted(&market, 4, &signature(&operator(1), &epoch)).await, (200, "null".into()));
    assert!(market.store.countersignatures(4).await.unwrap().is_empty());
}
