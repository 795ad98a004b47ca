//! The five probes of docs/method/scoring.md.

use super::*;

/// What the page prints: L, S and U in basis points after each probe.
const PAGE: [[u16; 3]; 5] =
    [[29, 7_500, 10_000], [466, 7_812, 10_000], [833, 7_957, 10_000], [373, 7_018, 9_981], [871, 7_333, 9_987]];

#[test]
fn the_page_says_what_the_fold_computes() {
    let parameters = Parameters::production();
    let mut state = State::new(parameters);
    let probes =
        [(Ratio64::ONE, 64), (Ratio64::of(0.97), 64), (Ratio64::ONE, 32), (Ratio64::ZERO, 64), (Ratio64::ONE, 64)];
    let mut found = vec![];
    for ((x, weight), epoch) in probes.into_iter().zip(1..) {
        let weight = Weight::from_64ths(weight).unwrap();
        state.apply(&Entry::Report(FoldedReport { weight, ..report(1, epoch, epoch, x) })).unwrap();
        state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
        let e = state.score(&NodeId([1; 32])).unwrap().estimate;
        found.push([e.low_bps, e.score_bps, e.high_bps]);
    }
    assert_eq!(found, PAGE);
}

#[test]
fn trust_grows_as_the_page_says() {
    let parameters = Parameters::production();
    let mut state = ResourceState::new(ResourceId(1), 1, 7_000);
    let mut found = vec![];
    for probes in 1..=300 {
        let mut batch = Batch::default();
        batch.add(&parameters, &report(1, probes, 1, Ratio64::ONE));
        state.absorb(&parameters, 1, &batch);
        if [1, 3, 8, 20, 40, 100, 300].contains(&probes) {
            found.push(state.estimate(&parameters, 1).low_bps);
        }
    }
    assert_eq!(found, [29, 1_255, 4_457, 7_175, 8_434, 9_300, 9_713]);
}
