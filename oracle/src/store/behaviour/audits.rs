//! Relays, stamps, findings and unrevealed commits.

use super::*;

fn relay(key: u8, owner: u8, valid_until: u64) -> Relay {
    Relay {
        relay: digest(key),
        owner: [owner; 20],
        valid_until,
        registration: format!("relay {key} {owner} {valid_until}").into_bytes(),
        entry: format!("entry {key} {owner} {valid_until}").into_bytes(),
    }
}

fn stamps(key: u8, head: u8, epoch: u64) -> Stamps {
    Stamps { relay: digest(key), head: digest(head), owner: [9; 20], epoch, first_us: 50, signed: vec![key, head] }
}

pub(in super::super) async fn a_relay_keeps_its_owner_and_its_longest_registration(store: &dyn Store) {
    assert_eq!(store.relay(digest(1)).await.unwrap(), None);
    assert_eq!(store.register_relay(relay(1, 9, 100)).await.unwrap(), Accepted::New { log_index: 0 });
    assert_eq!(store.register_relay(relay(1, 9, 100)).await.unwrap(), Accepted::Duplicate { log_index: 0 });
    let refused = store.register_relay(relay(1, 8, 200)).await;
    assert!(matches!(refused, Err(Error::RelayOwned(key)) if key == digest(1)), "{refused:?}");
    let refused = store.register_relay(relay(1, 9, 99)).await;
    assert!(matches!(refused, Err(Error::Stale { held: 100, offered: 99 })), "{refused:?}");
    assert_eq!(store.register_relay(relay(1, 9, 101)).await.unwrap(), Accepted::New { log_index: 1 });
    let held = store.relay(digest(1)).await.unwrap().unwrap();
    assert_eq!((held.owner, held.valid_until, held.registration), ([9; 20], 101, b"relay 1 9 101".to_vec()));
    assert_eq!(log_of(store).await, ["entry 1 9 100", "entry 1 9 101"]);
}

pub(in super::super) async fn relays_are_listed_while_they_hold(store: &dyn Store) {
    for (key, until) in [(3, 50), (1, 60), (2, 40), (4, 60)] {
        store.register_relay(relay(key, 9, until)).await.unwrap();
    }
    let keys = |rows: Vec<RelayRow>| rows.iter().map(|row| row.relay[0]).collect::<Vec<_>>();
    assert_eq!(keys(store.relays(40, None, 2).await.unwrap()), [1, 3]);
    assert_eq!(keys(store.relays(40, Some(digest(3)), 2).await.unwrap()), [4]);
    assert_eq!(keys(store.relays(60, None, 9).await.unwrap()), [0; 0]);
}

pub(in super::super) async fn stamps_are_held_once_until_compared_or_old(store: &dyn Store) {
    for key in [1, 2] {
        store.register_relay(relay(key, 9, 100)).await.unwrap();
    }
    for (key, head, epoch) in [(1, 5, 7), (2, 5, 7), (1, 6, 8)] {
        store.accept_stamps(stamps(key, head, epoch)).await.unwrap();
    }
    store.accept_stamps(stamps(1, 5, 9)).await.unwrap();
    let refused = store.accept_stamps(Stamps { signed: vec![0], ..stamps(1, 5, 9) }).await;
    assert!(matches!(refused, Err(Error::StampsHeld(head)) if head == digest(5)), "{refused:?}");
    assert_eq!(store.stamps(digest(1), digest(5)).await.unwrap(), Some(vec![1, 5]));
    // The frame passed earlier: the stamps before were of somebody who repeated its head.
    store.accept_stamps(Stamps { signed: vec![7], first_us: 49, ..stamps(1, 5, 7) }).await.unwrap();
    assert_eq!(store.stamps(digest(1), digest(5)).await.unwrap(), Some(vec![7]));

    let settled = Settled { compared: vec![(digest(1), digest(5))], stamps_before: 7, ..Settled::default() };
    store.append_entries(vec![], settled).await.unwrap();
    assert_eq!(store.stamps(digest(1), digest(5)).await.unwrap(), None);
    assert_eq!(store.stamps(digest(2), digest(5)).await.unwrap(), Some(vec![2, 5]));
    store.append_entries(vec![], Settled { stamps_before: 8, ..Settled::default() }).await.unwrap();
    assert_eq!(store.stamps(digest(2), digest(5)).await.unwrap(), None, "too old");
    assert_eq!(store.stamps(digest(1), digest(6)).await.unwrap(), Some(vec![1, 6]));
}

pub(in super::super) async fn an_owner_holds_so_many_stamps(store: &dyn Store) {
    store.register_relay(relay(1, 9, 100)).await.unwrap();
    let numbered = |number: u32, owner: u8| {
        let mut head = [0; 32];
        head[..4].copy_from_slice(&number.to_le_bytes());
        Stamps { head, owner: [owner; 20], ..stamps(1, 0, 7) }
    };
    let all = (0..=16_384).map(|number| store.accept_stamps(numbered(number, 9)));
    let answers = futures_util::future::join_all(all).await;
    let full = |answer: &Result<()>| matches!(answer, Err(Error::StampsFull { limit: 16_384, .. }));
    assert_eq!(answers.iter().filter(|answer| full(answer)).count(), 1);
    store.accept_stamps(numbered(20_000, 8)).await.unwrap();
}

pub(in super::super) async fn findings_are_told_once_and_when_due(store: &dyn Store) {
    let finding = |fisher: u8, due| Finding { fisher: [fisher; 20], owner: [9; 20], finding: 1, due };
    let found = vec![finding(3, 5), finding(1, 6), finding(2, 5)];
    store.append_entries(vec![b"closed".to_vec()], Settled { found, ..Settled::default() }).await.unwrap();
    assert_eq!(store.findings_due(4, 9).await.unwrap(), []);
    let due = store.findings_due(5, 9).await.unwrap();
    assert_eq!(due.iter().map(|row| row.finding).collect::<Vec<_>>(), [finding(2, 5), finding(3, 5)]);
    let told = due.iter().map(|row| row.sequence).collect();
    store.append_entries(vec![b"told".to_vec()], Settled { told, ..Settled::default() }).await.unwrap();
    let rest = store.findings_due(6, 9).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.finding).collect::<Vec<_>>(), [finding(1, 6)]);
    let refused = Settled { found: vec![finding(1, u64::MAX)], ..Settled::default() };
    assert!(store.append_entries(vec![b"never".to_vec()], refused).await.is_err());
    assert_eq!(log_of(store).await, ["closed", "told"]);
}

pub(in super::super) async fn a_commit_that_was_counted_as_unrevealed_is_none(store: &dyn Store) {
    for (report, fisher) in [(1, 1), (1, 2), (2, 1), (3, 1)] {
        store.accept_commit(commit_of(report, fisher)).await.unwrap();
    }
    store.accept_report(report_of(1, 1, 1)).await.unwrap();
    let keys = |rows: Vec<CommitRow>| rows.iter().map(|row| (row.report[0], row.fisher[0])).collect::<Vec<_>>();
    // The stranger who committed another's id did not reveal it.
    assert_eq!(keys(store.unrevealed(0..8, 9).await.unwrap()), [(1, 2), (2, 1), (3, 1)]);
    assert_eq!(keys(store.unrevealed(8..99, 9).await.unwrap()), []);
    let settled = Settled { unrevealed: vec![(digest(2), [1; 20])], ..Settled::default() };
    store.append_entries(vec![], settled).await.unwrap();
    assert_eq!(keys(store.unrevealed(0..8, 9).await.unwrap()), [(1, 2), (3, 1)]);
    assert!(store.commit(digest(2), [1; 20]).await.unwrap().unwrap().unrevealed);
    let refused = store.accept_report(report_of(2, 1, 1)).await;
    assert!(matches!(refused, Err(Error::NotCommitted(id)) if id == digest(2)), "{refused:?}");
    store.accept_report(report_of(3, 1, 1)).await.unwrap();
}
