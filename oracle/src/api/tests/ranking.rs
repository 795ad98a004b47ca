//! Lists of reputations with a filter, over both protocols.

use gpux_proto::{
    bytes::to_hex,
    evidence::{Description, Signed},
    oracle::{ListReputationsRequest, Verdict, reputation_service_client::ReputationServiceClient},
};
use prost::Message as _;
use tonic_types::StatusExt as _;

use super::market::{self, node_score};
use crate::{score, store};

/// Four honest cards and a dishonest one of one model, and one of another.
async fn market() -> market::Market {
    let market = market::Market::open().await;
    for at in 1..=6 {
        let gpu = if at == 6 { "GeForce RTX 4090" } else { "GeForce RTX 3090" };
        market.hold_node([at; 32], gpu).await;
        join(&market, [at; 32], gpu).await;
    }
    let scores = (1..=6).zip([9_000, 8_000, 9_000, 100, 7_000, 9_500]).map(|(at, low)| {
        let verdict = if low == 100 { score::Verdict::UnderDelivering } else { score::Verdict::Honest };
        score::NodeScore { verdict, ..node_score([at; 32], low) }
    });
    market.publish(4, scores.collect()).await;
    market
}

/// Announces a node again, as one of an organisation.
async fn join(market: &market::Market, node: [u8; 32], gpu: &str) {
    let held = market.store.node(node).await.unwrap().unwrap();
    let mut description = Description::decode(held.description.as_slice()).unwrap();
    description.membership = Some(Signed::default());
    let record = store::Node {
        node,
        provider: held.provider,
        organisation: Some([0x0c; 32]),
        model: Some(gpu.into()),
        descriptor_digest: held.descriptor_digest,
        sequence: 2,
        offer_until: market::NOW + 1_000,
        description: description.encode_to_vec(),
        seen: market::NOW,
        entry: [node.as_slice(), b"2"].concat(),
    };
    market.store.announce_node(record).await.unwrap();
}

fn nodes(of: &[u8]) -> Vec<String> {
    of.iter().map(|at| to_hex(&[*at; 32])).collect()
}

#[tokio::test]
async fn a_filter_narrows_every_page_over_both_protocols() {
    let market = market().await;
    let mut client = ReputationServiceClient::new(market.channel().await);
    let provider = to_hex(&[0xaa; 20]);
    let organisation = to_hex(&[0x0c; 32]);
    for (query, request, expected) in [
        (
            "model=GeForce%20RTX%203090&verdict=VERDICT_HONEST&lowBpsMin=7500".to_owned(),
            ListReputationsRequest {
                model: "GeForce RTX 3090".into(),
                verdict: Verdict::Honest.into(),
                low_bps_min: 7_500,
                ..Default::default()
            },
            &[1, 3, 2][..],
        ),
        (
            format!("provider={provider}"),
            ListReputationsRequest { provider, ..Default::default() },
            &[6, 1, 3, 2, 5, 4],
        ),
        (
            format!("organisation={organisation}&verdict=VERDICT_UNDER_DELIVERING"),
            ListReputationsRequest { organisation, verdict: Verdict::UnderDelivering.into(), ..Default::default() },
            &[4],
        ),
        ("model=geforce".into(), ListReputationsRequest { model: "geforce".into(), ..Default::default() }, &[]),
    ] {
        let (mut request, mut seen) = (ListReputationsRequest { page_size: 2, ..request }, Vec::new());
        loop {
            let page = client.list_reputations(request.clone()).await.unwrap().into_inner();
            let token = &request.page_token;
            let http = market.get(&format!("/v1/reputations?page_size=2&page_token={token}&{query}")).await;
            assert_eq!((http.status, http.json()), (200, serde_json::to_value(&page).unwrap()), "{query}");
            seen.extend(page.reputations.into_iter().map(|reputation| reputation.node));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, nodes(expected), "{query}");
    }
}

#[tokio::test]
async fn what_no_index_answers_is_refused_over_both_protocols() {
    let market = market().await;
    let mut client = ReputationServiceClient::new(market.channel().await);
    let key = to_hex(&[1; 32]);
    let request = ListReputationsRequest::default;
    for (query, request, code) in [
        (
            format!("model=a&organisation={key}"),
            ListReputationsRequest { model: "a".into(), organisation: key, ..request() },
            "FILTER_REFUSED",
        ),
        (
            "order_by=node&verdict=VERDICT_HONEST".into(),
            ListReputationsRequest { order_by: "node".into(), verdict: 2, ..request() },
            "FILTER_REFUSED",
        ),
        (
            "order_by=node&low_bps_min=1".into(),
            ListReputationsRequest { order_by: "node".into(), low_bps_min: 1, ..request() },
            "FILTER_REFUSED",
        ),
        ("low_bps_min=10001".into(), ListReputationsRequest { low_bps_min: 10_001, ..request() }, "MALFORMED"),
        ("low_bps_min=4294967295".into(), ListReputationsRequest { low_bps_min: u32::MAX, ..request() }, "MALFORMED"),
        ("provider=0x12".into(), ListReputationsRequest { provider: "0x12".into(), ..request() }, "MALFORMED"),
        ("organisation=..%2F".into(), ListReputationsRequest { organisation: "../".into(), ..request() }, "MALFORMED"),
        ("verdict=99".into(), ListReputationsRequest { verdict: 99, ..request() }, "MALFORMED"),
        (
            format!("model={}", "x".repeat(65)),
            ListReputationsRequest { model: "x".repeat(65), ..request() },
            "MALFORMED",
        ),
    ] {
        let answer = market.get(&format!("/v1/reputations?{query}")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, code), "{query}");
        let status = client.list_reputations(request).await.unwrap_err();
        assert_eq!(status.get_details_error_info().unwrap().reason, code, "{query}");
    }
}

#[tokio::test]
async fn a_page_token_goes_on_with_its_own_filter_alone() {
    let market = market().await;
    let page = market.get("/v1/reputations?page_size=1&verdict=VERDICT_HONEST").await.json();
    let token = page["nextPageToken"].as_str().unwrap();
    for (query, status) in [
        ("verdict=VERDICT_HONEST", 200),
        ("", 400),
        ("verdict=VERDICT_UNKNOWN", 400),
        ("verdict=VERDICT_HONEST&low_bps_min=1", 400),
        ("verdict=VERDICT_HONEST&model=GeForce%20RTX%203090", 400),
    ] {
        let answer = market.get(&format!("/v1/reputations?page_token={token}&{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        if status == 400 {
            assert_eq!(answer.reason(), "BAD_PAGE_TOKEN", "{query}");
        }
    }
}
