//! From suspicion to a verdict and back: what it takes, what cannot do it, and invariants 7, 9 and 13.

use proptest::prelude::*;

use super::*;

const NODE: NodeId = NodeId([1; 32]);
const RESOURCE: ResourceId = ResourceId(1);

fn owner(number: u8) -> OwnerId {
    OwnerId([number; 20])
}

fn fisher(number: u8) -> FisherId {
    FisherId([number; 20])
}

/// A market with so many audit owners, whose fishers were audited often enough that lies are known to be rare.
fn market(owners: u8) -> State {
    let mut state = State::new(Parameters::production());
    let mut apply = |entry| state.apply(&entry).unwrap();
    for number in 0..owners {
        apply(Entry::OwnerRegistered(owner(number)));
    }
    for number in 0..10 {
        apply(Entry::BondChanged(BondChanged { fisher: fisher(number), bond: 1_000_000_000 }));
    }
    for epoch in 1..=60 {
        for number in 0..10 {
            apply(Entry::FisherAudited(FisherAudited {
                fisher: fisher(number),
                owner: owner(0),
                finding: Finding::Agrees,
            }));
        }
        apply(Entry::EpochClosed(EpochClosed { epoch }));
    }
    state
}

fn announce(state: &mut State) {
    let claims = Claims::default().with(RESOURCE);
    state.apply(&Entry::Announced(Announced { node: NODE, claims, organisation: None })).unwrap();
}

/// One epoch with a report of x and, if asked for, an audit by an owner that finds the same.
fn probe(state: &mut State, x: f64, audited_by: Option<u8>) {
    let epoch = state.epoch().unwrap_or_default() + 1;
    let found = report(1, epoch, epoch, Ratio64::of(x));
    state.apply(&Entry::Report(found)).unwrap();
    if let Some(number) = audited_by {
        state.apply(&Entry::Audit(audit(epoch, x, number))).unwrap();
    }
    state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
}

fn audit(epoch: u64, x: f64, number: u8) -> FoldedAudit {
    let FoldedReport { report, node, resource, x, epoch, .. } = report(1, epoch, epoch, Ratio64::of(x));
    FoldedAudit { report, node, resource, x, owner: owner(number), epoch }
}

fn verdict(state: &State) -> Verdict {
    state.score(&NODE).unwrap().verdict
}

#[test]
fn a_3060_sold_as_a_3090_is_suspect_at_once_and_convicted_within_16_audits() {
    let mut state = market(40);
    announce(&mut state);
    let mut probes = 0;
    while state.suspects().next().is_none() {
        probe(&mut state, 0.36, None);
        probes += 1;
    }
    assert!(probes <= 6, "{probes} probes");
    assert_eq!(verdict(&state), Verdict::Unknown, "suspicion is no verdict");
    let mut audits = 0_u8;
    while verdict(&state) != Verdict::UnderDelivering {
        // Owners come in an order that a beacon would choose.
        probe(&mut state, 0.36, Some(audits.wrapping_mul(13) % 40));
        audits += 1;
        assert!(audits <= 16, "no verdict after {audits} audits");
    }
    // Eight owners' evidence is dropped, and the rest must still be enough.
    assert!(audits > 8, "{audits} audits");
    let score = state.score(&NODE).unwrap();
    assert!(score.estimate.score_bps <= 8_900);
    assert!(levy_bps(state.parameters(), &score) > 0);
}

#[test]
fn an_explanation_shows_every_threshold_beside_its_number() {
    let mut state = State::tracing(Parameters::production(), NODE);
    for entry in entries_of(8, 8) {
        state.apply(&entry).unwrap();
    }
    let told = state.explain(&NODE).unwrap();
    assert_eq!((told.standing, told.owners, told.claims), (Standing::Suspect, 4, 1));
    assert!(told.evidence >= told.suspicion);
    let audits = told.audits.unwrap();
    assert_eq!((audits.visit, audits.dropped), (1, 2));
    assert!(audits.log_evidence < audits.log_accusation && audits.log_honesty < audits.log_clearance);
    // The steps multiply to the wealth that is shown; restarts add a little.
    let last = state.steps().last().unwrap();
    assert_eq!(last.wealth, told.resources[0].wealth);
    assert!(last.factors[3] > 1.0 && last.factors[8] > 1.0);
    assert_eq!(state.steps().len(), 8);
}

/// The log of a market with so many owners, and of so many sessions at 0.6 of the claim.
fn entries_of(owners: u8, sessions: u64) -> Vec<Entry> {
    let mut entries: Vec<_> = (0..owners).map(|number| Entry::OwnerRegistered(owner(number))).collect();
    for epoch in 1..=60 {
        for number in 0..10 {
            let bond = BondChanged { fisher: fisher(number), bond: 1_000_000_000 };
            entries.push(Entry::BondChanged(bond));
            entries.push(Entry::FisherAudited(FisherAudited {
                fisher: fisher(number),
                owner: owner(0),
                finding: Finding::Agrees,
            }));
        }
        entries.push(Entry::EpochClosed(EpochClosed { epoch }));
    }
    for epoch in 61..61 + sessions {
        entries.push(Entry::Report(report(1, epoch, epoch, Ratio64::of(0.6))));
        entries.push(Entry::Audit(audit(epoch, 0.6, (epoch % 4) as u8)));
        entries.push(Entry::EpochClosed(EpochClosed { epoch }));
    }
    entries
}

#[test]
fn without_audits_nothing_is_ever_published_but_the_score() {
    let mut state = market(40);
    announce(&mut state);
    for _ in 0..500 {
        probe(&mut state, 0.0, None);
    }
    assert_eq!(state.suspects().count(), 1);
    assert_eq!(verdict(&state), Verdict::Unknown);
}

#[test]
fn one_owner_alone_never_convicts() {
    let mut state = market(5);
    announce(&mut state);
    for _ in 0..500 {
        // ceil(0.2 * 5) = 1 owner may be corrupt.
        probe(&mut state, 0.0, Some(3));
    }
    assert_eq!(verdict(&state), Verdict::Unknown);
    for number in 0..5 {
        probe(&mut state, 0.0, Some(number));
    }
    assert_eq!(verdict(&state), Verdict::UnderDelivering);
}

#[test]
fn an_honest_node_is_called_honest_once_three_owners_saw_it() {
    let mut state = market(8);
    announce(&mut state);
    for _ in 0..120 {
        probe(&mut state, 0.98, None);
    }
    assert_eq!(verdict(&state), Verdict::Unknown, "no owner saw it");
    for number in [1, 2, 2, 1] {
        probe(&mut state, 0.98, Some(number));
    }
    assert_eq!(verdict(&state), Verdict::Unknown, "two owners saw it");
    probe(&mut state, 0.98, Some(5));
    assert_eq!(verdict(&state), Verdict::Honest);
    // What it claims anew has to be proven as well.
    let claims = Claims::default().with(RESOURCE).with(ResourceId(4));
    state.apply(&Entry::Announced(Announced { node: NODE, claims, organisation: None })).unwrap();
    probe(&mut state, 0.98, None);
    assert_eq!(verdict(&state), Verdict::Unknown);
}

#[test]
fn good_evidence_grows_old() {
    let mut state = market(8);
    announce(&mut state);
    for number in (0..120).map(|probe| probe % 8) {
        probe_and_check(&mut state, number);
    }
    assert_eq!(verdict(&state), Verdict::Honest);
    let epoch = state.epoch().unwrap() + 120 * 24;
    state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
    assert_eq!(verdict(&state), Verdict::Unknown);
}

fn probe_and_check(state: &mut State, number: u8) {
    probe(state, 1.0, Some(number));
}

/// A convicted node, by audits of many owners.
fn convicted() -> State {
    let mut state = market(10);
    announce(&mut state);
    let mut turn = 0;
    while state.score(&NODE).is_none_or(|score| score.verdict != Verdict::UnderDelivering) {
        probe(&mut state, 0.36, Some(turn % 10));
        turn += 1;
        assert!(turn < 60);
    }
    state
}

#[test]
fn a_convicted_node_recovers_by_new_audits_and_the_next_time_needs_more() {
    let recovery = |state: &mut State| {
        let mut audits = 0_u8;
        while verdict(state) == Verdict::UnderDelivering {
            assert!(state.score(&NODE).unwrap().estimate.score_bps <= 8_900);
            probe(state, 1.0, Some(audits % 10));
            audits += 1;
            assert!(audits < 250);
        }
        audits
    };
    let mut state = convicted();
    let first = recovery(&mut state);
    let mut turn = 0;
    while verdict(&state) != Verdict::UnderDelivering {
        probe(&mut state, 0.36, Some(turn % 10));
        turn += 1;
        assert!(turn < 250);
    }
    let second = recovery(&mut state);
    assert!(first > 50 && second > first, "{first} and {second} audits");
}

#[test]
fn bonds_alone_move_nothing_before_audits() {
    let mut state = State::new(Parameters::production());
    state.apply(&Entry::BondChanged(BondChanged { fisher: fisher(1), bond: u128::MAX })).unwrap();
    state.apply(&Entry::EpochClosed(EpochClosed { epoch: 1 })).unwrap();
    assert_eq!(state.weight(&fisher(1)), Weight::ZERO);
    assert_eq!(state.contamination_bps(), 10_000);
    // Nobody is accused while nobody knows who lies.
    announce(&mut state);
    for _ in 0..300 {
        probe(&mut state, 0.0, None);
    }
    assert_eq!(state.suspects().count(), 0);
}

#[test]
fn a_new_node_of_a_good_organisation_starts_higher_and_nothing_else() {
    let lab = Some(OrganisationId([7; 32]));
    let mut state = market(8);
    let claims = Claims::default().with(RESOURCE);
    let node = |number: u8| NodeId([number; 32]);
    for number in 1..=20 {
        state.apply(&Entry::Announced(Announced { node: node(number), claims, organisation: lab })).unwrap();
    }
    for epoch in 61..161 {
        for number in 1..=19 {
            let id = epoch * 100 + u64::from(number);
            state.apply(&Entry::Report(report(number, id, epoch, Ratio64::ONE))).unwrap();
        }
        state.apply(&Entry::EpochClosed(EpochClosed { epoch })).unwrap();
    }
    for number in [20, 21] {
        state.apply(&Entry::Report(report(number, u64::from(number), 161, Ratio64::ONE))).unwrap();
    }
    state.apply(&Entry::EpochClosed(EpochClosed { epoch: 161 })).unwrap();
    let (member, stranger) = (state.score(&node(20)).unwrap(), state.score(&node(21)).unwrap());
    assert!(member.estimate.score_bps > stranger.estimate.score_bps);
    assert_eq!(member.estimate.high_bps, stranger.estimate.high_bps);
    assert_eq!(member.verdict, stranger.verdict);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 2 for evidence: a better finding never makes a node more suspicious.
    #[test]
    fn i02_a_better_probe_never_raises_the_evidence(
        xs in prop::collection::vec(0.0..=1.0_f64, 1..60), pick in any::<prop::sample::Index>(), up in 0.0..=1.0_f64,
    ) {
        let evidence = |xs: &[f64]| {
            let mut state = market(8);
            for x in xs {
                probe(&mut state, *x, None);
            }
            state.node(&NODE).unwrap().evidence()
        };
        let mut better = xs.clone();
        let at = pick.index(xs.len());
        better[at] = (better[at] + up).min(1.0);
        prop_assert!(evidence(&better) <= evidence(&xs) * (1.0 + 1e-5));
    }

    /// Invariant 7: splitting a bond leaves the sum of weights, or lowers it by rounding.
    #[test]
    fn i07_splitting_a_bond_gains_nothing(bond in 0_u128..3_000_000_000, parts in 2_u8..9) {
        let mut state = market(4);
        let mut weight = |bond: u128| {
            state.apply(&Entry::BondChanged(BondChanged { fisher: fisher(0), bond })).unwrap();
            state.weight(&fisher(0)).in_64ths()
        };
        let whole = weight(bond);
        let split = weight(bond / u128::from(parts)) * u32::from(parts);
        // Above B a name counts in full and no more, so only bonds up to B can be compared.
        prop_assert!(split <= whole || bond > 1_000_000_000);
    }

    /// Invariant 8: one report multiplies E by at most 90.
    #[test]
    fn i08_one_report_has_a_bounded_effect(xs in prop::collection::vec(0.0..=1.0_f64, 1..40)) {
        let mut state = market(8);
        for x in &xs {
            let before = state.node(&NODE).map_or(0.5, |node| node.evidence());
            probe(&mut state, *x, None);
            let after = state.node(&NODE).unwrap().evidence();
            // The restart of one hour adds less than a thousandth.
            prop_assert!(after <= 90.0 * (before + 1e-3));
        }
    }

    /// Invariant 13: k corrupt owners of any behaviour never raise the second stage above what honest owners alone give.
    #[test]
    fn i13_corrupt_owners_do_not_raise_the_evidence(
        honest in prop::collection::vec((0_u8..16, 0.7..=1.0_f64), 1..60),
        corrupt in prop::collection::vec((16_u8..20, 0.0..=1.0_f64), 1..60),
        order in any::<u64>(),
    ) {
        use super::super::claim::Tally;
        use super::super::investigation::Investigation;
        let parameters = Parameters::production();
        let run = |audits: &[(u8, f64)], owners: usize| {
            let mut visit = Investigation::open(&parameters, 0, 1, owners, vec![RESOURCE]);
            for ((number, x), epoch) in audits.iter().zip(1..) {
                let mut tally = Tally::default();
                tally.add(&parameters, Ratio64::of(*x), Weight::FULL);
                visit.absorb(&parameters, epoch, RESOURCE, &[(u32::from(*number), tally)]);
            }
            visit
        };
        // Of 20 owners the four from 16 on are corrupt; without them nothing is dropped.
        let mut mixed = [honest.clone(), corrupt].concat();
        let mut stream = Stream(order);
        mixed.sort_by_cached_key(|_| (stream.next() * 1e9) as u64);
        let all = run(&mixed, 20);
        let alone = run(&honest, 0);
        prop_assert!(all.log_evidence(1) <= alone.log_evidence(1) + 1e-9);
        prop_assert!(all.log_honesty() <= alone.log_honesty() + 1e-9);
    }
}
