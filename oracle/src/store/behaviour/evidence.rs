//! Commits, reports, blobs and the log.

use futures_util::future::join_all;

use super::*;
use crate::log::{Frontier, Inclusion, inclusion_nodes, leaf_hash};

pub(in super::super) async fn a_commit_is_held_once_for_each_fisher(store: &dyn Store) {
    assert_eq!(store.accept_commit(commit_of(1, 1)).await.unwrap(), Accepted::New { log_index: 0 });
    // Another fisher may claim the same report: only its author's reveal will fit.
    assert_eq!(store.accept_commit(commit_of(1, 2)).await.unwrap(), Accepted::New { log_index: 1 });
    let again = Commit { epoch: 99, ..commit_of(1, 1) };
    assert_eq!(store.accept_commit(again).await.unwrap(), Accepted::Duplicate { log_index: 0 });
    let held = store.commit(digest(1), [1; 20]).await.unwrap().unwrap();
    assert_eq!((held.epoch, held.unrevealed, held.log_index), (7, false, 0));
    assert_eq!(store.commit(digest(1), [3; 20]).await.unwrap(), None);
    assert_eq!(log_of(store).await, ["commit 1 1", "commit 1 2"]);
}

pub(in super::super) async fn a_report_needs_its_commit(store: &dyn Store) {
    store.accept_commit(commit_of(1, 2)).await.unwrap();
    for stranger in [report_of(2, 2, 1), report_of(1, 1, 1)] {
        let refused = store.accept_report(stranger.clone()).await;
        assert!(matches!(refused, Err(Error::NotCommitted(id)) if id == stranger.id), "{refused:?}");
    }
    assert_eq!(store.report(digest(1)).await.unwrap(), None);
    assert_eq!(log_of(store).await, ["commit 1 2"]);
}

pub(in super::super) async fn a_report_is_held_once(store: &dyn Store) {
    store.accept_commit(commit_of(2, 1)).await.unwrap();
    assert_eq!(store.accept_report(report_of(2, 1, 5)).await.unwrap(), Accepted::New { log_index: 1 });
    let again = Report { epoch: 50, signed: vec![0], ..report_of(2, 1, 5) };
    assert_eq!(store.accept_report(again).await.unwrap(), Accepted::Duplicate { log_index: 1 });
    let held = store.report(digest(2)).await.unwrap().unwrap();
    assert_eq!((held.id, held.node, held.fisher, held.rental), (digest(2), digest(5), [1; 20], digest(2)));
    assert_eq!((held.resource, held.epoch, held.due), (1, 8, 9));
    assert_eq!((held.bundle, held.signed, held.folded), (Some(digest(2)), b"signed 2".to_vec(), false));
    assert_eq!(log_of(store).await, ["commit 2 1", "report 2"]);
}

pub(in super::super) async fn a_rental_is_reported_once(store: &dyn Store) {
    for id in [1, 2] {
        store.accept_commit(commit_of(id, 1)).await.unwrap();
    }
    assert_eq!(store.rental_report(digest(1)).await.unwrap(), None);
    store.accept_report(report_of(1, 1, 1)).await.unwrap();
    // One payment buys one report, whatever resource a second is about.
    let second = Report { rental: digest(1), resource: 6, ..report_of(2, 1, 1) };
    let refused = store.accept_report(second).await;
    assert!(matches!(refused, Err(Error::RentalReported(rental)) if rental == digest(1)), "{refused:?}");
    assert_eq!(store.rental_report(digest(1)).await.unwrap(), Some(digest(1)));
    assert_eq!(store.report(digest(2)).await.unwrap(), None);
}

pub(in super::super) async fn an_assignment_is_reported_once(store: &dyn Store) {
    let slot = |epoch, number| Some(Slot { epoch, number });
    let assigned = |id, fisher, slot| Report { slot, ..report_of(id, fisher, 1) };
    for (report, fisher) in [(1, 1), (2, 1), (3, 1), (4, 2), (5, 1), (6, 1)] {
        store.accept_commit(commit_of(report, fisher)).await.unwrap();
    }
    store.accept_report(assigned(1, 1, slot(5, 0))).await.unwrap();
    let refused = store.accept_report(assigned(2, 1, slot(5, 0))).await;
    assert!(matches!(refused, Err(Error::SlotReported(Slot { epoch: 5, number: 0 }))), "{refused:?}");
    let again = store.accept_report(assigned(1, 1, slot(5, 0))).await.unwrap();
    assert!(matches!(again, Accepted::Duplicate { .. }));
    // Another slot, another fisher, another epoch, and none at all.
    store.accept_report(assigned(3, 1, slot(5, 1))).await.unwrap();
    store.accept_report(assigned(4, 2, slot(5, 0))).await.unwrap();
    store.accept_report(assigned(5, 1, slot(6, 0))).await.unwrap();
    store.accept_report(assigned(6, 1, None)).await.unwrap();
    // What was refused holds neither its rental nor its slot.
    store.accept_report(assigned(2, 1, slot(7, 0))).await.unwrap();
}

pub(in super::super) async fn concurrent_writes_are_each_answered_once(store: &dyn Store) {
    // Each commit and each report comes three times at once, with refused ones and other writes between them.
    let commits = (0..180_u8).map(|i| store.accept_commit(commit_of(i / 3, 1)));
    let news = |answers: Vec<Result<Accepted>>| {
        let new = |a: &Result<Accepted>| matches!(a, Ok(Accepted::New { .. }));
        answers.iter().filter(|answer| new(answer)).count()
    };
    assert_eq!(news(join_all(commits).await), 60);
    let reports = (0..240_u8).map(|i| store.accept_report(report_of(i / 3, 1, 1)));
    let nodes = (0..10_u8).map(|key| store.announce_node(node(key, u64::from(key) % 2 * u64::MAX, 1)));
    let (reports, nodes) = tokio::join!(join_all(reports), join_all(nodes));
    assert_eq!(reports.iter().filter(|answer| matches!(answer, Err(Error::NotCommitted(_)))).count(), 60);
    assert_eq!((news(reports), news(nodes)), (60, 5));
    let entries = store.log_entries(0, 1_000).await.unwrap();
    assert_eq!(entries.len(), 125);
    let mut frontier = Frontier::new();
    for entry in &entries {
        assert_eq!(entry.index, frontier.size());
        frontier.append(leaf_hash(&entry.bytes));
    }
    assert_eq!(store.log_head().await.unwrap(), (125, frontier.root()));
}

pub(in super::super) async fn reports_are_listed_newest_first(store: &dyn Store) {
    for id in 1..=6 {
        store.accept_commit(commit_of(id, 1)).await.unwrap();
        let report = Report { resource: u32::from(id % 3), ..report_of(id, 1, 10 + id % 2) };
        store.accept_report(report).await.unwrap();
    }
    let ids = |rows: &[ReportRow]| rows.iter().map(|row| row.id[0]).collect::<Vec<_>>();
    let all = ReportFilter::default();
    let page = store.reports(all, None, 4).await.unwrap();
    assert_eq!(ids(&page), [6, 5, 4, 3]);
    assert_eq!(ids(&store.reports(all, Some(page[3].sequence), 4).await.unwrap()), [2, 1]);
    let node = ReportFilter { node: Some(digest(11)), ..ReportFilter::default() };
    assert_eq!(ids(&store.reports(node, None, 9).await.unwrap()), [5, 3, 1]);
    let resource = ReportFilter { resource: Some(2), ..node };
    assert_eq!(ids(&store.reports(resource, None, 9).await.unwrap()), [5]);
    let folded = ReportFilter { folded: true, ..all };
    assert_eq!(ids(&store.reports(folded, None, 9).await.unwrap()), [0_u8; 0]);
    store
        .append_entries(vec![b"folded 3".to_vec()], Settled { folded: vec![digest(3)], ..Settled::default() })
        .await
        .unwrap();
    assert_eq!(ids(&store.reports(folded, None, 9).await.unwrap()), [3]);
    let weighed = ReportFilter { weighed: true, ..all };
    assert_eq!(ids(&store.reports(weighed, None, 9).await.unwrap()), [0_u8; 0]);
    let settled = Settled { folded: vec![digest(4), digest(5)], weighed: vec![digest(5)], ..Settled::default() };
    store.append_entries(vec![b"folded 4 and 5".to_vec()], settled).await.unwrap();
    assert_eq!(ids(&store.reports(weighed, None, 9).await.unwrap()), [5]);
    assert_eq!(store.bundle_report(digest(4)).await.unwrap().map(|row| row.id), Some(digest(4)));
    assert_eq!(store.bundle_report(digest(9)).await.unwrap(), None);
}

pub(in super::super) async fn reports_are_folded_once_and_when_due(store: &dyn Store) {
    for id in 1..=4 {
        store.accept_commit(commit_of(id, 1)).await.unwrap();
        store.accept_report(Report { due: 20 - u64::from(id), ..report_of(id, 1, 1) }).await.unwrap();
    }
    let ids = |rows: Vec<ReportRow>| rows.iter().map(|row| row.id[0]).collect::<Vec<_>>();
    assert_eq!(ids(store.reports_due(18, 10).await.unwrap()), [4, 3, 2]);
    let entries = vec![b"folded 4".to_vec(), b"folded 3".to_vec(), b"closed".to_vec()];
    let appended = store
        .append_entries(entries, Settled { folded: vec![digest(4), digest(3)], ..Settled::default() })
        .await
        .unwrap();
    assert_eq!((appended.first, appended.size), (8, 11));
    assert_eq!(store.log_head().await.unwrap(), (11, appended.root));
    assert_eq!(ids(store.reports_due(99, 10).await.unwrap()), [2, 1]);
    assert!(store.report(digest(3)).await.unwrap().unwrap().folded);
}

pub(in super::super) async fn blobs_are_held_by_digest(store: &dyn Store) {
    assert_eq!(store.blob(Blob::Bundle, digest(1)).await.unwrap(), None);
    let big = vec![7; 1 << 20];
    store.put_blob(Blob::Bundle, digest(1), big.clone()).await.unwrap();
    store.put_blob(Blob::Bundle, digest(1), vec![0]).await.unwrap();
    assert_eq!(store.blob(Blob::Bundle, digest(1)).await.unwrap(), Some(big));
    assert_eq!(store.blob(Blob::Leaves, digest(1)).await.unwrap(), None);
}

pub(in super::super) async fn the_log_grows_by_what_is_accepted_and_proves_it(store: &dyn Store) {
    assert_eq!(store.log_head().await.unwrap(), (0, crate::log::empty_root()));
    for id in 0..13 {
        store.accept_commit(commit_of(id, 1)).await.unwrap();
    }
    let (size, root) = store.log_head().await.unwrap();
    assert_eq!(size, 13);
    for entry in store.log_entries(4, 5).await.unwrap() {
        let nodes = store.tree_nodes(&inclusion_nodes(entry.index, size).unwrap()).await.unwrap();
        let proof = Inclusion::assemble(entry.index, size, &nodes).unwrap();
        assert_eq!(proof.verify(&leaf_hash(&entry.bytes), &root), Ok(()));
    }
    assert_eq!(store.log_entries(13, 5).await.unwrap(), []);
}
