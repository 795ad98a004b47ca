//! Audits of an honest fisher, of liars, and of relays that write anything.

use gpux_proto::evidence::{Bundle, Direction, EndedBy, Outcome, Report, Stamp, Stamps};
use proptest::prelude::*;

use super::*;

/// What a fisher reports of a bundle.
fn report(bundle: &Bundle) -> Report {
    let shown = examine(bundle, &rules(), Depth::Recompute);
    let measured = measure(&shown, &expected(&descriptor(&parties()), ProbeId::Cpu, Market::Development).unwrap());
    Report {
        outcome: measured.outcome.into(),
        x_lower: measured.ratio.lower.into(),
        x_upper: measured.ratio.upper.into(),
        ..Report::default()
    }
}

/// What an honest relay stamps: every frame, at the fisher's times stretched by `pace`, and an hour of silence.
fn stamps(bundle: &Bundle, pace: u64) -> Stamps {
    let heads = super::super::stamps::heads(bundle).unwrap();
    let stamp = |(frame, (_, head)): (&TranscriptFrame, &(_, [u8; 32]))| Stamp {
        head: head.to_vec(),
        direction: frame.direction,
        time_us: frame.time_us * pace,
    };
    let stamps: Vec<_> = bundle.frames.iter().zip(&heads).map(stamp).collect();
    let last = stamps.last().map_or(0, |stamp| stamp.time_us);
    Stamps { stamps, end_us: last + 3_600_000_000, ended_by: EndedBy::Renter.into(), ..Stamps::default() }
}

fn held(twist: &Twist) -> (Bundle, Report) {
    let bundle = bundle(ProbeId::Cpu, twist);
    let report = report(&bundle);
    (bundle, report)
}

fn agreement(bundle: &Bundle, stamps: &Stamps, report: &Report) -> (Agreement, Option<u8>) {
    let found = compare(bundle, Some(stamps), report, &rules());
    (found.agreement, found.ratio.map(|ratio| ratio.lower))
}

#[test]
fn an_honest_report_agrees_and_x_is_the_stamps() {
    let (bundle, report) = held(&Twist::default());
    assert_eq!(agreement(&bundle, &stamps(&bundle, 1), &report), (Agreement::Agrees, Some(64)));
    // Frames after ROOT are not timed and need no stamp.
    let mut short = stamps(&bundle, 1);
    short.stamps.truncate(short.stamps.len() - 3);
    assert_eq!(agreement(&bundle, &short, &report), (Agreement::Agrees, Some(64)));
    short.stamps.truncate(short.stamps.len() - 1);
    assert_eq!(agreement(&bundle, &short, &report), (Agreement::Inconclusive, None));
}

#[test]
fn a_tenth_apart_agrees_and_more_does_not() {
    let (bundle, report) = held(&Twist::default());
    for (x_lower, agrees) in [(64, true), (58, true), (57, false), (0, false)] {
        let report = Report { x_lower, ..report.clone() };
        let expected = if agrees { Agreement::Agrees } else { Agreement::Disagrees };
        assert_eq!(agreement(&bundle, &stamps(&bundle, 1), &report), (expected, Some(64)), "{x_lower}");
    }
    // The fisher's clock says that the work took a thousandth of the time it took.
    let (found, x) = agreement(&bundle, &stamps(&bundle, 1_000), &report);
    assert_eq!(found, Agreement::Disagrees);
    assert!(x.unwrap() < 58, "{x:?}");
}

#[test]
fn a_pass_over_wrong_tiles_disagrees_and_a_failure_by_them_agrees() {
    let (bundle, honest) = held(&Twist { wrong_units: 256, ..Twist::default() });
    assert_eq!(honest.outcome(), Outcome::Fail);
    assert_eq!(agreement(&bundle, &stamps(&bundle, 1), &honest), (Agreement::Agrees, Some(0)));
    let lie = Report { outcome: Outcome::Pass.into(), x_lower: 64, x_upper: 64, ..honest.clone() };
    assert_eq!(agreement(&bundle, &stamps(&bundle, 1), &lie), (Agreement::Disagrees, Some(0)));
    // The node signed them: no relay can unsay it by keeping its stamps back.
    assert_eq!(compare(&bundle, None, &honest, &rules()).agreement, Agreement::Agrees);
}

#[test]
fn a_silence_counts_if_the_node_ended_it_or_let_its_deadline_pass() {
    let (bundle, report) = held(&Twist { silent_after: Some(3), ..Twist::default() });
    let full = stamps(&bundle, 1);
    let asked = full.stamps.last().unwrap().time_us;
    let after = |ended_by: EndedBy, ms: u64| {
        let stamps = Stamps { ended_by: ended_by.into(), end_us: asked + ms * 1_000, ..full.clone() };
        agreement(&bundle, &stamps, &report)
    };
    // The development plan waits 2 s for a Pong.
    assert_eq!(after(EndedBy::Renter, 1_800), (Agreement::Agrees, Some(0)));
    assert_eq!(after(EndedBy::Renter, 1_799), (Agreement::Disagrees, None));
    assert_eq!(after(EndedBy::Node, 0), (Agreement::Agrees, Some(0)));
    assert_eq!(after(EndedBy::Relay, 9_000), (Agreement::Inconclusive, None));
    // What was sent into a closed stream reached no relay.
    let mut closed = Stamps { ended_by: EndedBy::Node.into(), ..full.clone() };
    closed.stamps.pop();
    assert_eq!(agreement(&bundle, &closed, &report), (Agreement::Agrees, Some(0)));
    closed.ended_by = EndedBy::Renter.into();
    assert_eq!(agreement(&bundle, &closed, &report), (Agreement::Inconclusive, None));
}

#[test]
fn a_frame_that_the_fisher_left_out_is_his_lie() {
    let whole = bundle(ProbeId::Cpu, &Twist::default());
    let stamps = stamps(&whole, 1);
    let mut cut = whole;
    // The Pong came, and he says that it did not.
    cut.frames.truncate(4);
    let report = report(&cut);
    assert_eq!(report.outcome(), Outcome::Fail);
    assert_eq!(agreement(&cut, &stamps, &report), (Agreement::Disagrees, None));
    // So it is if he made the node hang up by a frame that he does not show.
    let mut goaded = stamps;
    goaded.stamps.truncate(4);
    goaded.stamps.push(Stamp { head: vec![9; 32], direction: Direction::Renter.into(), time_us: 2 });
    goaded.ended_by = EndedBy::Node.into();
    assert_eq!(agreement(&cut, &goaded, &report), (Agreement::Disagrees, None));
}

#[test]
fn foreign_and_missing_stamps_and_inconclusive_reports_say_nothing() {
    let (bundle, report) = held(&Twist::default());
    let other = super::bundle(ProbeId::Cpu, &Twist { nonce: 9, ..Twist::default() });
    assert_ne!(session_head(&bundle), session_head(&other));
    assert_eq!(agreement(&bundle, &stamps(&other, 1), &report), (Agreement::Inconclusive, None));
    assert_eq!(compare(&bundle, None, &report, &rules()).agreement, Agreement::Inconclusive);
    let vague = Report { outcome: Outcome::Inconclusive.into(), ..report };
    assert_eq!(agreement(&bundle, &stamps(&bundle, 1), &vague), (Agreement::Inconclusive, None));
    assert_eq!(session_head(&Bundle::default()), None);
}

/// The numbers of docs/method/audits.md.
#[test]
fn the_worked_example_of_the_page() {
    let rates = |seconds: f64| [216.0, 219.0, 222.0].map(|work| work / seconds);
    let x = |seconds| crate::measure::Ratio::of(crate::measure::median(&rates(seconds)).unwrap(), 100.0).lower;
    assert_eq!((x(3.0), x(2.96)), (46, 47));
    assert!(super::super::stamps::near(46, 47) && super::super::stamps::near(41, 47));
    assert!(!super::super::stamps::near(40, 47));
}

/// What a hostile relay does to honest stamps.
#[derive(Debug, Clone)]
enum Mischief {
    Swap(prop::sample::Index, prop::sample::Index),
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Head(prop::sample::Index, Vec<u8>),
    Time(prop::sample::Index, u64),
    Side(prop::sample::Index, i32),
}

fn mischief() -> impl Strategy<Value = Mischief> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), at()).prop_map(|(a, b)| Mischief::Swap(a, b)),
        at().prop_map(Mischief::Drop),
        at().prop_map(Mischief::Repeat),
        (at(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(at, head)| Mischief::Head(at, head)),
        (at(), any::<u64>()).prop_map(|(at, time)| Mischief::Time(at, time)),
        (at(), any::<i32>()).prop_map(|(at, side)| Mischief::Side(at, side)),
    ]
}

fn apply(stamps: &mut Vec<Stamp>, mischief: &Mischief) {
    let len = stamps.len();
    if len == 0 {
        return;
    }
    match mischief {
        Mischief::Swap(a, b) => stamps.swap(a.index(len), b.index(len)),
        Mischief::Drop(at) => drop(stamps.remove(at.index(len))),
        Mischief::Repeat(at) => stamps.push(stamps[at.index(len)].clone()),
        Mischief::Head(at, head) => stamps[at.index(len)].head = head.clone(),
        Mischief::Time(at, time_us) => stamps[at.index(len)].time_us = *time_us,
        Mischief::Side(at, side) => stamps[at.index(len)].direction = *side,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_stamps_are_judged_without_a_panic(
        mischiefs in prop::collection::vec(mischief(), 0..12),
        silent in any::<bool>(),
        end_us in any::<u64>(),
        ended_by in any::<i32>(),
    ) {
        let (bundle, report) = held(&Twist { silent_after: silent.then_some(3), ..Twist::default() });
        let mut stamps = Stamps { end_us, ended_by, ..stamps(&bundle, 1) };
        mischiefs.iter().for_each(|mischief| apply(&mut stamps.stamps, mischief));
        let found = compare(&bundle, Some(&stamps), &report, &rules());
        // Whatever the stamps are, a session in which the node signed nothing wrong has x = 0 only as a silence.
        prop_assert!(silent || found.agreement != Agreement::Inconclusive || found.ratio.is_none());
    }
}
