//! HTTP as a protocol: paths, methods, bodies, tags.

use gpux_proto::{bytes::to_hex, evidence::Probe};

use super::{
    market::{FISHER, Market, pass},
    request::request,
};

const NODE: [u8; 32] = [0x11; 32];

#[tokio::test]
async fn every_error_is_json_with_its_reason() {
    let market = Market::open().await;
    let unknown = to_hex(&[7; 32]);
    for (path, status, reason) in [
        ("/v2/nodes".to_owned(), 404, "NOT_FOUND"),
        (format!("/v1/nodes/{unknown}"), 404, "NOT_FOUND"),
        (format!("/v1/nodes/{unknown}/reputation"), 404, "NOT_FOUND"),
        (format!("/v1/reports/{unknown}"), 404, "NOT_FOUND"),
        (format!("/v1/bundles/{unknown}"), 404, "NOT_FOUND"),
        ("/v1/nodes/0xabc".to_owned(), 400, "MALFORMED"),
        ("/v1/nodes/%ff".to_owned(), 400, "MALFORMED"),
        ("/v1/bundles/zz".to_owned(), 400, "MALFORMED"),
        ("/v1/nodes?page_size=-1".to_owned(), 400, "MALFORMED"),
        ("/v1/nodes?page_size=many".to_owned(), 400, "MALFORMED"),
        ("/v1/nodes?pagesize=1".to_owned(), 400, "MALFORMED"),
        ("/v1/reputations?order_by=price".to_owned(), 400, "MALFORMED"),
        ("/v1/reports?node=0x12".to_owned(), 400, "MALFORMED"),
    ] {
        let answer = market.get(&path).await;
        assert_eq!((answer.status, answer.reason().as_str()), (status, reason), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
    let answer = market.post("/v1/reputations", b"{}").await;
    assert_eq!((answer.status, answer.reason().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert!(answer.header("allow").unwrap().contains("GET"));
}

#[tokio::test]
async fn malformed_and_oversized_bodies_are_refused() {
    let market = Market::open().await;
    let paths = ["/v1/nodes", "/v1/fishers", "/v1/commits", "/v1/reports"];
    let nested = "[".repeat(100_000);
    for path in paths {
        for body in ["", "{", "[]", "\"x\"", "{\"unknown\": 1}", nested.as_str(), "\u{0}"] {
            let answer = market.post(path, body.as_bytes()).await;
            assert_eq!((answer.status, answer.reason().as_str()), (400, "MALFORMED"), "{path} {body:.20}");
        }
    }
    let large = vec![b' '; 8 << 20];
    for path in paths {
        let answer = market.post(path, &large).await;
        assert_eq!((answer.status, answer.reason().as_str()), (413, "OVERSIZED"), "{path}");
    }
}

#[tokio::test]
async fn reads_have_tags_and_heads_and_may_come_from_any_page() {
    let market = Market::open().await;
    market.hold_node(NODE, "GeForce RTX 3090").await;
    let path = format!("/v1/nodes/{}", to_hex(&NODE));
    let answer = market.get(&path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json()["node"]["name"], format!("nodes/{}", to_hex(&NODE)));
    let tag = answer.header("etag").unwrap();
    let ask = |method: &str, header: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n\r\n")
    };
    let same = request(market.address, &ask("GET", &format!("if-none-match: W/\"x\", {tag}")), &[]).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(tag)));
    let other = request(market.address, &ask("GET", "if-none-match: \"other\""), &[]).await;
    assert_eq!(other.status, 200);
    let head = request(market.address, &ask("HEAD", "origin: https://example.org"), &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("access-control-allow-origin"), Some("*"));
    assert_eq!(head.header("content-length").unwrap(), answer.body.len().to_string());
}

#[tokio::test]
async fn the_first_page_says_what_this_is_and_whose_parameters() {
    let market = Market::open().await;
    let page = market.get("/").await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && text.contains("development parameters") && text.lines().count() == 1, "{text}");
}

#[tokio::test]
async fn reports_are_listed_newest_first_to_the_end_and_served_with_their_bundle() {
    let market = Market::open().await;
    let other = [0x12; 32];
    market.hold_node(NODE, "GeForce RTX 3090").await;
    market.hold_node(other, "GeForce RTX 3090").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(market.hold_report(number, &pass(NODE, Probe::Imma, number, (64, 9, 9))).await);
    }
    market.hold_report(9, &pass(other, Probe::Vram, 9, (32, 5, 10))).await;
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("/v1/reports?node={}&pageSize=2&pageToken={token}", to_hex(&NODE));
        let page = market.get(&path).await.json();
        seen.extend(
            page["reports"].as_array().unwrap().iter().map(|report| report["name"].as_str().unwrap().to_owned()),
        );
        match page["nextPageToken"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<_> = ids.iter().rev().map(|id| format!("reports/{}", to_hex(id))).collect();
    assert_eq!(seen, expected);
    // The token of one node's list is none of another's.
    let page = market.get(&format!("/v1/reports?node={}&pageSize=1", to_hex(&NODE))).await.json();
    let stolen = page["nextPageToken"].as_str().unwrap();
    for path in
        [format!("/v1/reports?pageToken={stolen}"), format!("/v1/reports?node={}&pageToken={stolen}", to_hex(&other))]
    {
        assert_eq!(market.get(&path).await.reason(), "BAD_PAGE_TOKEN");
    }
    let all = market.get("/v1/reports").await.json();
    let newest = &all["reports"][0];
    assert_eq!(all["reports"].as_array().unwrap().len(), 6);
    assert_eq!(newest["resource"], "vram");
    assert_eq!((&newest["measured"], &newest["expected"], &newest["xBps"]), (&"5".into(), &"10".into(), &5_000.into()));
    assert_eq!(newest["fisher"], to_hex(&FISHER));
    assert_eq!((&newest["outcome"], &newest["simulated"]), (&"OUTCOME_PASS".into(), &true.into()));

    let report = market.get(&format!("/v1/{}", newest["name"].as_str().unwrap())).await.json();
    assert_eq!(&report["summary"], newest);
    assert!(report["report"]["payload"].is_string());
    let bundle = market.get(&format!("/v1/bundles/{}", newest["bundleDigest"].as_str().unwrap())).await;
    assert_eq!((bundle.status, bundle.body.as_slice()), (200, &9_u32.to_be_bytes()[..]));
    assert_eq!(bundle.header("content-type"), Some("application/octet-stream"));
}

#[tokio::test]
async fn the_admin_port_tells_health_and_counts() {
    let market = Market::open().await;
    let ask = async |path: &str| {
        request(market.admin, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), &[]).await
    };
    market.get("/v1/nodes/zz").await;
    market.get("/v1/nodes").await;
    assert_eq!(ask("/healthz").await.status, 200);
    let page = String::from_utf8(ask("/metrics").await.body).unwrap();
    for line in [
        "gpux_oracle_requests_total{protocol=\"http\",outcome=\"ok\"} 1",
        "gpux_oracle_requests_total{protocol=\"http\",outcome=\"refused\"} 1",
    ] {
        assert!(page.lines().any(|l| l == line), "{line} is missing in\n{page}");
    }
    market.health.set_chain(false);
    let ready = ask("/readyz").await;
    assert_eq!((ready.status, &ready.json()["chain"]), (503, &false.into()));
}
