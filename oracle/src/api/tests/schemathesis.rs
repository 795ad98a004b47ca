//! What Schemathesis makes of the OpenAPI document: requests that keep to it and requests that do not, at a real port.
//!
//! `make fuzz-http` installs it and runs this.

use std::process::Stdio;

use tokio::process::Command;

use super::{
    market::Market,
    reputation::{folded, impostor},
};

/// Runs it against a market without these paths; every finding fails.
async fn search(market: &Market, without: &[&str]) {
    let program = std::env::var("GPUX_SCHEMATHESIS").expect("GPUX_SCHEMATHESIS names the program");
    let examples = std::env::var("GPUX_FUZZ_EXAMPLES").unwrap_or_else(|_| "50".into());
    // Whatever it keeps goes with this folder.
    let folder = tempfile::tempdir().unwrap();
    let ended = Command::new(program)
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("http://{}/v1/openapi.json", market.address))
        // What never ends cannot be waited for; its own tests are in `watch`.
        .args(["--exclude-path", "/v1/reputations/watch"])
        .args(without.iter().flat_map(|path| ["--exclude-path", path]))
        .args(["--checks", "not_a_server_error,content_type_conformance,response_schema_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", &examples])
        // How often its own generator starts anew says nothing of the oracle.
        .args(["--suppress-health-check", "filter_too_much,too_slow"])
        .args(["--continue-on-failure", "--no-color", "--request-timeout", "10"])
        .stdin(Stdio::null())
        .status()
        .await
        .expect("Schemathesis starts");
    assert!(ended.success(), "Schemathesis has findings");
    // What the oracle itself counts as its own fault, should a check have missed it.
    let page =
        super::request::request(market.admin, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", &[]);
    let page = String::from_utf8(page.await.body).unwrap();
    let count = |outcome: &str| {
        let name = format!("gpux_oracle_requests_total{{protocol=\"http\",outcome=\"{outcome}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).expect("the counter is there")
    };
    assert_eq!(count("failed"), 0);
    assert!(count("ok") > 20 && count("refused") > 100, "it asked for little:\n{page}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Schemathesis: make fuzz-http"]
async fn schemathesis_finds_nothing_in_an_empty_market() {
    search(&Market::open().await, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Schemathesis: make fuzz-http"]
async fn schemathesis_finds_nothing_in_a_market_with_evidence() {
    // Its log has marks in the place of entries, which nobody can fold.
    search(&impostor().await, &["/v1/nodes/{node}/explanation"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Schemathesis: make fuzz-http"]
async fn schemathesis_finds_nothing_in_a_market_whose_log_folds() {
    search(&folded().await.0, &[]).await;
}
