//! The lookup and its lists, as JSON and over gRPC.

use gpux_kernels::{calibration, catalogue, plan::Market, probe::ProbeId};
use gpux_proto::{
    bytes::to_hex,
    evidence::{Probe, log_entry::Fact},
    oracle::{
        ExplainReputationRequest, GetReputationRequest, ListReputationsRequest,
        reputation_service_client::ReputationServiceClient,
    },
};
use tonic_types::StatusExt as _;

use super::market::{self, node_score, pass, skipped};
use crate::{
    audit::fixture,
    publish::Folder,
    replay::History,
    score::{NodeId, Parameters},
    store::Settled,
};

const NODE: [u8; 32] = [0x11; 32];

/// What an honest card of a model reaches.
fn figure(model: &str, probe: ProbeId) -> u64 {
    let model = catalogue::by_name(model).unwrap();
    if probe.fills_memory() {
        return model.usable_bytes;
    }
    calibration::expected(model, probe, Market::Development).unwrap().rate as u64
}

/// A GeForce RTX 3060 12 GB that is sold as an RTX 3090, with a score on chain and two consumers.
pub(super) async fn impostor() -> market::Market {
    let market = market::Market::open().await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    market.finalise(NODE, &[1, 2], market::FISHER, 50_000_000).await;
    for (probe, wire, at) in
        [(ProbeId::Imma, Probe::Imma, 0), (ProbeId::Fma64, Probe::Fma64, 1), (ProbeId::Vram, Probe::Vram, 2)]
    {
        let (measured, expected) = (figure("GeForce RTX 3060 12 GB", probe), figure("GeForce RTX 3090", probe));
        let x = u32::try_from(64 * measured / expected).unwrap();
        for number in 0..3 {
            market.hold_report(3 * number + at, &pass(NODE, wire, number, (x, measured, expected))).await;
        }
    }
    market.publish(4, vec![node_score(NODE, 2_000), node_score([0x12; 32], 9_000)]).await;
    market
}

#[tokio::test]
async fn json_of_a_reputation_is_the_golden_one() {
    let market = impostor().await;
    let answer = market.get(&format!("/v1/nodes/{}/reputation", to_hex(&NODE))).await;
    assert_eq!(answer.status, 200);
    let pretty = serde_json::to_string_pretty(&answer.json()).unwrap();
    let golden = include_str!("reputation.json");
    assert_eq!(pretty.trim(), golden.trim(), "\n{pretty}");
}

#[tokio::test]
async fn both_protocols_answer_alike_and_the_proof_verifies() {
    let market = impostor().await;
    let mut client = ReputationServiceClient::new(market.channel().await);
    let name = format!("nodes/{}", to_hex(&NODE));
    let response = client.get_reputation(GetReputationRequest { name }).await.unwrap().into_inner();
    let http = market.get(&format!("/v1/nodes/{}/reputation", to_hex(&NODE))).await;
    assert_eq!(serde_json::to_value(&response).unwrap(), http.json());

    let on_chain = response.reputation.unwrap().on_chain.unwrap();
    let bytes = |text: &str| alloy::primitives::B256::from(gpux_proto::bytes::from_hex::<32>("hash", text).unwrap());
    let leaf = gpux_contracts::Scores::Leaf {
        epoch: on_chain.epoch,
        node: NODE.into(),
        provider: alloy::primitives::Address::repeat_byte(0xaa),
        scoreLowBps: on_chain.score_low_bps.try_into().unwrap(),
        scoreBps: on_chain.score_bps.try_into().unwrap(),
        verdict: on_chain.verdict.try_into().unwrap(),
        probes: on_chain.probes,
        certificates: bytes(&on_chain.certificates),
    };
    let proof: Vec<_> = on_chain.proof.iter().map(|hash| bytes(hash)).collect();
    let hash = gpux_contracts::merkle::leaf_hash(&leaf);
    assert!(gpux_contracts::merkle::verify(bytes(&on_chain.root), hash, &proof));
}

#[tokio::test]
async fn what_is_unknown_is_absent() {
    let market = market::Market::open().await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let body = market.get(&format!("/v1/nodes/{}/reputation", to_hex(&NODE))).await.json();
    let reputation = &body["reputation"];
    assert_eq!(reputation["verdict"], "VERDICT_UNKNOWN");
    assert_eq!(reputation["finding"], "no data: not probed yet");
    for absent in ["score", "nearestModel", "onChain", "epoch"] {
        assert!(reputation.get(absent).is_none(), "{absent}: {reputation}");
    }
    let imma = &reputation["resources"][0];
    assert_eq!(imma["resource"], "imma");
    assert!(imma["expected"].is_string(), "the claim is known: {imma}");
    for absent in ["score", "measured", "medianBps", "lastProbeTime"] {
        assert!(imma.get(absent).is_none(), "{absent}: {imma}");
    }
}

#[tokio::test]
async fn a_newer_report_shows_at_once_and_wrong_bits_measure_nothing() {
    let market = impostor().await;
    let path = format!("/v1/nodes/{}/reputation", to_hex(&NODE));
    assert!(market.get(&path).await.json()["reputation"]["finding"].as_str().unwrap().starts_with("claims"));
    // More of them than of the others, so that a median over all would show their pretended rate.
    for number in 9..13 {
        market.hold_report(100 + number, &skipped(NODE, number)).await;
    }
    let reputation = market.get(&path).await.json()["reputation"].clone();
    let finding = reputation["finding"].as_str().unwrap();
    assert!(finding.starts_with("wrong results in 11 of 24 drawn units"), "{finding}");
    let honest = figure("GeForce RTX 3060 12 GB", ProbeId::Imma).to_string();
    assert_eq!(reputation["resources"][0]["measured"], honest);
    assert_eq!(reputation["resources"][0]["wrong"], 4);
}

#[tokio::test]
async fn what_weighs_nothing_is_not_heard_beside_what_weighs() {
    let market = market::Market::open().await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let finding = async || {
        let answer = market.get(&format!("/v1/nodes/{}/reputation", to_hex(&NODE))).await;
        answer.json()["reputation"]["finding"].as_str().unwrap().to_owned()
    };
    let expected = figure("GeForce RTX 3090", ProbeId::Imma);
    for number in 0..5 {
        let slander = pass(NODE, Probe::Imma, number, (6, expected / 10, expected));
        market.fold(market.hold_report(number, &slander).await, false).await;
    }
    assert!(finding().await.contains("delivers 10 % of its int8 tensor rate"), "{}", finding().await);
    let honest = market.hold_report(9, &pass(NODE, Probe::Imma, 9, (64, expected, expected))).await;
    assert!(finding().await.contains("delivers 10 %"), "it is not folded yet");
    market.fold(honest, true).await;
    market.publish(4, vec![node_score(NODE, 9_000)]).await;
    assert!(finding().await.starts_with("delivers what it claims"), "{}", finding().await);
}

#[tokio::test]
async fn pages_end_and_contain_every_node_once_in_order() {
    let market = market::Market::open().await;
    let nodes: Vec<[u8; 32]> = (1..=7).map(|at| [at; 32]).collect();
    for node in &nodes {
        market.hold_node(*node, "GeForce RTX 3060 12 GB").await;
    }
    // Two nodes have equal bounds; two have no score.
    let lows = [500, 9_000, 9_000, 100, 700];
    market.publish(4, nodes.iter().zip(lows).map(|(node, low)| node_score(*node, low)).collect()).await;
    for (order, expected) in [("", &[2, 3, 5, 1, 4][..]), ("node", &[1, 2, 3, 4, 5, 6, 7])] {
        let mut client = ReputationServiceClient::new(market.channel().await);
        let mut request = ListReputationsRequest { page_size: 2, order_by: order.into(), ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = client.list_reputations(request.clone()).await.unwrap().into_inner();
            assert!(page.reputations.len() <= 2);
            seen.extend(page.reputations.into_iter().map(|reputation| reputation.node));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, expected.iter().map(|at| to_hex(&[*at; 32])).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn tokens_of_other_lists_and_tampered_ones_are_refused_over_both() {
    let market = market::Market::open().await;
    for at in 1..=3 {
        market.hold_node([at; 32], "GeForce RTX 3090").await;
    }
    let page = market.get("/v1/reputations?order_by=node&pageSize=1").await.json();
    let token = page["nextPageToken"].as_str().unwrap().to_owned();
    let mut client = ReputationServiceClient::new(market.channel().await);
    let tampered = format!("{}{}", if token.starts_with('A') { 'B' } else { 'A' }, &token[1..]);
    for (order, token) in [("node", tampered.as_str()), ("score desc", &token), ("node", "!")] {
        let path = format!("/v1/reputations?order_by={}&page_token={token}", order.replace(' ', "%20"));
        let answer = market.get(&path).await;
        assert_eq!((answer.status, answer.reason().as_str()), (400, "BAD_PAGE_TOKEN"));
        let request = ListReputationsRequest {
            page_token: token.into(),
            order_by: order.into(),
            page_size: 1,
            ..Default::default()
        };
        let status = client.list_reputations(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert_eq!(status.get_details_error_info().unwrap().reason, "BAD_PAGE_TOKEN");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "page_token");
    }
    let answer = market.get(&format!("/v1/nodes?pageToken={token}")).await;
    assert_eq!(answer.reason(), "BAD_PAGE_TOKEN");
}

/// A market whose log holds what its score was folded from, and that fold.
pub(super) async fn folded() -> (market::Market, History) {
    let market = market::Market::open().await;
    let parameters = Parameters::development();
    let mut folder = Folder::tracing(parameters.clone(), NodeId(NODE));
    let mut facts = vec![fixture::announced(NODE, [0xaa; 20])];
    facts.extend(fixture::market(&parameters, fixture::FISHER, 4));
    let ids = [[1; 32], [2; 32]];
    for id in ids {
        facts.push(fixture::committed(id, fixture::FISHER));
        facts.push(fixture::revealed(id, fixture::FISHER, Some(fixture::relay(0)), 5));
    }
    facts.push(fixture::beacon(6));
    for (id, x) in ids.into_iter().zip([23, 24]) {
        let report = fixture::folded(NODE, id, x, 64, 5);
        let audit = fixture::audit_of(&report, fixture::owner(0));
        facts.extend([Fact::ReportFolded(report), Fact::AuditFolded(audit)]);
    }
    facts.push(fixture::closed(5));
    let log: Vec<_> = facts.into_iter().map(fixture::entry).collect();
    for entry in &log {
        folder.apply(entry).unwrap();
    }
    let history = History::of(&folder, &NodeId(NODE)).unwrap();
    market.store.append_entries(log, Settled::default()).await.unwrap();
    market.publish(5, vec![history.explanation.score.clone()]).await;
    (market, history)
}

#[tokio::test]
async fn an_explanation_is_what_the_fold_says_and_is_the_same_over_both_protocols() {
    let (market, history) = folded().await;
    let path = format!("/v1/nodes/{}/explanation", to_hex(&NODE));
    let http = market.get(&path).await;
    let mut client = ReputationServiceClient::new(market.channel().await);
    let name = format!("nodes/{}", to_hex(&NODE));
    let grpc = client.explain_reputation(ExplainReputationRequest { name }).await.unwrap().into_inner();
    assert_eq!((http.status, http.json()), (200, serde_json::to_value(&grpc).unwrap()));
    let told = grpc.explanation.unwrap();
    assert_eq!(told.epoch, 5);
    let step = &told.steps[0];
    // 47 of 2 * 64.
    assert_eq!((told.steps.len(), step.reports, step.x_bps, step.resource.as_str()), (1, 2, 3_671, "cpu"));
    assert_eq!(step.factors, history.steps[0].factors);
    assert_eq!(told.resources[0].wealth, history.explanation.resources[0].wealth);
    assert_eq!(market.get(&format!("/v1/nodes/{}/explanation", to_hex(&[9; 32]))).await.status, 404);
}
