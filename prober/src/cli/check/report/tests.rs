use super::{
    super::{Likely, row::Outcome},
    *,
};
use gpux_kernels::probe::ProbeId;

fn row(probe: ProbeId, ratio: Option<f64>) -> Row {
    let expected_rate = ratio.map(|_| 100);
    let row = Row::not_run(probe, String::new());
    Row { outcome: Outcome::Pass, measured_rate: 36, drawn: 90, ratio, expected_rate, ..row }
}

fn report(cards: usize, claimed: Option<(&'static str, u32)>, probes: Vec<Row>) -> Report {
    let facts = Facts {
        processor: "processor".into(),
        threads: 2,
        memory_bytes: 1 << 30,
        cards: vec!["NVIDIA card".into(); cards],
        no_cards: (cards == 0).then(|| "no driver".into()),
    };
    let network = Network {
        endpoint: "loopback".into(),
        failure: None,
        down_bits_per_second: 1,
        up_bits_per_second: 1,
        round_trip_us: 16.4,
        distance_max_km: 1.7,
    };
    Report {
        machine: facts,
        claimed: claimed.map(|(model, count)| Claimed { model, count, by_driver: false }),
        quick: true,
        probes,
        network,
        identified: None,
        problems: Vec::new(),
        verdict: String::new(),
    }
}

#[test]
fn a_smaller_card_is_told_by_what_it_delivers() {
    let likely = Likely { model: "GeForce RTX 3060 12 GB", likelihood: 0.97 };
    let rows = vec![row(ProbeId::Imma, Some(0.36)), row(ProbeId::Fma32, Some(0.95)), row(ProbeId::Vram, Some(0.48))];
    let mut found = report(1, Some(("GeForce RTX 3090", 1)), rows);
    found.identified = Some(Identified { models: vec![likely], cannot_be_told_from: vec![] });
    let found = found.conclude();
    let sentence = "claims GeForce RTX 3090, delivers 36 % of its int8 tensor rate and 48 % of its memory: \
                    GeForce RTX 3060 12 GB class";
    assert_eq!((found.verdict.as_str(), found.problems.len()), (sentence, 1));
    let text = found.render();
    assert!(text.contains("36.0 of 100 op/s") && text.contains("36 %") && text.contains("less than claimed"), "{text}");
    assert!(text.ends_with(&format!("verdict: {sentence}\n")), "{text}");
}

#[test]
fn missing_cards_are_counted() {
    let verdict = |cards, count| report(cards, Some(("L4", count)), vec![]).conclude().verdict;
    assert_eq!(verdict(0, 1), "claims L4, but there is no CUDA device here");
    assert_eq!(verdict(1, 2), "claims 2 x L4, but has 1");
    assert_eq!(verdict(2, 2), "delivers what it claims: 2 x L4");
}

#[test]
fn wrong_results_and_probes_that_did_not_run_are_problems() {
    let wrong = Row { outcome: Outcome::Fail, wrong: 3, ..row(ProbeId::Cpu, None) };
    let disk = Row::not_run(ProbeId::Disk, "it is full".into());
    let foreign = Row::not_run(ProbeId::Dp4a, "no such unit".into());
    let found = report(1, None, vec![wrong, disk, foreign]).conclude();
    let problems = ["wrong results in 3 of 90 samples of its CPU rate", "its disk was not measured: it is full"];
    assert_eq!(found.problems, problems);
    let fine = report(0, None, vec![row(ProbeId::Cpu, None)]).conclude();
    assert!(fine.problems.is_empty() && fine.render().contains("exact (90 of 90 samples)"));
}
