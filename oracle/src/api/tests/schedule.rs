//! The schedule over both protocols.

use gpux_kernels::{ProbeId, assignment::Schedule};
use gpux_proto::oracle::{GetScheduleRequest, schedule_service_client::ScheduleServiceClient};

use super::market::{FISHER, Market, NOW};

/// The epoch of the one final block.
const EPOCH: u64 = (NOW - 60) / 5;

async fn market() -> Market {
    let market = Market::open().await;
    market.finalise([1; 32], &[], FISHER, 0).await;
    let mut schedule = Schedule::default();
    for node in 1..=5 {
        schedule.push([node; 32], [(ProbeId::Imma, 7), (ProbeId::Vram, 1_000_000)]).unwrap();
    }
    market.schedules.keep(EPOCH - 1, schedule);
    market
}

#[tokio::test]
async fn a_schedule_is_read_in_pages_that_belong_together() {
    let market = market().await;
    let mut client = ScheduleServiceClient::new(market.channel().await);
    let (mut nodes, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = GetScheduleRequest { epoch: 0, page_size: 2, page_token };
        let page = client.get_schedule(request).await.unwrap().into_inner();
        let schedule = page.schedule.unwrap();
        assert_eq!((schedule.epoch, schedule.slots, schedule.epoch_seconds), (EPOCH, 12, 5));
        assert_eq!(schedule.beacon, [1; 32]);
        nodes.extend(schedule.nodes);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // A newer one does not mix into the pages.
        market.schedules.keep(EPOCH, Schedule::default());
        let foreign = GetScheduleRequest { epoch: EPOCH - 1, page_size: 2, page_token: page_token.clone() };
        assert_eq!(client.get_schedule(foreign).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    }
    let keys: Vec<_> = nodes.iter().map(|node| node.node[0]).collect();
    assert_eq!(keys, [1, 2, 3, 4, 5]);
    assert_eq!(nodes[0].resources.iter().map(|r| (r.probe, r.index)).collect::<Vec<_>>(), [(1, 7), (6, 1_000_000)]);
}

#[tokio::test]
async fn a_named_epochs_schedule_may_be_kept_and_the_newest_is_asked_for_again() {
    let market = market().await;
    let named = market.get(&format!("/v1/schedule?epoch={EPOCH}")).await;
    let newest = market.get("/v1/schedule").await;
    assert_eq!((named.status, newest.status), (200, 200));
    assert_eq!(named.json(), newest.json());
    assert_eq!(named.json()["schedule"]["nodes"].as_array().unwrap().len(), 5);
    assert!(named.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(newest.header("cache-control"), Some("no-cache"));
    assert_eq!(named.header("etag"), newest.header("etag"));
}

#[tokio::test]
async fn an_epoch_without_a_schedule_has_none_yet_or_not_any_more() {
    let market = Market::open().await;
    assert_eq!(market.get("/v1/schedule").await.status, 404);
    let market = self::market().await;
    for (epoch, retryable) in [(EPOCH + 1, true), (EPOCH - 1, false), (u64::MAX, true)] {
        let answer = market.get(&format!("/v1/schedule?epoch={epoch}")).await;
        assert_eq!((answer.status, answer.json()["retryable"].as_bool()), (404, Some(retryable)), "{epoch}");
    }
    let wrong = market.get(&format!("/v1/schedule?epoch={EPOCH}&page_size=-1")).await;
    assert_eq!((wrong.status, wrong.json()["reason"].as_str()), (400, Some("MALFORMED")));
}
