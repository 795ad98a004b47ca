//! Usage over both protocols: the figures in all, and by day.

use gpux_proto::oracle::{GetUsageRequest, ListDailyUsageRequest, usage_service_client::UsageServiceClient};
use tonic::Code;

use super::market::{FISHER, Market, NOW, deployment, epoch};
use crate::store::{BlockFacts, BlockRef, DAY_SECS, EpochChanges, Power};

const NODE: [u8; 32] = [1; 32];

fn power(verified: u128) -> Power {
    Power { resource: 1, nodes: 4, advertised: 1 << 70, probed_nodes: 2, probed: 900, verified }
}

/// Three consumers rent a node on the day of NOW; the next day nobody does. Epochs end on both.
async fn market() -> Market {
    let market = Market::open().await;
    market.finalise(NODE, &[1, 2, 2 + 4], FISHER, 7).await;
    let block = BlockRef { number: 2, hash: [2; 32], timestamp: NOW + DAY_SECS };
    let (opened, movements, bonds, cases, entries) = Default::default();
    let facts = BlockFacts { block, parent: [1; 32], opened, movements, bonds, cases, entries };
    market.store.apply_block(facts).await.unwrap();
    market.store.finalise(2).await.unwrap();
    let of_day = NOW / deployment().epoch_length_seconds;
    for (number, verified) in [(of_day - 1, 300), (of_day, 400), (of_day + DAY_SECS / 5, 500)] {
        let changes = EpochChanges { power: vec![power(verified)], ..EpochChanges::default() };
        market.store.save_epoch(epoch(number), changes).await.unwrap();
    }
    market
}

#[tokio::test]
async fn usage_in_all_says_what_moved_and_what_is_verified() {
    let market = market().await;
    let mut client = UsageServiceClient::new(market.channel().await);
    let found = client.get_usage(GetUsageRequest {}).await.unwrap().into_inner();
    let usage = found.usage.unwrap();
    // Three consumers and their provider.
    assert_eq!((usage.transactions, usage.rentals, usage.accounts), (3, 3, 4));
    assert_eq!((usage.deposited.as_str(), usage.collected.as_str()), ("3000", "0"));
    assert_eq!(found.update_time.unwrap().seconds, (NOW + DAY_SECS).cast_signed());
    let [power] = found.power.as_slice() else { panic!("{:?}", found.power) };
    assert_eq!((power.resource.as_str(), power.unit.as_str()), ("imma", "op/s"));
    assert_eq!((power.nodes, power.advertised.as_str()), (4, "1180591620717411303424"));
    assert_eq!((power.probed_nodes, power.probed.as_str(), power.verified.as_str()), (2, "900", "500"));
    let answer = market.get("/v1/usage").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["usage"]["deposited"], "3000");
    assert_eq!(answer.json()["power"][0]["verified"], "500");
}

#[tokio::test]
async fn a_market_that_just_began_says_nothing_and_no_zero_power() {
    let market = Market::open().await;
    let found = market.get("/v1/usage").await.json();
    assert!(found.get("power").is_none() && found.get("updateTime").is_none(), "{found}");
    assert_eq!(market.get("/v1/usage/days").await.json(), serde_json::json!({}));
}

#[tokio::test]
async fn days_come_newest_first_with_the_power_at_their_end() {
    let market = market().await;
    let mut client = UsageServiceClient::new(market.channel().await);
    let request = |page_size, page_token: &str| ListDailyUsageRequest { page_size, page_token: page_token.into() };
    let first = client.list_daily_usage(request(1, "")).await.unwrap().into_inner();
    let [day] = first.days.as_slice() else { panic!("{:?}", first.days) };
    assert_eq!((day.date.as_str(), day.new_accounts), ("2027-01-16", 0));
    assert_eq!(day.usage.as_ref().unwrap().transactions, 0);
    assert_eq!(day.power[0].verified, "500");
    let second = client.list_daily_usage(request(5, &first.next_page_token)).await.unwrap().into_inner();
    let [day] = second.days.as_slice() else { panic!("{:?}", second.days) };
    assert_eq!((day.date.as_str(), day.new_accounts), ("2027-01-15", 4));
    assert_eq!(day.power[0].verified, "400", "the last epoch of the day");
    assert_eq!(second.next_page_token, "");

    let refused = client.list_daily_usage(request(-1, "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let nodes = market.get("/v1/nodes?page_size=1").await;
    assert_eq!(nodes.status, 200);
    for path in ["/v1/usage/days?page_token=AAAA", "/v1/usage/days?page_size=x", "/v1/usage/days?day=1"] {
        assert_eq!(market.get(path).await.status, 400, "{path}");
    }
}
