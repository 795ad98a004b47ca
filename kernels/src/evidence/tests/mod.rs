use super::*;
use crate::plan::OPENINGS;
use crate::probe::ProbeId;

mod fixture;
mod stamps;
use fixture::{CHAIN, RENTALS, Twist, bundle, descriptor, parties, worker};

fn rules() -> Rules {
    Rules { market: Market::Development, chain_id: CHAIN, rentals: RENTALS, releases: vec![Arc::new(worker())] }
}

fn run(twist: Twist) -> Examination {
    examine(&bundle(ProbeId::Cpu, &twist), &rules(), Depth::Recompute)
}

#[test]
fn an_honest_session_is_sound_and_convicts_nobody() {
    for probe in [ProbeId::Cpu, ProbeId::Ram] {
        let shown = examine(&bundle(probe, &Twist::default()), &rules(), Depth::Recompute);
        assert!(shown.is_sound(), "{:?}", shown.first_unsound());
        assert_eq!((shown.failure.clone(), shown.wrong.len(), shown.convicts), (None, 0, false));
        assert_eq!((shown.drawn, shown.windows.len(), shown.probe), (OPENINGS, 3, Some(probe)));
        let expectation = expected(&descriptor(&parties()), probe, Market::Development).unwrap();
        let measured = measure(&shown, &expectation);
        assert_eq!(measured.outcome, gpux_proto::evidence::Outcome::Pass);
        assert_eq!(measured.ratio.lower, 64, "{measured:?}");
    }
}

#[test]
fn two_wrong_drawn_units_convict() {
    let shown = run(Twist { wrong_units: 256, ..Twist::default() });
    assert!(shown.convicts && shown.wrong.len() >= 2, "{:?}", shown.failure);
    assert_eq!(shown.failure.unwrap().step, Step::Verify);
}

#[test]
fn a_transcript_alone_shows_no_wrong_bits_and_convicts_nobody() {
    let bundle = bundle(ProbeId::Cpu, &Twist { wrong_units: 256, ..Twist::default() });
    let shown = examine(&bundle, &rules(), Depth::Transcript);
    assert!(shown.is_sound() && !shown.convicts && shown.wrong.is_empty());
    assert_eq!((shown.failure, shown.drawn), (None, OPENINGS));
}

#[test]
fn a_single_wrong_unit_scores_zero_and_convicts_nobody() {
    // One unit in 512 is wrong: whatever is drawn, fewer than two of 90 are, with seeds as in the fixture.
    let shown = run(Twist { wrong_units: 1, ..Twist::default() });
    assert!(shown.wrong.len() < 2 && !shown.convicts);
}

#[test]
fn what_the_host_does_wrong_is_a_failure_with_its_step() {
    let cases = [
        (Twist { other_opening: true, ..Twist::default() }, Step::Opening),
        (Twist { fewer_openings: true, ..Twist::default() }, Step::Opening),
        (Twist { boast: true, ..Twist::default() }, Step::Opening),
        (Twist { other_kind: true, ..Twist::default() }, Step::Prepare),
        (Twist { other_cells: true, ..Twist::default() }, Step::Prepare),
        (Twist { fewer_rounds: true, ..Twist::default() }, Step::Window),
        (Twist { after_root: true, ..Twist::default() }, Step::Root),
        (Twist { replayed_pong: true, ..Twist::default() }, Step::Window),
        (Twist { silent_after: Some(0), ..Twist::default() }, Step::Prepare),
        (Twist { silent_after: Some(3), ..Twist::default() }, Step::Window),
        (Twist { silent_after: Some(43), ..Twist::default() }, Step::Root),
        (Twist { silent_after: Some(44), ..Twist::default() }, Step::Opening),
    ];
    for (index, (twist, step)) in cases.into_iter().enumerate() {
        let shown = run(twist);
        assert!(shown.is_sound(), "case {index}: {:?}", shown.first_unsound());
        assert_eq!(shown.failure.as_ref().map(|failure| failure.step), Some(step), "case {index}: {:?}", shown.failure);
        assert!(!shown.convicts);
    }
}

#[test]
fn what_a_framing_fisher_does_voids_the_bundle() {
    let wrong = Twist { wrong_units: 256, ..Twist::default() };
    let cases = [
        (Twist { poisoned: true, ..wrong.clone() }, "job"),
        (Twist { ordinal: 1, ..wrong.clone() }, "open"),
        (Twist { inexact: true, ..wrong.clone() }, "conversation"),
        (Twist { other_secret: true, ..wrong.clone() }, "conversation"),
        (Twist { other_head: true, ..wrong.clone() }, "conversation"),
        (Twist { short_windows: true, ..wrong.clone() }, "conversation"),
        (Twist { more_windows: 1, ..wrong.clone() }, "conversation"),
        (Twist { replayed_seed: true, ..wrong.clone() }, "conversation"),
        (Twist { name_bytes: 64 << 10, ..wrong }, "job"),
    ];
    for (twist, check) in cases {
        let shown = run(twist);
        assert_eq!(shown.first_unsound().map(|check| check.name), Some(check));
        assert!(!shown.convicts);
    }
}

#[test]
fn what_a_verifier_would_have_to_hold_is_refused_before_it_is() {
    let detail = |twist| run(twist).first_unsound().map(|check| check.detail.clone()).unwrap();
    assert_eq!(detail(Twist { more_windows: 1, ..Twist::default() }), "more windows than 3");
    assert!(detail(Twist { name_bytes: 64 << 10, ..Twist::default() }).ends_with("larger than any node takes"));
}

#[test]
fn frames_that_end_on_the_renters_turn_accuse_nobody() {
    let base = bundle(ProbeId::Cpu, &Twist::default());
    // After Ready the renter owes a Challenge, after ROOT a Reveal.
    let last = base.frames.len() - 3;
    let turns = [(0, "at Prepare"), (2, "at Challenge"), (3, "in a window"), (5, "in a window"), (last, "at Reveal")];
    for (frames, what) in turns {
        let mut cut = base.clone();
        cut.frames.truncate(frames);
        let shown = examine(&cut, &rules(), Depth::Transcript);
        let unsound = shown.first_unsound().unwrap();
        assert_eq!((unsound.name, unsound.detail.as_str()), ("conversation", &*format!("the renter stopped {what}")));
        assert_eq!(shown.failure, None);
    }
}

#[test]
fn every_part_of_the_bundle_is_bound() {
    type Edit = (&'static str, fn(&mut Bundle));
    let base = bundle(ProbeId::Cpu, &Twist { wrong_units: 256, ..Twist::default() });
    let edits: [Edit; 11] = [
        ("descriptor", |b| b.descriptor = None),
        ("descriptor", |b| b.descriptor.as_mut().unwrap().signature[0] ^= 1),
        ("offer", |b| b.offer.as_mut().unwrap().node_signature[0] ^= 1),
        ("offer", |b| b.offer.as_mut().unwrap().provider_signature[0] ^= 1),
        ("rental", |b| b.terms.as_mut().unwrap().offer.as_mut().unwrap().rate = "1".into()),
        ("hello", |b| b.terms.as_mut().unwrap().consumer[0] ^= 1),
        ("hello", |b| b.hello.as_mut().unwrap().signature[0] ^= 1),
        ("job", |b| b.manifest.push(0)),
        ("job", |b| b.release[0] ^= 1),
        ("open", |b| b.open.as_mut().unwrap().signature[0] ^= 1),
        ("frames", |b| b.frames[2].frame.as_mut().unwrap().data[0] ^= 1),
    ];
    for (check, edit) in edits {
        let mut bundle = base.clone();
        edit(&mut bundle);
        let shown = examine(&bundle, &rules(), Depth::Transcript);
        assert_eq!(shown.first_unsound().map(|check| check.name), Some(check));
        assert!(!shown.convicts);
    }
}

#[test]
fn what_was_said_in_another_session_rental_or_by_another_node_is_no_evidence_here() {
    type Edit = (&'static str, fn(&mut Bundle, Bundle));
    let here = bundle(ProbeId::Cpu, &Twist { wrong_units: 256, ..Twist::default() });
    // The same node and fisher, another job in the same rental; and the same job in another rental.
    let session = Twist { wrong_units: 256, name_bytes: 1, ..Twist::default() };
    let rental = Twist { wrong_units: 256, nonce: 2, ..Twist::default() };
    let edits: [Edit; 6] = [
        ("frames", |here, there| here.frames = there.frames),
        ("frames", |here, there| here.frames[3] = there.frames[3].clone()),
        ("open", |here, there| here.open = there.open),
        ("frames", |here, _| here.frames.swap(0, 2)),
        ("frames", |here, _| here.frames.insert(4, here.frames[2].clone())),
        ("frames", |here, _| here.frames[9].time_us = 0),
    ];
    for twist in [session.clone(), rental.clone()] {
        let there = bundle(ProbeId::Cpu, &twist);
        for (index, (check, edit)) in edits.iter().enumerate() {
            let mut mixed = here.clone();
            edit(&mut mixed, there.clone());
            let shown = examine(&mixed, &rules(), Depth::Transcript);
            assert_eq!(shown.first_unsound().map(|check| check.name), Some(*check), "case {index}");
            assert!(!shown.convicts);
        }
    }
    let unsound = |edit: fn(&mut Bundle, Bundle), twist: &Twist| {
        let mut mixed = here.clone();
        edit(&mut mixed, bundle(ProbeId::Cpu, twist));
        examine(&mixed, &rules(), Depth::Transcript).first_unsound().map(|check| check.name)
    };
    assert_eq!(unsound(|here, there| here.hello = there.hello, &session), Some("job"), "another job's hello");
    assert_eq!(unsound(|here, there| here.hello = there.hello, &rental), Some("hello"), "another rental's hello");
    assert_eq!(unsound(|here, there| here.terms = there.terms, &rental), Some("hello"), "another rental's terms");
    let stranger = gpux_proto::signing::SigningKey::from_bytes(&[99; 32]);
    let mut foreign = descriptor(&parties());
    foreign.node = stranger.verifying_key().to_bytes().to_vec();
    let mut mixed = here.clone();
    mixed.descriptor = Some(gpux_proto::signing::sign(gpux_proto::signing::Domain::Descriptor, &foreign, &stranger));
    let shown = examine(&mixed, &rules(), Depth::Transcript);
    assert_eq!(shown.first_unsound().map(|check| check.name), Some("offer"), "another node's descriptor");
}

#[test]
fn other_chains_markets_and_releases_are_refused() {
    let bundle = bundle(ProbeId::Cpu, &Twist::default());
    let examine = |rules: Rules| examine(&bundle, &rules, Depth::Transcript);
    let unsound = |rules| examine(rules).first_unsound().map(|check| check.name);
    assert_eq!(unsound(Rules { chain_id: 10, ..rules() }), Some("offer"));
    assert_eq!(unsound(Rules { rentals: [0; 20], ..rules() }), Some("offer"));
    let other = Arc::new(Release::new(b"another worker".to_vec()).unwrap());
    assert_eq!(unsound(Rules { releases: vec![other], ..rules() }), Some("job"));
    assert_eq!(unsound(Rules { market: Market::Production, ..rules() }), Some("conversation"));
    assert_eq!(unsound(Rules { releases: vec![], ..rules() }), None);
    // Nothing is known to compare with: good enough for a market of simulated cards alone.
    assert_eq!(unsound(Rules { releases: vec![], market: Market::Production, ..rules() }), Some("job"));
}

#[test]
fn a_variant_counts_if_it_can_be_rebuilt() {
    let job = |bundle: &Bundle, releases: Vec<Arc<Release>>| {
        let shown = examine(bundle, &Rules { releases, ..rules() }, Depth::Transcript);
        shown.checks.into_iter().find(|check| check.name == "job").map(|check| (check.holds, check.detail)).unwrap()
    };
    let accepted = || vec![Arc::new(Release::new(b"another worker".to_vec()).unwrap()), Arc::new(worker())];
    let varied = bundle(ProbeId::Cpu, &Twist { variant: [7; 32], ..Twist::default() });
    assert_eq!(job(&varied, accepted()), (true, "an accepted release, rebuilt with the variant".into()));
    assert_eq!(job(&varied, vec![]), (false, "the worker cannot be rebuilt: no accepted release is known".into()));
    let mut forged = varied.clone();
    forged.variant[0] ^= 1;
    assert_eq!(job(&forged, accepted()), (false, "the executable is not this release in this variant".into()));
    let mut forged = varied;
    forged.release = accepted()[0].digest().to_vec();
    assert!(job(&forged, accepted()).1.contains("no place for modules"), "{:?}", job(&forged, accepted()));
}

#[test]
fn claims_name_what_can_be_probed() {
    use gpux_proto::evidence::Gpu;
    let mut descriptor = descriptor(&parties());
    assert_eq!(claims(&descriptor, Market::Development), [ProbeId::Cpu, ProbeId::Ram]);
    descriptor.gpus = vec![Gpu { model: "GeForce RTX 3090".into(), count: 2 }];
    let named =
        |descriptor: &_, market| claims(descriptor, market).iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
    assert_eq!(named(&descriptor, Market::Development), "imma fma64 vram cpu ram");
    assert_eq!(named(&descriptor, Market::Production), "imma hmma fma32 fma64 vram stream link cpu ram");
    let mut old = descriptor.clone();
    old.gpus[0].model = "Tesla P40".into();
    assert_eq!(named(&old, Market::Production), "fma32 fma64 dp4a vram stream link cpu ram");
    let stream = expected(&descriptor, ProbeId::Stream, Market::Production).unwrap();
    let vram = expected(&descriptor, ProbeId::Vram, Market::Production).unwrap();
    assert_eq!(stream.bytes, vram.bytes * 0.9);
    let two = expected(&descriptor, ProbeId::Vram, Market::Development).unwrap();
    descriptor.gpus[0].count = 1;
    let one = expected(&descriptor, ProbeId::Vram, Market::Development).unwrap();
    assert!((two.bytes / one.bytes - 2.0).abs() < 1e-9 && (two.rate / one.rate - 2.0).abs() < 1e-9);
    assert!(!expected(&descriptor, ProbeId::Imma, Market::Production).unwrap().calibrated);
    descriptor.gpus[0].model = "GeForce RTX 9999".into();
    assert_eq!(expected(&descriptor, ProbeId::Imma, Market::Development), None);
    assert_eq!(expected(&descriptor, ProbeId::Disk, Market::Development), None);
}

#[test]
fn the_median_window_is_measured_and_no_window_is_no_figure() {
    let window = |rounds, seconds: u64| Window { duration_us: seconds * 1_000_000, rounds, round_trips: 14 };
    let parameters = crate::plan::plan(ProbeId::Cpu, Market::Development).unwrap().parameters;
    let of = |windows: Vec<Window>| {
        let work = windows.iter().map(|window| u128::from(window.rounds) * parameters.work_per_round(0)).collect();
        Examination { parameters: Some(parameters), windows, work, ..Examination::default() }
    };
    let expectation = expected(&descriptor(&parties()), ProbeId::Cpu, Market::Development).unwrap();
    let figures = measure(&of(vec![window(2, 1), window(18, 1), window(16, 4)]), &expectation).measurement.unwrap();
    assert_eq!(u128::from(figures.rate), 4 * parameters.work_per_round(0));
    assert_eq!(measure(&of(vec![]), &expectation).measurement, None);
}
