use gpux_proto::evidence::log_entry::Fact;

use super::Bench;
use crate::{
    log,
    publish::{Epochs, Folder, LeafFile, data_hash},
    schedule::Of,
    score::Parameters,
    store::{Blob, EpochState, Settled, Store as _},
};

#[tokio::test]
async fn an_epoch_stays_open_until_a_block_of_a_later_one_is_final() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    bench.report(1, 1, 64, 100).await;
    let block = bench.finalise(504).await;
    assert_eq!(epochs.advance(&block).await.unwrap(), None, "its last second");
    assert!(!bench.facts().await.iter().any(|fact| matches!(fact, Fact::ReportFolded(_))));
    let block = bench.finalise(505).await;
    assert_eq!(epochs.advance(&block).await.unwrap(), Some(100));
}

#[tokio::test]
async fn reports_fold_in_the_epoch_of_their_reveal_and_once() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    bench.report(1, 1, 64, 100).await;
    bench.report(1, 2, 32, 100).await;
    let block = bench.finalise(505).await;
    assert_eq!(epochs.advance(&block).await.unwrap(), Some(100));
    let folded: Vec<_> = bench
        .facts()
        .await
        .into_iter()
        .filter_map(
            |fact| if let Fact::ReportFolded(folded) = fact { Some((folded.x_lower, folded.weight)) } else { None },
        )
        .collect();
    assert_eq!(folded, [(64, 64), (32, 64)]);
    let facts = bench.facts().await;
    assert!(matches!(facts.last(), Some(Fact::EpochClosed(closed)) if (closed.epoch, closed.timestamp) == (100, 505)));

    let epoch = bench.store.epoch(100).await.unwrap().unwrap();
    assert_eq!((epoch.state, epoch.leaves, epoch.log_size), (EpochState::Built, 1, facts.len() as u64));
    assert_eq!((epoch.log_size, epoch.log_root), bench.store.log_head().await.unwrap());
    assert_eq!(epoch.parameters, Parameters::development().digest());
    let file = bench.store.blob(Blob::Leaves, epoch.data_hash).await.unwrap().unwrap();
    assert_eq!(data_hash(&file).0, epoch.data_hash);
    let leaves = LeafFile::read(&file).unwrap();
    assert_eq!(leaves.tree().unwrap().root().0, epoch.root);
    assert_eq!(
        (leaves.leaves()[0].probes, leaves.leaves()[0].provider),
        (2, alloy::primitives::Address::repeat_byte(0xaa))
    );

    // The same block again, and a later one of the same epoch, close nothing.
    let before = bench.store.digest().await;
    assert_eq!(epochs.advance(&block).await.unwrap(), None);
    assert_eq!(bench.epochs().await.advance(&block).await.unwrap(), None, "nor does a restart");
    assert_eq!(bench.store.digest().await, before);
}

#[tokio::test]
async fn nothing_is_published_before_anything_was_measured() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    let block = bench.finalise(600).await;
    let before = bench.store.digest().await;
    assert_eq!(epochs.advance(&block).await.unwrap(), None);
    assert_eq!(bench.store.digest().await, before);
}

#[tokio::test]
async fn a_gap_in_the_chains_time_skips_the_epochs_in_it() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    bench.report(1, 1, 64, 100).await;
    let block = bench.finalise(1_000).await;
    assert_eq!(epochs.advance(&block).await.unwrap(), Some(199));
    assert_eq!(bench.store.epoch(100).await.unwrap(), None);
    assert_eq!(epochs.closed(), Some(199));
}

#[tokio::test]
async fn an_epoch_that_was_closed_and_not_recorded_is_recorded_at_the_next_start() {
    let [whole, broken] = [Bench::new().await, Bench::new().await];
    for bench in [&whole, &broken] {
        bench.report(1, 1, 64, 100).await;
        bench.finalise(505).await;
    }
    let block = whole.store.finalised().await.unwrap().unwrap();
    whole.epochs().await.advance(&block).await.unwrap();

    // What a run leaves that ends between the two writes: the entries of the whole one, and no epoch.
    let size = broken.store.log_head().await.unwrap().0;
    let rows = whole.store.log_entries(size, 100).await.unwrap();
    let reports = broken.store.reports_due(100, 10).await.unwrap();
    let settled = Settled { folded: reports.iter().map(|report| report.id).collect(), ..Settled::default() };
    broken.store.append_entries(rows.into_iter().map(|row| row.bytes).collect(), settled).await.unwrap();
    // The log grows on before the restart; the epoch's place in it does not.
    broken.announce(2, 0xbb).await;
    assert_eq!(broken.store.epoch(100).await.unwrap(), None);

    let epochs = broken.epochs().await;
    assert_eq!(epochs.closed(), Some(100));
    assert_eq!(broken.store.epoch(100).await.unwrap(), whole.store.epoch(100).await.unwrap());
    assert_eq!(broken.store.score([1; 32]).await.unwrap(), whole.store.score([1; 32]).await.unwrap());
}

#[tokio::test]
async fn the_stored_log_folds_to_what_was_published() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    bench.announce(2, 0xbb).await;
    for (epoch, number) in (100..).zip(1..=8_u8) {
        bench.report(1 + number % 2, number, u32::from(number) * 8, epoch).await;
        let block = bench.finalise((epoch + 1) * 5 + 1).await;
        epochs.advance(&block).await.unwrap();
    }
    let mut folder = Folder::new(Parameters::development());
    let mut published = 0;
    for row in bench.store.log_entries(0, 10_000).await.unwrap() {
        let Some(closed) = folder.apply(&row.bytes).unwrap().filter(|_| folder.has_scores()) else { continue };
        let epoch = bench.store.epoch(closed).await.unwrap().unwrap();
        let file = folder.leaf_file().unwrap();
        assert_eq!(data_hash(&file.bytes()).0, epoch.data_hash, "epoch {closed}");
        let entries = bench.store.log_entries(0, epoch.log_size as u32).await.unwrap();
        let mut frontier = log::Frontier::new();
        entries.iter().for_each(|entry| drop(frontier.append(entry.leaf_hash)));
        assert_eq!((frontier.size(), frontier.root()), (epoch.log_size, epoch.log_root));
        published += 1;
    }
    assert_eq!(published, 8);
}

#[tokio::test]
async fn an_offer_closes_epochs_so_that_there_is_a_schedule_and_a_restart_has_the_same() {
    let bench = Bench::new().await;
    let mut epochs = bench.epochs().await;
    bench.offer(2, 10_000).await;
    // How the bench's fisher came to weigh something ends with epoch 90.
    assert_eq!(epochs.schedules().newest(), Some(91));
    for time in [600, 606, 611] {
        let block = bench.finalise(time).await;
        assert_eq!(epochs.advance(&block).await.unwrap(), None, "nothing was measured, so nothing is published");
    }
    bench.report(2, 1, 64, 122).await;
    let block = bench.finalise(616).await;
    assert_eq!(epochs.advance(&block).await.unwrap(), Some(122));
    let seen = async |epochs: &Epochs| {
        let mut seen = Vec::new();
        for epoch in 119..=124 {
            seen.push(match epochs.schedules().of(epoch).await.unwrap() {
                Of::Known(known) => Some((known.beacon[0], known.schedule.page(None, 10))),
                Of::Later | Of::Forgotten => None,
            });
        }
        seen
    };
    let (before, after) = (seen(&epochs).await, seen(&bench.epochs().await).await);
    assert_eq!(before, after);
    let beacons: Vec<_> = before.iter().map(|seen| seen.as_ref().map(|(beacon, _)| *beacon)).collect();
    assert_eq!(beacons, [Some(1), Some(1), Some(2), Some(3), Some(4), None]);
    let index = |at: usize| before[at].as_ref().unwrap().1[0].resources[0].index;
    assert!(index(4) < index(3), "it was probed in between");
    // After the offer's end there is nothing to probe.
    bench.finalise(20_000).await;
    let block = bench.finalise(20_005).await;
    epochs.advance(&block).await.unwrap();
    let Of::Known(known) = epochs.schedules().of(4_001).await.unwrap() else { panic!("no schedule") };
    assert_eq!(known.schedule.nodes(), 0);
}
