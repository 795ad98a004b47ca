//! How much the market is used, by day.

use super::*;
use crate::store::behaviour::chain::{block, moved, opened};

/// A block at a moment of a day.
fn on(day: u64, number: u64) -> BlockFacts {
    let mut facts = block(number, 1);
    facts.block.timestamp = day * DAY_SECS + number;
    facts
}

fn power(resource: u32, verified: u128) -> Power {
    Power { resource, nodes: 3, advertised: u128::MAX, probed_nodes: 2, probed: u128::MAX - 1, verified }
}

pub(in super::super) async fn usage_counts_final_blocks_once_by_day(store: &dyn Store) {
    assert_eq!((store.usage().await.unwrap(), store.usage_days(None, 9).await.unwrap()), (Usage::default(), vec![]));
    // One transaction opens two rentals of consumer 9 on node 4, another one of consumer 8; all of provider 4.
    let mut first = vec![opened(0, 1, 4, 9, 100), opened(1, 2, 4, 9, 10), opened(2, 3, 4, 8, 1)];
    first[1].transaction = first[0].transaction;
    store.apply_block(BlockFacts { opened: first, ..on(5, 1) }).await.unwrap();
    let movements = vec![moved(0, 1, MovementKind::ToppedUp, 7), moved(1, 2, MovementKind::Refunded, 4)];
    store.apply_block(BlockFacts { movements, ..on(5, 2) }).await.unwrap();
    store.apply_block(on(6, 3)).await.unwrap();
    let movements = vec![moved(0, 1, MovementKind::Collected, 30), moved(1, 1, MovementKind::Slashed, 20)];
    store.apply_block(BlockFacts { movements, opened: vec![opened(2, 5, 4, 7, 2)], ..on(7, 4) }).await.unwrap();
    assert_eq!(store.usage().await.unwrap(), Usage::default(), "nothing is final");
    for number in [1, 1, 2, 3, 4, 4] {
        store.finalise(number).await.unwrap();
    }
    let fifth = Usage { transactions: 4, rentals: 3, accounts: 3, deposited: 118, refunded: 4, ..Usage::default() };
    // The slash is no transaction for compute; provider 4 was seen before, consumer 7 was not.
    let seventh = Usage {
        transactions: 2,
        rentals: 1,
        accounts: 2,
        deposited: 2,
        collected: 30,
        slashed: 20,
        ..Usage::default()
    };
    let day = |day, usage, new_accounts| UsageDay { day, usage, new_accounts };
    let days = [day(7, seventh, 1), day(6, Usage::default(), 0), day(5, fifth, 3)];
    assert_eq!(store.usage_days(None, 9).await.unwrap(), days);
    assert_eq!(store.usage_days(None, 2).await.unwrap(), days[..2]);
    assert_eq!(store.usage_days(Some(6), 2).await.unwrap(), days[2..]);
    let total =
        Usage { transactions: 6, rentals: 4, accounts: 4, deposited: 120, refunded: 4, collected: 30, slashed: 20 };
    assert_eq!(store.usage().await.unwrap(), total);
    // A day goes on in a later block; what is lost in a reorganisation never counted.
    let lost = BlockFacts { opened: vec![opened(0, 6, 4, 6, 1_000)], ..on(7, 5) };
    store.apply_block(lost).await.unwrap();
    store.roll_back_to(4).await.unwrap();
    let late = BlockFacts { movements: vec![moved(0, 3, MovementKind::ToppedUp, 5)], ..on(7, 6) };
    store.apply_block(late).await.unwrap();
    store.finalise(6).await.unwrap();
    let held = store.usage_days(None, 1).await.unwrap();
    let seventh = Usage { transactions: 3, accounts: 3, deposited: 7, ..seventh };
    assert_eq!(held, [day(7, seventh, 1)]);
}

pub(in super::super) async fn power_is_that_of_the_newest_epoch_of_a_range(store: &dyn Store) {
    assert_eq!(store.power(0..u64::MAX).await.unwrap(), None);
    for (number, power) in [(3, vec![power(2, 5), power(1, 4)]), (5, vec![power(1, 6)]), (6, vec![])] {
        let changes = EpochChanges { power, ..EpochChanges::default() };
        store.save_epoch(epochs::epoch(number), changes.clone()).await.unwrap();
        // Again, as after a crash.
        store.save_epoch(epochs::epoch(number), changes).await.unwrap();
    }
    assert_eq!(store.power(0..u64::MAX).await.unwrap(), Some((5, vec![power(1, 6)])));
    assert_eq!(store.power(0..5).await.unwrap(), Some((3, vec![power(1, 4), power(2, 5)])));
    assert_eq!(store.power(4..5).await.unwrap(), None);
    assert_eq!(store.power(6..9).await.unwrap(), None);
}
