//! The explorer's pages, built or not.

use super::{
    market::{Market, deployment},
    request::request,
};

#[tokio::test]
async fn a_browser_is_led_to_the_explorer_and_a_program_is_not() {
    let market = Market::open().await;
    let head = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: text/html,*/*\r\n\r\n";
    let answer = request(market.address, head, &[]).await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("/explorer/")));
    assert_eq!(market.get("/").await.status, 200);
}

#[tokio::test]
async fn pages_say_what_may_run_in_them_or_that_they_were_not_built() {
    let market = Market::open().await;
    for path in ["/explorer/", "/explorer/nodes/0x12?x=%3Cscript%3E", "/explorer/cases"] {
        let page = market.get(path).await;
        if page.status == 404 {
            assert!(String::from_utf8_lossy(&page.body).contains("make explorer"), "{path}");
        } else {
            assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        }
    }
    for path in ["/explorer/assets/none.js", "/explorer/assets/../../Cargo.toml"] {
        let missing = market.get(path).await;
        assert!(
            missing.status == 404 || missing.header("content-type").is_some_and(|kind| kind.contains("html")),
            "{path}"
        );
        assert!(!String::from_utf8_lossy(&missing.body).contains("[package]"), "{path}");
    }
}

#[tokio::test]
async fn the_pages_learn_which_market_this_is() {
    let market = Market::open().await;
    let told = market.get("/explorer/market.json").await.json();
    assert_eq!((told["chainId"].as_str(), told["development"].as_bool()), (Some("31337"), Some(true)));
    assert_eq!(told["contracts"]["court"], format!("{:#x}", deployment().court));
    assert_eq!(told["parameters"]["meanBps"], 9_200);
    // 64-bit numbers and amounts are text, as everywhere in the API.
    assert!(told["parameters"]["fullWeightBond"].is_string() && told["parameters"]["halfLifeSecs"].is_string());
}
