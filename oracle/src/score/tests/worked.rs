//! The histories of docs/method/scoring.md: five probes, and a node from its first probe to its verdict.

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

/// What the page prints of a 3060 sold as a 3090. E after each probe, until the node is suspect.
const EVIDENCE: [f64; 3] = [3.569, 53.99, 1_126.0];
/// ln E of the second stage after each audit that did not convict yet.
const AUDITS: [f64; 3] = [-0.017, 2.595, 6.083];
/// L, S and U after the verdict, and the levy, in basis points.
const CONVICTED: [u16; 4] = [1_427, 5_019, 7_519, 1_681];

/// Five owners of relays, of whom one may be corrupt, and ten fishers who were audited sixty times each.
fn market(node: NodeId) -> State {
    let mut state = State::tracing(Parameters::production(), node);
    let mut apply = |entry| state.apply(&entry).unwrap();
    (0..5).for_each(|owner| apply(Entry::OwnerRegistered(OwnerId([owner; 20]))));
    for epoch in 1..=60 {
        for fisher in (0..10).map(|fisher| FisherId([fisher; 20])) {
            apply(Entry::BondChanged(BondChanged { fisher, bond: 1_000_000_000 }));
            let owner = OwnerId([(epoch % 5) as u8; 20]);
            apply(Entry::FisherAudited(FisherAudited { fisher, owner, finding: Finding::Agrees }));
        }
        apply(Entry::EpochClosed(EpochClosed { epoch }));
    }
    state
}

/// An epoch in which a probe finds 0.36, audited by an owner or not.
fn probe(state: &mut State, owner: Option<u8>) {
    let epoch = state.epoch().unwrap() + 1;
    let found = report(1, epoch, epoch, Ratio64::of(0.36));
    state.apply(&Entry::Report(found)).unwrap();
    if let Some(owner) = owner {
        let FoldedReport { report, node, resource, x, epoch, .. } = found;
        let owner = OwnerId([owner; 20]);
        state.apply(&Entry::Audit(FoldedAudit { report, node, resource, x, owner, epoch })).unwrap();
    }
    state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
}

/// Whether two numbers are the same in all digits that the page shows.
fn agrees(found: f64, page: f64) -> bool {
    (found - page).abs() <= 6e-4 * page.abs().max(1.0)
}

#[test]
fn a_node_comes_from_its_first_probe_to_its_verdict_as_the_page_says() {
    let node = NodeId([1; 32]);
    let mut state = market(node);
    assert_eq!(state.contamination_bps(), 147);
    for page in EVIDENCE {
        assert_ne!(state.standing(&node), Some(Standing::Suspect));
        probe(&mut state, None);
        let found = state.evidence(&node).unwrap();
        assert!(agrees(found, page), "{found} {page}");
    }
    assert_eq!(state.standing(&node), Some(Standing::Suspect));
    let (factors, wealth) = (state.steps()[0].factors, state.steps()[2].wealth);
    let page = [1.341, 2.022, 3.725, 7.472, 1.729, 3.458, 7.205, 14.41, 25.94];
    assert!(factors.iter().zip(page).all(|(found, page)| agrees(*found, page)), "{factors:?}");
    let page = [0.134, 0.459, 2.872, 23.18, 0.287, 2.298, 20.78, 166.2, 969.3];
    assert!(wealth.iter().zip(page).all(|(found, page)| agrees(*found, page)), "{wealth:?}");
    for (owner, page) in (0..).zip(AUDITS) {
        probe(&mut state, Some(owner));
        let audits = state.explain(&node).unwrap().audits.unwrap();
        assert_eq!((audits.visit, audits.dropped), (1, 1));
        assert!(agrees(audits.log_evidence, page) && agrees(audits.log_accusation, 9.708), "{audits:?}");
    }
    probe(&mut state, Some(3));
    assert_eq!(state.standing(&node), Some(Standing::Convicted));
    let score = state.score(&node).unwrap();
    let Estimate { low_bps, score_bps, high_bps } = score.estimate;
    assert_eq!([low_bps, score_bps, high_bps, levy_bps(state.parameters(), &score)], CONVICTED);
}
