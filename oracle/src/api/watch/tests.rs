//! A stream's own side, at a pace that a test can wait for.

use tokio_stream::StreamExt as _;

use super::*;
use crate::{
    score::{Estimate, NodeId, NodeScore, Verdict},
    store::{Epoch, EpochChanges, EpochState, ScoreUpdate, Sqlite},
};

const PACE: Pace = Pace { heartbeat: Duration::from_millis(20), patience: Duration::from_millis(200) };

/// A store with so many scores.
async fn store(scores: u16) -> (Arc<dyn Store>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path()).await.unwrap();
    let score = |number: u16| {
        let mut node = [0; 32];
        node[..2].copy_from_slice(&number.to_be_bytes());
        let estimate = Estimate { low_bps: 1, score_bps: 2, high_bps: 3 };
        let verdict = Verdict::Unknown;
        let score = NodeScore { node: NodeId(node), estimate, verdict, probes: 1, last_epoch: 3, resources: vec![] };
        ScoreUpdate { provider: [1; 20], score }
    };
    let epoch = Epoch {
        epoch: 3,
        log_size: 0,
        log_root: [0; 32],
        root: [0; 32],
        rewards_root: [0; 32],
        parameters: [0; 32],
        data_hash: [0; 32],
        leaves: scores.into(),
        state: EpochState::Built,
        transaction: vec![],
        signatures: vec![],
    };
    let changes = EpochChanges { scores: (0..scores).map(score).collect(), ..EpochChanges::default() };
    store.save_epoch(epoch, changes).await.unwrap();
    (Arc::new(store), directory)
}

fn stream(store: Arc<dyn Store>, feed: &Feed) -> Stream {
    Stream {
        store,
        filter: Filter { model: None, organisation: None, provider: None },
        after: None,
        epoch: feed.epoch.subscribe(),
        pace: PACE,
        _place: Arc::clone(&feed.places).try_acquire_owned().unwrap(),
    }
}

#[tokio::test]
async fn a_long_list_comes_whole_in_pages_and_then_the_cursor_beats() {
    let (store, _directory) = store(1_234).await;
    let feed = Feed::default();
    let (sender, mut receiver) = slot::pair();
    tokio::spawn(stream(store, &feed).run(sender, feed.stop.clone()));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    while seen.len() < 1_234 {
        let page = receiver.next().await.unwrap().unwrap();
        assert!((1..=500).contains(&page.changes.len()));
        seen.extend(page.changes.into_iter().map(|change| change.node));
        cursor = page.cursor;
    }
    assert!(seen.is_sorted_by(|one, other| one < other), "each node once, in order");
    for _ in 0..3 {
        let beat = receiver.next().await.unwrap().unwrap();
        assert_eq!((beat.changes.len(), &beat.cursor), (0, &cursor));
    }
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_its_place_is_free() {
    let (store, _directory) = store(2_000).await;
    let feed = Feed::default();
    let (sender, mut receiver) = slot::pair();
    let first = tokio::spawn(stream(store, &feed).run(sender, feed.stop.clone()));
    tokio::time::timeout(Duration::from_secs(10), first).await.expect("the stream ends by itself").unwrap();
    assert_eq!(feed.places.available_permits(), WATCHERS_MAX);
    let error = receiver.next().await.unwrap().unwrap_err();
    assert_eq!((error.reason.code, error.retry_after.is_some()), ("SLOW_READER", true));
    assert!(receiver.next().await.is_none());
}
