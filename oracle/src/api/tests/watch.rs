//! Streams of changed scores, over both protocols.

use std::time::Duration;

use gpux_proto::{
    bytes::to_hex,
    oracle::{WatchReputationsRequest, WatchReputationsResponse, reputation_service_client::ReputationServiceClient},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpStream,
};
use tonic::{Code, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

use super::market::{Market, node_score};

type Client = ReputationServiceClient<Channel>;

async fn market() -> (Market, Client) {
    let market = Market::open().await;
    for at in 1..=4 {
        market.hold_node([at; 32], if at == 4 { "GeForce RTX 4090" } else { "GeForce RTX 3090" }).await;
    }
    market.publish(4, (1..=4).map(|at| node_score([at; 32], 5_000)).collect()).await;
    let client = Client::new(market.channel().await);
    (market, client)
}

async fn next(stream: &mut Streaming<WatchReputationsResponse>) -> WatchReputationsResponse {
    let message = tokio::time::timeout(Duration::from_secs(20), stream.message()).await;
    message.expect("a message comes in time").unwrap().expect("the stream goes on")
}

fn told(message: &WatchReputationsResponse) -> Vec<(u64, String, u32)> {
    let of = |change: &gpux_proto::oracle::ReputationChange| {
        (change.epoch, change.node.clone(), change.score.as_ref().unwrap().low_bps)
    };
    message.changes.iter().map(of).collect()
}

fn change(epoch: u64, node: u8, low: u32) -> (u64, String, u32) {
    (epoch, to_hex(&[node; 32]), low)
}

/// The events of a stream over HTTP, after its head.
async fn events(market: &Market, path: &str, head: &str) -> Lines<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(market.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n{head}\r\n").as_bytes()).await.unwrap();
    BufReader::new(stream).lines()
}

/// The id and the data of the next event.
async fn event(lines: &mut Lines<BufReader<TcpStream>>) -> (String, serde_json::Value) {
    let read = async {
        let mut id = String::new();
        loop {
            let line = lines.next_line().await.unwrap().expect("the stream goes on");
            if let Some(cursor) = line.strip_prefix("id: ") {
                cursor.clone_into(&mut id);
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("an event comes in time")
}

#[tokio::test]
async fn a_stream_begins_with_all_and_goes_on_with_each_epoch() {
    let (market, mut client) = market().await;
    let mut stream = client.watch_reputations(WatchReputationsRequest::default()).await.unwrap().into_inner();
    let first = next(&mut stream).await;
    assert_eq!(told(&first), [1, 2, 3, 4].map(|at| change(4, at, 5_000)));
    market.publish(5, vec![node_score([2; 32], 6_000)]).await;
    assert_eq!(told(&next(&mut stream).await), [change(5, 2, 6_000)]);
    drop(stream);
    // What closed while nobody listened is told to who comes back, once and as it is now.
    market.publish(6, vec![node_score([3; 32], 1), node_score([1; 32], 7_000)]).await;
    market.publish(7, vec![node_score([3; 32], 2)]).await;
    let request = WatchReputationsRequest { cursor: first.cursor.clone(), ..Default::default() };
    let mut stream = client.watch_reputations(request).await.unwrap().into_inner();
    let again = next(&mut stream).await;
    assert_eq!(told(&again), [change(5, 2, 6_000), change(6, 1, 7_000), change(7, 3, 2)]);

    let head = format!("Last-Event-ID: {}\r\n", first.cursor);
    let mut lines = events(&market, "/v1/reputations/watch", &head).await;
    let (id, data) = event(&mut lines).await;
    assert_eq!((id, data), (again.cursor.clone(), serde_json::to_value(&again).unwrap()));
    market.publish(8, vec![node_score([4; 32], 3)]).await;
    let (id, data) = event(&mut lines).await;
    let grpc = next(&mut stream).await;
    assert_eq!((id, data), (grpc.cursor.clone(), serde_json::to_value(&grpc).unwrap()));
    assert_eq!(told(&grpc), [change(8, 4, 3)]);
}

#[tokio::test]
async fn a_filter_is_told_of_its_nodes_alone_and_its_cursor_moves_on() {
    let (market, mut client) = market().await;
    let request = WatchReputationsRequest { model: "GeForce RTX 4090".into(), ..Default::default() };
    let mut stream = client.watch_reputations(request.clone()).await.unwrap().into_inner();
    let first = next(&mut stream).await;
    assert_eq!(told(&first), [change(4, 4, 5_000)]);
    market.publish(5, vec![node_score([1; 32], 6_000)]).await;
    let other = next(&mut stream).await;
    assert!(other.changes.is_empty() && other.cursor != first.cursor, "{other:?}");
    for (request, status) in [
        (WatchReputationsRequest { cursor: other.cursor.clone(), ..request.clone() }, None),
        (WatchReputationsRequest { cursor: other.cursor.clone(), ..Default::default() }, Some("BAD_PAGE_TOKEN")),
        (WatchReputationsRequest { cursor: "AAAA".into(), ..request.clone() }, Some("BAD_PAGE_TOKEN")),
        (WatchReputationsRequest { model: "x".repeat(65), ..Default::default() }, Some("MALFORMED")),
        (WatchReputationsRequest { provider: "0x1".into(), ..Default::default() }, Some("MALFORMED")),
    ] {
        let answer = client.watch_reputations(request).await;
        let reason = answer.err().map(|status| status.get_details_error_info().unwrap().reason);
        assert_eq!(reason.as_deref(), status);
    }
    let answer = market.get(&format!("/v1/reputations/watch?cursor={}", other.cursor)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (400, "BAD_PAGE_TOKEN"));
}

#[tokio::test]
async fn a_cursor_of_an_epoch_to_come_is_refused_instead_of_waiting() {
    let (ahead, mut client) = market().await;
    ahead.publish(9, vec![node_score([2; 32], 6_000)]).await;
    let mut stream = client.watch_reputations(WatchReputationsRequest::default()).await.unwrap().into_inner();
    let cursor = next(&mut stream).await.cursor;
    let (_behind, mut client) = market().await;
    let status = client.watch_reputations(WatchReputationsRequest { cursor, ..Default::default() }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.get_details_error_info().unwrap().reason, "BAD_PAGE_TOKEN");
}

#[tokio::test]
async fn streams_end_with_the_server_and_say_so() {
    let (market, mut client) = market().await;
    let mut stream = client.watch_reputations(WatchReputationsRequest::default()).await.unwrap().into_inner();
    next(&mut stream).await;
    drop(market);
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.message()).await.expect("at once").unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    assert!(ended.get_details_retry_info().is_some());
}

#[tokio::test]
async fn there_are_so_many_streams_and_a_place_is_free_when_one_ends() {
    let (market, _client) = market().await;
    let mut streams = Vec::new();
    // A connection carries 128 streams.
    for _ in 0..4 {
        let mut client = Client::new(market.channel().await);
        for _ in 0..64 {
            streams.push(client.watch_reputations(WatchReputationsRequest::default()).await.unwrap().into_inner());
        }
    }
    let mut client = Client::new(market.channel().await);
    let full = client.watch_reputations(WatchReputationsRequest::default()).await.unwrap_err();
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert_eq!(market.get("/v1/reputations/watch").await.status, 429);
    assert_eq!(market.get("/v1/reputations").await.status, 200, "reads go on");
    streams.truncate(200);
    let again = async {
        while client.watch_reputations(WatchReputationsRequest::default()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("places are free again");
}
