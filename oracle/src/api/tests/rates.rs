//! Floods, slow writers and deadlines: what is too much is refused with a time to wait, and reads go on.

use std::time::Duration;

use gpux_proto::oracle::{
    CommitReportRequest, ListNodesRequest, evidence_service_client::EvidenceServiceClient,
    registry_service_client::RegistryServiceClient,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{grpc::reason, market::Market, request::request};
use crate::api::Limits;

#[tokio::test]
async fn an_address_reads_its_rate_and_is_told_when_to_come_back() {
    let market = Market::with(0, Limits { reads_per_second: 5, writes_per_second: 0 }).await;
    let mut client = RegistryServiceClient::new(market.channel().await);
    let mut answered = 0;
    let refused = loop {
        match client.list_nodes(ListNodesRequest::default()).await {
            Ok(_) => answered += 1,
            Err(status) => break status,
        }
        assert!(answered < 100, "nothing is refused");
    };
    assert!(answered >= 20, "{answered} at once");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(200), "{wait:?}");
    // One bucket for both protocols, and another for writes.
    let mut answer = market.get("/v1/nodes").await;
    for _ in 0..20 {
        if answer.status == 429 {
            break;
        }
        answer = market.get("/v1/nodes").await;
    }
    assert_eq!((answer.status, answer.reason().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(market.post("/v1/commits", b"{}").await.status, 400);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(market.get("/v1/nodes").await.status, 200);
}

#[tokio::test]
async fn a_flood_of_writes_is_refused_and_reads_go_on() {
    let market = Market::with(0, Limits { reads_per_second: 0, writes_per_second: 2 }).await;
    let mut client = EvidenceServiceClient::new(market.channel().await);
    let mut codes = Vec::new();
    for _ in 0..100 {
        codes.push(client.commit_report(CommitReportRequest::default()).await.unwrap_err().code());
        assert_eq!(market.get("/v1/nodes").await.status, 200);
    }
    let taken = codes.iter().filter(|code| **code == Code::InvalidArgument).count();
    assert!((8..60).contains(&taken), "{taken} of 100 were looked at");
    assert!(codes.iter().all(|code| matches!(code, Code::InvalidArgument | Code::ResourceExhausted)), "{codes:?}");
}

#[tokio::test]
async fn slow_writers_take_no_place_of_reads() {
    let market = Market::open().await;
    let mut slow = Vec::new();
    for _ in 0..crate::api::guard::WRITES_MAX {
        let mut stream = TcpStream::connect(market.address).await.unwrap();
        let head = "POST /v1/commits HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let full = async {
        while market.post("/v1/commits", b"{}").await.status != 429 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), full).await.expect("all places of writes are taken");
    assert_eq!(market.get("/v1/nodes").await.status, 200);
    drop(slow);
    let free = async {
        while market.post("/v1/commits", b"{}").await.status == 429 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.expect("places are free again");
}

#[tokio::test]
async fn a_clients_deadline_is_kept_with_a_reason() {
    let market = Market::open().await;
    // By hand, since tonic's own client gives up by this header too.
    let get =
        |wish: &str| format!("GET /v1/nodes HTTP/1.1\r\nhost: x\r\nconnection: close\r\ngrpc-timeout: {wish}\r\n\r\n");
    let answer = request(market.address, &get("1m"), &[]).await;
    assert_eq!((answer.status, answer.reason().as_str()), (504, "TIMEOUT"));
    for enough in ["20S", "no deadline"] {
        assert_eq!(request(market.address, &get(enough), &[]).await.status, 200, "{enough}");
    }
}
