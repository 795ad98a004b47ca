//! Who sees a sealed bundle, and who does not.

use alloy::{
    primitives::{Address, B256},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_contracts::opening_digest;
use gpux_proto::{
    bytes::to_hex,
    oracle::{GetBundleRequest, GetReportRequest, Opening, evidence_service_client::EvidenceServiceClient},
    signing::{self, Domain},
};
use tonic::Code;

use super::market::{Market, NOW, deployment, node_score, operator, skipped};
use crate::{
    arbitrate::{FetchError, fetch},
    store::{Blob, BlockFacts, BlockRef, CaseEvent, CaseFact, Filing},
};

const NODE: [u8; 32] = [0x11; 32];
/// The reports of `Market` are revealed in epoch 4.
const SEALED_EPOCHS: u64 = 3;
const PROOF: u8 = 0;
const STATISTICAL: u8 = 1;
const BARE: u8 = 2;

fn account(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

fn bundle(number: u32) -> [u8; 32] {
    signing::id(Domain::Bundle, &number.to_be_bytes())
}

/// As `Market::hold_report` makes it.
fn rental(number: u32) -> [u8; 32] {
    let mut rental = [0; 32];
    rental[..4].copy_from_slice(&number.to_be_bytes());
    rental
}

fn opening(key: &PrivateKeySigner, subject: [u8; 32], valid_until: u64) -> Opening {
    let of = deployment();
    signed(key, opening_digest(subject.into(), valid_until, of.chain_id, of.court).unwrap(), valid_until)
}

fn signed(key: &PrivateKeySigner, digest: B256, valid_until: u64) -> Opening {
    let signature = to_hex(&key.sign_hash_sync(&digest).unwrap().as_bytes());
    Opening { valid_until, signature, account: String::new() }
}

fn query(opening: &Opening) -> String {
    format!("valid_until={}&signature={}&account={}", opening.valid_until, opening.signature, opening.account)
}

/// A market with two sealed reports of the same node.
async fn market() -> (Market, [u8; 32]) {
    let market = Market::sealing(SEALED_EPOCHS).await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let id = market.hold_report(7, &skipped(NODE, 7)).await;
    market.hold_report(8, &skipped(NODE, 8)).await;
    market.publish(4, vec![node_score(NODE, 2_000)]).await;
    (market, id)
}

fn filing(kind: u8, rental: [u8; 32], evidence: [u8; 32], (filer, provider): (Address, Address)) -> Filing {
    Filing {
        kind,
        subject: [1; 32],
        node: NODE,
        provider: provider.into_array(),
        filer: filer.into_array(),
        rental,
        evidence,
        bond: 50,
        cap: 900,
        answer_until: NOW + 5,
        ruling_until: NOW + 20,
        frozen_until: NOW + 100,
    }
}

async fn file(market: &Market, filings: Vec<Filing>) {
    let fact = |(filing, number): (Filing, u8)| CaseFact {
        log_index: number.into(),
        case_id: [number; 32],
        transaction: [0x7a; 32],
        event: CaseEvent::Filed(filing),
    };
    let cases = filings.into_iter().zip(1..).map(fact).collect();
    let block = BlockRef { number: 1, hash: [1; 32], timestamp: NOW };
    let (opened, movements, bonds, entries) = Default::default();
    let facts = BlockFacts { block, parent: [0; 32], opened, movements, bonds, cases, entries };
    market.store.apply_block(facts).await.unwrap();
}

/// The status and the reason of asking for a bundle, over both protocols; they must agree.
async fn asked(market: &Market, digest: [u8; 32], opening: Opening) -> (u16, String) {
    let path = format!("/v1/bundles/{}?{}", to_hex(&digest), query(&opening));
    let http = market.get(&path).await;
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let request = GetBundleRequest { digest: to_hex(&digest), opening: Some(opening) };
    let grpc = client.get_bundle(request).await;
    if http.status == 200 {
        assert_eq!(grpc.unwrap().into_inner().bundle, http.body);
        assert_eq!(http.header("cache-control"), Some("private, no-store"));
        return (200, String::new());
    }
    let details = tonic_types::StatusExt::get_error_details(&grpc.unwrap_err());
    assert_eq!(details.error_info().unwrap().reason, http.reason());
    (http.status, http.reason())
}

#[tokio::test]
async fn operators_open_every_bundle_and_report_and_strangers_none() {
    let (market, id) = market().await;
    for number in 1..=3 {
        assert_eq!(asked(&market, bundle(7), opening(&operator(number), bundle(7), NOW + 60)).await.0, 200);
    }
    let stranger = asked(&market, bundle(7), opening(&account(9), bundle(7), NOW + 60)).await;
    assert_eq!(stranger, (403, "OPENING_DENIED".into()));
    assert_eq!(market.get(&format!("/v1/bundles/{}", to_hex(&bundle(7)))).await.reason(), "SEALED");

    // The report is not folded, so nobody else is told that it exists.
    let report = format!("/v1/reports/{}", to_hex(&id));
    let open = |key: &PrivateKeySigner| format!("{report}?{}", query(&opening(key, id, NOW + 60)));
    let answer = market.get(&open(&operator(1))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("private, no-store")));
    let shown = answer.json();
    assert!(shown["report"]["payload"].is_string() && shown["summary"].get("sealed").is_none(), "{shown}");
    assert_eq!(market.get(&open(&account(9))).await.reason(), "OPENING_DENIED");
    assert_eq!(market.get(&report).await.status, 404);
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let opening = Some(opening(&account(9), id, NOW + 60));
    let denied = client.get_report(GetReportRequest { name: to_hex(&id), opening }).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn parties_of_a_case_about_the_session_open_its_bundle_and_no_other() {
    let (market, _) = market().await;
    let parties = |first: u8| (account(first).address(), account(first + 1).address());
    file(
        &market,
        vec![
            filing(PROOF, rental(7), bundle(7), parties(0x11)),
            filing(BARE, rental(7), [9; 32], parties(0x21)),
            // Neither a verdict nor a digest that anybody may write into his statement opens another's session.
            filing(STATISTICAL, [0; 32], bundle(7), parties(0x31)),
            filing(BARE, rental(9), bundle(7), parties(0x41)),
        ],
    )
    .await;
    for (number, status) in [(0x11, 200), (0x12, 200), (0x21, 200), (0x22, 200)]
        .into_iter()
        .chain([0x31, 0x32, 0x41, 0x42].map(|number| (number, 403)))
    {
        let key = account(number);
        let seven = asked(&market, bundle(7), opening(&key, bundle(7), NOW + 60)).await;
        assert_eq!(seven.0, status, "account {number:x}: {}", seven.1);
        let eight = asked(&market, bundle(8), opening(&key, bundle(8), NOW + 60)).await;
        assert_eq!(eight, (403, "OPENING_DENIED".into()), "account {number:x}");
    }
}

#[tokio::test]
async fn an_operator_fetches_what_he_is_to_attest_and_takes_nothing_else_for_it() {
    let (market, _) = market().await;
    let url = format!("http://{}", market.address);
    let fetched = async |digest, key: &PrivateKeySigner| fetch(&url, digest, key, &deployment(), NOW).await;
    assert_eq!(fetched(bundle(7), &operator(2)).await.unwrap(), 7_u32.to_be_bytes());
    let denied = fetched(bundle(7), &account(9)).await.unwrap_err();
    assert!(denied.to_string().contains("is neither an operator nor a party"), "{denied}");
    let unknown = fetched([9; 32], &operator(2)).await.unwrap_err();
    assert!(unknown.to_string().ends_with("is unknown"), "{unknown}");
    market.store.put_blob(Blob::Bundle, [5; 32], b"another".to_vec()).await.unwrap();
    assert!(matches!(fetched([5; 32], &operator(2)).await, Err(FetchError::Other(_))));
}

#[tokio::test]
async fn a_case_names_the_bundle_that_it_is_about() {
    let (market, _) = market().await;
    let parties = |first: u8| (account(first).address(), account(first + 1).address());
    file(
        &market,
        vec![
            filing(PROOF, rental(7), bundle(7), parties(0x11)),
            filing(BARE, rental(8), [9; 32], parties(0x21)),
            filing(STATISTICAL, [0; 32], bundle(7), parties(0x31)),
            filing(BARE, rental(9), bundle(7), parties(0x41)),
        ],
    )
    .await;
    let mut client = EvidenceServiceClient::new(market.channel().await);
    // The case, who asks, and which bundle he gets.
    for (case, by, expected) in [
        (1, 0x12, Some(7)),
        (1, 0x22, None),
        (2, 0x22, Some(8)),
        (2, 0x12, None),
        (3, 0x32, None),
        (4, 0x42, None),
        (5, 0x12, None),
    ] {
        let opening = opening(&account(by), [case; 32], NOW + 60);
        let path = format!("/v1/cases/{}/bundle?{}", to_hex(&[case; 32]), query(&opening));
        let request = GetBundleRequest { digest: format!("cases/{}", to_hex(&[case; 32])), opening: Some(opening) };
        let (http, grpc) = (market.get(&path).await, client.get_bundle(request).await);
        match expected {
            Some(number) => {
                assert_eq!(http.body, u32::to_be_bytes(number), "case {case} by {by:x}");
                assert_eq!(grpc.unwrap().into_inner().bundle, http.body);
                assert_eq!(http.header("cache-control"), Some("private, no-store"));
            }
            None => {
                let reason = if case > 2 { "NOT_FOUND" } else { "OPENING_DENIED" };
                assert_eq!(http.reason(), reason, "case {case} by {by:x}");
                assert!(grpc.is_err());
            }
        }
    }
    // An opening of the case is none of the bundle, and the other way round.
    let key = account(0x12);
    assert_eq!(asked(&market, bundle(7), opening(&key, [1; 32], NOW + 60)).await.1, "OPENING_DENIED");
    let path = format!("/v1/cases/{}/bundle", to_hex(&[1; 32]));
    assert_eq!(market.get(&path).await.reason(), "SEALED");
    assert_eq!(market.get(&format!("{path}?{}", query(&opening(&key, bundle(7), NOW + 60)))).await.status, 403);
}

#[tokio::test]
async fn old_far_foreign_and_damaged_openings_open_nothing() {
    let (market, id) = market().await;
    let (key, of) = (operator(1), deployment());
    let ask = async |opening| asked(&market, bundle(7), opening).await;
    assert_eq!(ask(opening(&key, bundle(7), NOW + 3_600)).await.0, 200);
    for until in [0, NOW, NOW + 3_601] {
        assert_eq!(ask(opening(&key, bundle(7), until)).await, (422, "OPENING_VOID".into()), "{until}");
    }
    let forever = Opening { valid_until: u64::MAX, ..opening(&key, bundle(7), NOW + 60) };
    assert_eq!(ask(forever).await, (422, "OPENING_VOID".into()));
    let digest = |subject: [u8; 32], chain, court| opening_digest(subject.into(), NOW + 60, chain, court).unwrap();
    for foreign in [
        digest(bundle(8), of.chain_id, of.court),
        digest(id, of.chain_id, of.court),
        digest(bundle(7), of.chain_id + 1, of.court),
        digest(bundle(7), of.chain_id, of.scores),
    ] {
        let foreign = signed(&key, foreign, NOW + 60);
        assert_eq!(ask(foreign.clone()).await, (403, "OPENING_DENIED".into()));
        let named = Opening { account: key.address().to_string(), ..foreign };
        assert_eq!(ask(named).await, (422, "BAD_SIGNATURE".into()));
    }
    let good = opening(&key, bundle(7), NOW + 60);
    for (field, damaged) in [
        ("short", good.signature[..130].to_owned()),
        ("no digits", format!("0x{}", "zz".repeat(65))),
        ("long", format!("{}00", good.signature)),
        ("absent", String::new()),
    ] {
        let opening = Opening { signature: damaged, ..good.clone() };
        assert_eq!(ask(opening).await, (400, "MALFORMED".into()), "{field}");
    }
    let named = Opening { account: "0x12".into(), ..good.clone() };
    assert_eq!(ask(named).await, (400, "MALFORMED".into()));
    // The same signature with the other s, and with another v.
    let mut high: [u8; 65] = hex::decode(&good.signature[2..]).unwrap().try_into().unwrap();
    let order =
        alloy::primitives::U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
            .unwrap();
    let s = order - alloy::primitives::U256::from_be_slice(&high[32..64]);
    high[32..64].copy_from_slice(&s.to_be_bytes::<32>());
    high[64] = 55 - high[64];
    let mut parity: [u8; 65] = hex::decode(&good.signature[2..]).unwrap().try_into().unwrap();
    parity[64] -= 27;
    for form in [high, parity] {
        let opening = Opening { signature: to_hex(&form), ..good.clone() };
        assert_eq!(ask(opening).await, (422, "BAD_SIGNATURE".into()));
    }
}
