//! The writes: accepted once, refused with one reason over both protocols.

use gpux_proto::{
    bytes::to_hex,
    evidence::{Acknowledgement, Commit, Direction, EndedBy, Signed, Stamp, Stamps},
    oracle::{
        AnnounceNodeRequest, CommitReportRequest, ListRelaysRequest, RegisterFisherRequest, RegisterRelayRequest,
        SubmitReportRequest, SubmitStampsRequest, evidence_service_client::EvidenceServiceClient,
        registry_service_client::RegistryServiceClient,
    },
    signing::{self, Domain, SigningKey},
};
use serde::Serialize;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    grpc::reason,
    market::{Market, NOW, description, fisher, registration, relay_key, relay_registration, report_key},
};

fn json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).unwrap()
}

fn commit(report: u8) -> Signed {
    let commit = Commit {
        chain_id: 31_337,
        rentals: vec![3; 20],
        fisher: fisher().address().to_vec(),
        report: vec![report; 32],
    };
    signing::sign(Domain::Commit, &commit, &report_key())
}

#[tokio::test]
async fn a_node_is_announced_over_either_and_a_bad_signature_is_refused_over_both() {
    let market = Market::open().await;
    let mut client = RegistryServiceClient::new(market.channel().await);
    let first = description(2);
    let request = AnnounceNodeRequest { description: Some(first.clone()) };
    let name = client.announce_node(request.clone()).await.unwrap().into_inner().name;
    // Again, over the other protocol: nothing changes.
    assert_eq!(market.post("/v1/nodes", &json(&first)).await.json()["name"], name);
    assert_eq!(market.get(&format!("/v1/{name}")).await.json()["node"]["name"], name);

    let stale = description(1);
    let answer = market.post("/v1/nodes", &json(&stale)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (409, "NODE_STALE"));
    let status = client.announce_node(AnnounceNodeRequest { description: Some(stale) }).await.unwrap_err();
    assert_eq!(reason(&status), "NODE_STALE");

    let mut forged = description(3);
    forged.descriptor.as_mut().unwrap().signature[5] ^= 1;
    let answer = market.post("/v1/nodes", &json(&forged)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (422, "BAD_SIGNATURE"));
    let status = client.announce_node(AnnounceNodeRequest { description: Some(forged) }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "BAD_SIGNATURE"));

    let status = client.announce_node(AnnounceNodeRequest::default()).await.unwrap_err();
    assert_eq!(reason(&status), "MALFORMED");
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "description");
}

#[tokio::test]
async fn a_commit_needs_a_fisher_with_a_bond_and_is_acknowledged_once() {
    let market = Market::open().await;
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let request = CommitReportRequest { commit: Some(commit(1)) };
    let status = client.commit_report(request.clone()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "FISHER_UNKNOWN"));

    let mut registry = RegistryServiceClient::new(market.channel().await);
    let register = RegisterFisherRequest { registration: Some(registration()) };
    let name = registry.register_fisher(register).await.unwrap().into_inner().name;
    assert_eq!(name, format!("fishers/{}", to_hex(fisher().address().as_slice())));
    assert_eq!(market.post("/v1/fishers", &json(&registration())).await.json()["name"], name);

    let status = client.commit_report(request.clone()).await.unwrap_err();
    assert_eq!(reason(&status), "FISHER_WITHOUT_BOND");
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    let answer = market.post("/v1/commits", &json(&commit(1))).await;
    assert_eq!((answer.reason().as_str(), &answer.json()["retryable"]), ("FISHER_WITHOUT_BOND", &true.into()));
    assert_eq!(answer.header("retry-after"), Some("1"));

    market.finalise([1; 32], &[], fisher().address().into_array(), 1_000_000_000).await;
    let signed = client.commit_report(request.clone()).await.unwrap().into_inner().acknowledgement.unwrap();
    let key = SigningKey::from_bytes(&[9; 32]).verifying_key();
    signing::verify(Domain::Acknowledgement, &signed, &key).unwrap();
    let acknowledgement: Acknowledgement = signing::open(Domain::Acknowledgement, &signed).unwrap();
    assert_eq!(acknowledgement.commit, signing::id(Domain::Commit, &commit(1).payload));

    let status = client.commit_report(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "COMMIT_REPLAYED"));
    let answer = market.post("/v1/commits", &json(&commit(1))).await;
    assert_eq!((answer.status, answer.reason().as_str()), (409, "COMMIT_REPLAYED"));
    assert_eq!(market.post("/v1/commits", &json(&commit(2))).await.status, 200);
}

#[tokio::test]
async fn a_bundle_above_its_limit_is_oversized_over_both() {
    let market = Market::open().await;
    let request = SubmitReportRequest { report: Some(commit(1)), bundle: vec![1; (4 << 20) + 1] };
    let answer = market.post("/v1/reports", &json(&request)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (413, "OVERSIZED"));
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let status = client.submit_report(request).await.unwrap_err();
    assert_eq!(reason(&status), "OVERSIZED");
}

fn stamps(node: [u8; 32]) -> Signed {
    let stamp = Stamp { head: vec![4; 32], direction: Direction::Renter.into(), time_us: 7 };
    let stamps = Stamps {
        relay: relay_key().verifying_key().to_bytes().to_vec(),
        node: node.to_vec(),
        start_time: Some(pbjson_types::Timestamp { seconds: NOW.cast_signed(), nanos: 0 }),
        stamps: vec![stamp],
        end_us: 9,
        ended_by: EndedBy::Node.into(),
    };
    signing::sign(Domain::Stamps, &stamps, &relay_key())
}

#[tokio::test]
async fn a_relay_is_registered_listed_and_gives_stamps_over_both() {
    let market = Market::open().await;
    market.hold_node([1; 32], "GeForce RTX 3090").await;
    let mut registry = RegistryServiceClient::new(market.channel().await);
    let mut evidence = EvidenceServiceClient::new(market.channel().await);
    let register = RegisterRelayRequest { registration: Some(relay_registration()) };
    let status = registry.register_relay(register.clone()).await.unwrap_err();
    assert_eq!(reason(&status), "OWNER_WITHOUT_BOND");
    let submit = SubmitStampsRequest { stamps: Some(stamps([1; 32])) };
    let status = evidence.submit_stamps(submit.clone()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "RELAY_UNKNOWN"));

    market.finalise([1; 32], &[], fisher().address().into_array(), 50_000_000).await;
    let name = registry.register_relay(register).await.unwrap().into_inner().name;
    assert_eq!(name, format!("relays/{}", to_hex(relay_key().verifying_key().as_bytes())));
    assert_eq!(market.post("/v1/relays", &json(&relay_registration())).await.json()["name"], name);
    let listed = registry.list_relays(ListRelaysRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.relays.len(), listed.next_page_token.as_str()), (1, ""));
    assert_eq!(listed.relays[0].registration, Some(relay_registration()));
    let page = market.get("/v1/relays?page_size=1").await.json();
    assert_eq!((&page["relays"][0]["name"], page["relays"].as_array().unwrap().len()), (&name.into(), 1));

    evidence.submit_stamps(submit).await.unwrap();
    assert_eq!(market.post("/v1/stamps", &json(&stamps([1; 32]))).await.status, 200);
    let answer = market.post("/v1/stamps", &json(&stamps([2; 32]))).await;
    assert_eq!((answer.status, answer.reason().as_str()), (409, "NODE_UNKNOWN"));
    let metrics =
        super::request::request(market.admin, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", &[]);
    let metrics = String::from_utf8(metrics.await.body).unwrap();
    assert!(metrics.contains("kind=\"stamps\"} 2") && metrics.contains("kind=\"relay\"} 2"), "{metrics}");
}
