//! The market, nodes and fishers.

use super::*;

pub(in super::super) async fn a_store_belongs_to_one_market(store: &dyn Store) {
    store.claim(b"chain 10").await.unwrap();
    store.claim(b"chain 10").await.unwrap();
    assert!(matches!(store.claim(b"chain 31337").await, Err(Error::ForeignMarket)));
    store.ping().await.unwrap();
}

pub(in super::super) async fn a_description_is_replaced_by_newer_ones_only(store: &dyn Store) {
    assert_eq!(store.node(digest(1)).await.unwrap(), None);
    assert_eq!(store.announce_node(node(1, 5, 100)).await.unwrap(), Accepted::New { log_index: 0 });
    assert_eq!(store.announce_node(node(1, 5, 100)).await.unwrap(), Accepted::Duplicate { log_index: 0 });
    for stale in [node(1, 4, 900), node(1, 5, 99)] {
        let refused = store.announce_node(stale).await;
        assert!(matches!(refused, Err(Error::Stale { held: 5, .. })), "{refused:?}");
    }
    assert_eq!(store.announce_node(node(1, 5, 101)).await.unwrap(), Accepted::New { log_index: 1 });
    assert_eq!(store.announce_node(node(1, 6, 50)).await.unwrap(), Accepted::New { log_index: 2 });
    let held = store.node(digest(1)).await.unwrap().unwrap();
    assert_eq!(held.description, b"description 1 6 50");
    assert_eq!((held.sequence, held.first_seen, held.last_seen), (6, 1_005, 1_006));
    assert_eq!((held.provider, held.organisation, held.descriptor_digest), ([1; 20], None, digest(101)));
    assert_eq!(log_of(store).await, ["node 1 5 100", "node 1 5 101", "node 1 6 50"]);
}

pub(in super::super) async fn a_registration_is_replaced_by_longer_ones_only(store: &dyn Store) {
    let fisher = |key: u8, valid_until: u64| Fisher {
        fisher: [9; 20],
        report_key: digest(key),
        valid_until,
        chain: Chain { end: digest(key), epoch: 7 },
        registration: vec![key],
        entry: vec![b'a' + key],
    };
    assert_eq!(store.register_fisher(fisher(1, 100)).await.unwrap(), Accepted::New { log_index: 0 });
    assert_eq!(store.register_fisher(fisher(1, 100)).await.unwrap(), Accepted::Duplicate { log_index: 0 });
    let refused = store.register_fisher(fisher(2, 100)).await;
    assert!(matches!(refused, Err(Error::Stale { held: 100, offered: 100 })));
    store.register_fisher(fisher(2, 101)).await.unwrap();
    let refused = store.register_fisher(fisher(1, 100)).await;
    assert!(matches!(refused, Err(Error::Stale { held: 101, offered: 100 })));
    let held = store.fisher([9; 20]).await.unwrap().unwrap();
    assert_eq!((held.report_key, held.valid_until, held.registration), (digest(2), 101, vec![2]));
    assert_eq!(store.fisher([8; 20]).await.unwrap(), None);
    assert_eq!(log_of(store).await, ["b", "c"]);
}

pub(in super::super) async fn a_chain_is_in_force_after_its_epoch(store: &dyn Store) {
    for (valid_until, key, epoch) in [(100, 1, 7), (101, 2, 20), (102, 3, 20), (103, 3, 20)] {
        let chain = Chain { end: digest(key), epoch };
        let registration = vec![valid_until as u8];
        let (report_key, entry) = (digest(9), registration.clone());
        let fisher = Fisher { fisher: [9; 20], report_key, valid_until, chain, registration, entry };
        store.register_fisher(fisher).await.unwrap();
    }
    let mut found = Vec::new();
    for epoch in [0, 7, 8, 20, 21, 1_000] {
        found.push(store.chain([9; 20], epoch).await.unwrap().map(|chain| (chain.end[0], chain.epoch)));
    }
    assert_eq!(found, [None, None, Some((1, 7)), Some((1, 7)), Some((3, 20)), Some((3, 20))]);
    assert_eq!(store.chain([8; 20], 1_000).await.unwrap(), None);
}

pub(in super::super) async fn nodes_are_listed_by_key(store: &dyn Store) {
    for key in [4, 1, 3, 2, 5] {
        store.announce_node(node(key, 1, 1)).await.unwrap();
    }
    let keys = |rows: Vec<NodeRow>| rows.iter().map(|row| row.node[0]).collect::<Vec<_>>();
    assert_eq!(keys(store.nodes(None, 2).await.unwrap()), [1, 2]);
    assert_eq!(keys(store.nodes(Some(digest(2)), 2).await.unwrap()), [3, 4]);
    assert_eq!(keys(store.nodes(Some(digest(4)), 2).await.unwrap()), [5]);
    assert_eq!(store.nodes(Some(digest(5)), 2).await.unwrap(), []);
}

pub(in super::super) async fn values_out_of_range_are_refused_and_leave_nothing(store: &dyn Store) {
    let refused = store.announce_node(node(1, u64::MAX, 1)).await;
    assert!(matches!(refused, Err(Error::OutOfRange { field: "sequence", value: u64::MAX })), "{refused:?}");
    let refused = store.accept_commit(Commit { epoch: u64::MAX, ..commit_of(1, 1) }).await;
    assert!(matches!(refused, Err(Error::OutOfRange { field: "epoch", .. })), "{refused:?}");
    store.accept_commit(commit_of(1, 1)).await.unwrap();
    let refused = store.accept_report(Report { due: u64::MAX, ..report_of(1, 1, 1) }).await;
    assert!(matches!(refused, Err(Error::OutOfRange { field: "due epoch", .. })), "{refused:?}");
    assert_eq!(store.accept_report(report_of(1, 1, 1)).await.unwrap(), Accepted::New { log_index: 1 });
    assert_eq!(store.node(digest(1)).await.unwrap(), None);
    assert_eq!(log_of(store).await, ["commit 1 1", "report 1"]);
}
