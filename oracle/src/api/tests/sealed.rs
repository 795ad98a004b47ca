//! What is served of a report while hosts could still learn from it.

use gpux_proto::{
    bytes::to_hex,
    evidence::Probe,
    signing::{self, Domain},
};

use super::market::{Market, node_score, skipped};

const NODE: [u8; 32] = [0x11; 32];
/// The reports of `Market` are revealed in epoch 4.
const SEALED_EPOCHS: u64 = 3;

#[tokio::test]
async fn a_report_shows_nothing_then_its_folded_part_and_then_everything() {
    let market = Market::sealing(SEALED_EPOCHS).await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let id = market.hold_report(7, &skipped(NODE, 7)).await;
    let bundle = to_hex(&signing::id(Domain::Bundle, &7_u32.to_be_bytes()));
    let report = format!("/v1/reports/{}", to_hex(&id));
    market.publish(4, vec![node_score(NODE, 2_000)]).await;

    // Not folded: nobody is told that it exists.
    assert_eq!(market.get(&report).await.status, 404);
    assert!(market.get("/v1/reports").await.json().get("reports").is_none());
    let sealed = market.get(&format!("/v1/bundles/{bundle}")).await;
    assert_eq!((sealed.status, sealed.reason().as_str()), (409, "SEALED"));

    market.fold(id, true).await;
    let answer = market.get(&report).await.json();
    let summary = &answer["summary"];
    assert_eq!((&summary["sealed"], &summary["outcome"]), (&true.into(), &"OUTCOME_FAIL".into()));
    assert_eq!(summary["resource"], Probe::Imma.as_str_name().trim_start_matches("PROBE_").to_lowercase());
    for hidden in ["fisher", "startTime", "bundleDigest", "wrong", "drawn", "step", "detail", "measured", "relay"] {
        assert!(summary.get(hidden).is_none(), "{hidden} is shown: {summary}");
    }
    assert!(answer.get("report").is_none(), "the signed report is shown");
    assert_eq!(market.get(&format!("/v1/bundles/{bundle}")).await.status, 409);
    // The reputation blurs when the probe was.
    let reputation = market.get(&format!("/v1/nodes/{}/reputation", to_hex(&NODE))).await.json();
    let times = reputation["reputation"]["resources"].as_array().unwrap().iter();
    let times: Vec<_> = times.filter_map(|resource| resource["lastProbeTime"].as_str()).collect();
    assert!(!times.is_empty() && times.iter().all(|time| time.ends_with("T00:00:00+00:00")), "{times:?}");

    market.publish(4 + SEALED_EPOCHS, vec![node_score(NODE, 2_000)]).await;
    let summary = &market.get(&report).await.json()["summary"];
    assert_eq!((summary.get("sealed"), &summary["wrong"]), (None, &11.into()));
    assert_eq!(market.get(&format!("/v1/bundles/{bundle}")).await.status, 200);
}
