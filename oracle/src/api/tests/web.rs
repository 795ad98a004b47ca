//! gRPC-Web and lists as CSV: what browsers and spreadsheets read.

use gpux_proto::oracle::GetUsageResponse;
use prost::Message as _;

use super::{
    market::{FISHER, Market, node_score},
    request::request,
};
use crate::api::tests::request::Answer;

const NODE: [u8; 32] = [0x11; 32];

async fn called(market: &Market, path: &str, kind: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: https://example.org\r\nx-grpc-web: 1\r\n\
         content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request(market.address, &head, body).await
}

/// The frames of an answer: (is it the trailers, its bytes).
fn frames(mut body: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        frames.push((head[0] & 0x80 != 0, rest[..length].to_vec()));
        body = &rest[length..];
    }
    frames
}

#[tokio::test]
async fn a_browser_calls_any_service_and_reads_its_status() {
    let market = Market::open().await;
    market.finalise(NODE, &[1, 2], FISHER, 5).await;
    let path = "/gpux.oracle.v1.UsageService/GetUsage";
    let answer = called(&market, path, "application/grpc-web+proto", &[0; 5]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/grpc-web+proto"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let frames = frames(&answer.body);
    let [(false, message), (true, trailers)] = frames.as_slice() else { panic!("{answer:?}") };
    let usage = GetUsageResponse::decode(message.as_slice()).unwrap().usage.unwrap();
    assert_eq!((usage.rentals, usage.deposited.as_str()), (2, "2000"));
    assert!(String::from_utf8_lossy(trailers).contains("grpc-status:0"));
    let unknown = called(&market, "/gpux.oracle.v1.UsageService/Nothing", "application/grpc-web", &[0; 5]).await;
    let told = format!("{:?}{}", unknown.header("grpc-status"), String::from_utf8_lossy(&unknown.body));
    assert!(told.contains("12"), "{told}");
}

#[tokio::test]
async fn a_browser_may_ask_first_and_other_requests_go_through_as_before() {
    let market = Market::open().await;
    let head = "OPTIONS /gpux.oracle.v1.UsageService/GetUsage HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                origin: https://example.org\r\naccess-control-request-method: POST\r\n\
                access-control-request-headers: content-type,x-grpc-web\r\n\r\n";
    let answer = request(market.address, head, &[]).await;
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (200, Some("POST")));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("x-grpc-web"));
    assert_eq!(market.get("/v1/usage").await.status, 200);
    let cut = called(&market, "/gpux.oracle.v1.UsageService/GetUsage", "application/grpc-web", &[0, 0, 0, 0, 9]).await;
    assert!(cut.status < 500, "{cut:?}");
}

#[tokio::test]
async fn a_list_is_rows_for_a_spreadsheet() {
    let market = Market::open().await;
    for node in 1..=3 {
        market.hold_node([node; 32], "GeForce RTX 3090").await;
    }
    market.publish(4, (1..=3).map(|node| node_score([node; 32], 1_000 * u16::from(node))).collect()).await;
    let page = market.get("/v1/reputations?pageSize=2&format=csv").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let mut reader = csv::Reader::from_reader(page.body.as_slice());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (name, low, claim) = (column("name"), column("score.lowBps"), column("claim"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let found: Vec<_> = rows.iter().map(|row| (&row[low], &row[claim])).collect();
    assert_eq!(found, [("3000", "1 x GeForce RTX 3090"), ("2000", "1 x GeForce RTX 3090")]);
    assert!(rows[0][name].starts_with("nodes/0x03"));
    // The next page is where the header says, with the same columns.
    let link = page.header("link").unwrap();
    let path = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    let next = market.get(path).await;
    let mut reader = csv::Reader::from_reader(next.body.as_slice());
    assert_eq!(reader.headers().unwrap(), &header);
    assert_eq!((reader.records().count(), next.header("link")), (1, None));

    let tag = page.header("etag").unwrap();
    let head = |extra: &str| {
        format!(
            "GET /v1/reputations?pageSize=2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: text/csv\r\n{extra}\r\n\r\n"
        )
    };
    let same = request(market.address, &head(&format!("if-none-match: {tag}")), &[]).await;
    assert_eq!(same.status, 304);
    let json = market.get("/v1/reputations?pageSize=2&format=json").await;
    assert_eq!(json.json()["reputations"].as_array().unwrap().len(), 2);
    for path in ["/v1/reputations?format=xml", "/v1/reputations?format=csv&pageSize=x", "/v1/nodes/0x?format=csv"] {
        assert_eq!(market.get(path).await.status, 400, "{path}");
    }
}
