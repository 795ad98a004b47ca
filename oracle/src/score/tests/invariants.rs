//! The invariants of design/scoring.md, by their numbers there.

use proptest::prelude::*;

use super::*;

fn ratio() -> impl Strategy<Value = Ratio64> {
    prop_oneof![
        8 => (0.0..=1.0_f64).prop_map(Ratio64::of),
        2 => Just(Ratio64::ONE),
        1 => Just(Ratio64::ZERO),
        1 => Just(Ratio64::INCONCLUSIVE),
    ]
}

fn weight() -> impl Strategy<Value = Weight> {
    (0_u32..=64).prop_map(|value| Weight::from_64ths(value).unwrap())
}

/// Up to six epochs, up to 600 apart, of up to 24 reports of three nodes with two resources.
fn history() -> impl Strategy<Value = Vec<(u64, Vec<FoldedReport>)>> {
    let one = (0_u8..3, 0_u32..2, ratio(), weight());
    prop::collection::vec((1_u64..600, prop::collection::vec(one, 0..24)), 1..6).prop_map(|epochs| {
        let (mut now, mut id) = (1_000, 0);
        let mut history = vec![];
        for (gap, reports) in epochs {
            now += gap;
            let reports = reports.into_iter().map(|(node, resource, x, weight)| {
                id += 1;
                let base = report(node, id, now, x);
                FoldedReport { resource: ResourceId(resource), weight, ..base }
            });
            history.push((now, reports.collect()));
        }
        history
    })
}

/// The bare bits of every state, so that equality means bit for bit.
fn bits(parameters: &Parameters, entries: &[Entry]) -> String {
    format!("{:?}", scores(parameters, entries))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i01_low_score_and_high_are_ordered(history in history(), later in 1_u64..20_000) {
        let mut entries = log(&history);
        entries.push(Entry::EpochClosed(EpochClosed { epoch: history[history.len() - 1].0 + later }));
        for node in scores(&Parameters::production(), &entries) {
            let estimates = node.resources.iter().map(|r| r.estimate).chain([node.estimate]);
            for e in estimates {
                prop_assert!(e.low_bps <= e.score_bps && e.score_bps <= e.high_bps && e.high_bps <= 10_000);
            }
        }
    }

    #[test]
    fn i02_a_better_probe_never_lowers_a_score(history in history(), pick in any::<prop::sample::Index>(), up in 1_u8..64) {
        let mut better = history.clone();
        let all: Vec<_> = better.iter_mut().flat_map(|(_, reports)| reports.iter_mut()).collect();
        let count = all.len();
        if let Some(report) = all.into_iter().nth(if count == 0 { 0 } else { pick.index(count) })
            && !report.x.is_inconclusive()
        {
            let raise = |x: u8| u32::from(x.saturating_add(up).min(64));
            report.x = Ratio64::new(raise(report.x.lower()), raise(report.x.upper())).unwrap();
        }
        let parameters = Parameters::production();
        let (before, after) = (scores(&parameters, &log(&history)), scores(&parameters, &log(&better)));
        for (old, new) in before.iter().zip(&after) {
            for (old, new) in old.resources.iter().zip(&new.resources) {
                prop_assert!(old.estimate.score_bps <= new.estimate.score_bps);
                prop_assert!(old.estimate.low_bps <= new.estimate.low_bps);
                prop_assert!(old.estimate.high_bps <= new.estimate.high_bps);
            }
        }
    }

    #[test]
    fn i03_order_within_an_epoch_is_irrelevant(history in history(), seed in any::<u64>()) {
        let mut shuffled = history.clone();
        for (_, reports) in &mut shuffled {
            reports.sort_by_key(|r| r.report.0[7].wrapping_mul(seed as u8 | 1).rotate_left((seed >> 8) as u32));
        }
        let parameters = Parameters::production();
        prop_assert_eq!(bits(&parameters, &log(&history)), bits(&parameters, &log(&shuffled)));
    }

    #[test]
    fn i04_a_replayed_report_changes_nothing(history in history(), pick in any::<prop::sample::Index>()) {
        let entries = log(&history);
        let parameters = Parameters::production();
        let expected = bits(&parameters, &entries);
        prop_assert_eq!(&bits(&parameters, &entries), &expected);
        // The copy stands anywhere after the original, in its own epoch or a later one.
        let at = pick.index(entries.len());
        if let Entry::Report(copy) = entries[at] {
            for place in at + 1..entries.len() {
                let mut replayed = entries.clone();
                replayed.insert(place, Entry::Report(copy));
                prop_assert_eq!(&bits(&parameters, &replayed), &expected);
            }
        }
    }

    #[test]
    fn i05_a_report_without_weight_changes_nothing(history in history()) {
        let mut without = history.clone();
        for (_, reports) in &mut without {
            reports.retain(|report| report.weight != Weight::ZERO);
        }
        let parameters = Parameters::production();
        prop_assert_eq!(bits(&parameters, &log(&history)), bits(&parameters, &log(&without)));
    }

    #[test]
    fn i06_liars_move_a_score_by_their_share_at_most(
        told in prop::collection::vec((0.0..=1.0_f64, 0.0..=1.0_f64, any::<bool>(), weight()), 1..200),
    ) {
        let parameters = Parameters::production();
        let state = |lie: bool| {
            let mut state = ResourceState::new(ResourceId(1), 0, 7_000);
            for (epoch, (truth, claim, liar, weight)) in (0..).zip(&told) {
                let x = Ratio64::of(if lie && *liar { *claim } else { *truth });
                let mut batch = Batch::default();
                batch.add(&parameters, &FoldedReport { weight: *weight, ..report(1, epoch, epoch, x) });
                state.absorb(&parameters, epoch, &batch);
            }
            state.score(&parameters, told.len() as u64)
        };
        // The decayed weights, from the definition.
        let end = told.len() as u64;
        let (mut bad, mut total) = (0.0, 0.0);
        for (index, (_, _, liar, weight)) in told.iter().enumerate() {
            let after: u32 = told[index + 1..].iter().map(|t| t.3.in_64ths()).sum();
            let aged = f64::from(weight.in_64ths()) / 64.0
                * parameters.decay(f64::from(after) / 64.0, end - index as u64);
            total += aged;
            bad += if *liar { aged } else { 0.0 };
        }
        let moved = (state(true) - state(false)).abs();
        prop_assert!(moved <= bad / (5.0 + total) + 1e-9, "{moved} by {bad} of {total}");
    }

    #[test]
    fn i10_merged_histograms_equal_the_single_one(history in history(), shards in 1_usize..5) {
        let reports: Vec<_> = history.into_iter().flat_map(|(_, reports)| reports).collect();
        let (parameters, mut single) = (Parameters::production(), Batch::default());
        let mut parts = vec![Batch::default(); shards];
        for (index, report) in reports.iter().enumerate() {
            single.add(&parameters, report);
            parts[index % shards].add(&parameters, report);
        }
        let merged = parts.iter().rev().fold(Batch::default(), |mut sum, part| { sum.merge(part); sum });
        prop_assert_eq!(merged, single);
    }

    #[test]
    fn i11_without_reports_the_lower_bound_never_rises(history in history(), gaps in prop::collection::vec(1_u64..2_000, 1..8)) {
        let parameters = Parameters::production();
        let mut state = fold(&parameters, log(&history)).unwrap();
        let mut epoch = history[history.len() - 1].0;
        for gap in gaps {
            let before: Vec<_> = state.scores().collect();
            // Keeping intervals must not show.
            let mut settled = state.clone();
            settled.settle();
            prop_assert_eq!(&before, &settled.scores().collect::<Vec<_>>());
            state = if gap % 2 == 0 { settled } else { state };
            epoch += gap;
            state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
            for (old, new) in before.iter().zip(state.scores()) {
                prop_assert!(new.estimate.low_bps <= old.estimate.low_bps);
                prop_assert!(new.estimate.high_bps >= old.estimate.high_bps || new.estimate.high_bps >= new.estimate.score_bps);
            }
        }
    }
}

#[test]
fn reports_out_of_time_are_not_counted() {
    let parameters = Parameters::production();
    let stale = report(1, 1, 71, Ratio64::ONE);
    let future = report(1, 2, 101, Ratio64::ONE);
    assert_eq!(scores(&parameters, &log(&[(100, vec![stale, future])])), []);
    let oldest = report(1, 3, 72, Ratio64::ONE);
    assert_eq!(scores(&parameters, &log(&[(100, vec![oldest])]))[0].probes, 1);
}

#[test]
fn an_epoch_that_does_not_come_next_is_an_error() {
    let parameters = Parameters::production();
    let entries = log(&[(10, vec![report(1, 1, 10, Ratio64::ONE)]), (10, vec![report(1, 2, 10, Ratio64::ONE)])]);
    assert_eq!(fold(&parameters, entries).unwrap_err(), Error::Epoch { epoch: 10, last: 10 });
}

#[test]
fn what_does_not_count_is_listed_with_its_reason() {
    let parameters = Parameters::production();
    let good = report(1, 1, 100, Ratio64::ONE);
    let weightless = FoldedReport { weight: Weight::ZERO, ..report(1, 2, 100, Ratio64::ONE) };
    let stale = report(1, 3, 71, Ratio64::ONE);
    let early = report(1, 4, 101, Ratio64::ONE);
    let state = fold(&parameters, log(&[(100, vec![good, weightless, stale, early, good])])).unwrap();
    let reasons: Vec<_> = state.ignored().iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, [Ignored::Weightless, Ignored::Late, Ignored::Early, Ignored::Repeated]);
}

#[test]
fn the_worst_resource_is_the_score() {
    let parameters = Parameters::production();
    let mut reports = vec![];
    for id in 0..40 {
        reports.push(report(1, id, 10, Ratio64::ONE));
        reports.push(FoldedReport { resource: ResourceId(6), ..report(1, 100 + id, 10, Ratio64::of(0.5)) });
    }
    let score = fold(&parameters, log(&[(10, reports)])).unwrap().score(&NodeId([1; 32])).unwrap();
    assert_eq!(score.resources.len(), 2);
    assert_eq!(score.estimate, score.resources[1].estimate);
    assert!(score.resources[0].estimate.low_bps > score.estimate.high_bps);
    assert_eq!((score.verdict, score.probes, score.last_epoch), (Verdict::Unknown, 80, 10));
}

#[test]
fn without_probes_a_score_drifts_to_the_prior_and_the_interval_widens() {
    let parameters = Parameters::production();
    let good = (0..200).map(|id| report(1, id, 10, Ratio64::ONE)).collect();
    let mut state = fold(&parameters, log(&[(10, good)])).unwrap();
    let fresh = state.score(&NodeId([1; 32])).unwrap().estimate;
    assert!(fresh.score_bps > 9_900 && fresh.low_bps > 9_500);
    // Two years: the probes' weight has halved 24 times.
    state.apply(&Entry::EpochClosed(EpochClosed { epoch: 10 + 2 * 365 * 24 })).unwrap();
    let old = state.score(&NodeId([1; 32])).unwrap().estimate;
    assert_eq!((old.low_bps, old.score_bps, old.high_bps), (0, 7_000, 10_000));
}
