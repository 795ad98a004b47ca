//! The oracle's HTTP: paths, queries, page tokens, headers and JSON bodies, as one request of any bytes.

use super::oracle::{deployment, place, registration};
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, Uri},
};
use gpux_oracle::{
    api::{Api, Health, Metrics, View, routes},
    publish::Operators,
    score,
};
use gpux_proto::bytes::to_hex;
use tower::ServiceExt as _;

/// The largest answer: a page of everything that this oracle holds.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// One line "METHOD path", one of the header If-None-Match, and the body.
pub(super) fn run(input: &[u8]) {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let (Some(line), Some(tag)) = (parts.next(), parts.next()) else { return };
    let body = parts.next().unwrap_or_default().to_vec();
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some((method, path)) = line.split_once(' ') else { return };
    let Ok(uri) = path.parse::<Uri>() else { return };
    let request = Request::builder().method(method).uri(uri).header("if-none-match", tag);
    let Ok(request) = request.header("content-type", "application/json").body(Body::from(body)) else { return };
    let place = place();
    place.runtime.block_on(async {
        let operators = Operators::fixed(Vec::new(), 1);
        let (market, deployment) = (score::Market::Development, deployment());
        let view = View { market, deployment, epoch_secs: 5, sealed_epochs: 0, operators };
        let api = Api::new(place.store.clone(), place.ingest.clone(), view, Health::new(), Metrics::new());
        let Ok(response) = routes(&api).oneshot(request).await;
        let status = response.status();
        assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "a request made the oracle fail");
        let answer = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.expect("answers are bounded");
        if status.is_client_error() && method != "HEAD" && !answer.is_empty() {
            assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok(), "a refusal is JSON");
        }
    });
}

/// Every path.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let node = to_hex(&super::transcript::keys().node.verifying_key().to_bytes());
    let get = |path: &str| format!("GET {path}\n*\n").into_bytes();
    let body = serde_json::to_string(&registration()).unwrap_or_default();
    let post = |path: &str, body: &str| format!("POST {path}\nx\n{body}").into_bytes();
    let signed = r#"{"payload":"AAAA","signature":"AAAA"}"#;
    vec![
        get("/"),
        get("/v1/nodes?page_size=1&page_token=AQECAwQ&filter=x"),
        get(&format!("/v1/nodes/{node}")),
        get(&format!("/v1/nodes/{node}/reputation")),
        get("/v1/reputations?orderBy=score&page_size=-1"),
        get("/v1/reports?filter=node"),
        get("/v1/reports/0x00"),
        get("/v1/bundles/0x11"),
        get(&format!("/v1/bundles/{node}?valid_until=9&signature=0x00&account=0x11")),
        post("/v1/fishers", &body),
        post("/v1/nodes", r#"{"descriptor":{"payload":"AAAA"},"offer":{"offer":{"chainId":"1"}}}"#),
        post("/v1/commits", signed),
        post("/v1/reports", &format!(r#"{{"report":{signed},"bundle":"AAAA"}}"#)),
    ]
}
