//! What docs/method/identification.md promises and shows: powers over the whole catalogue, and its numbers worked by hand.

use gpux_kernels::ProbeId;
use gpux_kernels::catalogue::{Model, by_name};
use gpux_kernels::identify::{Measured, Noise, Pair, Powers, SHORTFALL_SESSIONS, candidates, compare, pairs};
use gpux_kernels::plan::Market;

/// Figures are expected at half of those on paper.
const MARKET: Market = Market::Production;
const PAGE: &str = include_str!("../../docs/method/identification.md");

fn card(name: &str) -> &'static Model {
    by_name(name).expect("a model of the catalogue")
}

fn hard(pairs: &[Pair]) -> Powers {
    Powers::mean(pairs.iter().filter(|pair| pair.is_hard()))
}

fn assert_on_page(row: &str) {
    assert!(PAGE.lines().any(|line| line == row), "the page lacks {row}");
}

#[test]
fn one_session_of_each_resource_reveals_a_hard_pair() {
    assert!(hard(&pairs(Noise::LOW, MARKET)).misfit >= 0.97);
}

#[test]
fn a_host_that_throttles_is_revealed_by_seven_sessions_and_not_by_six() {
    let after = |sessions| hard(&pairs(Noise::LOW.averaged(sessions), MARKET)).shortfall;
    assert!(after(SHORTFALL_SESSIONS) >= 0.97 && after(SHORTFALL_SESSIONS - 1) < 0.97);
}

#[test]
fn the_page_shows_the_powers() {
    for (name, noise) in [("3 %", Noise::LOW), ("8 %", Noise::HIGH)] {
        for sessions in [1, 2, 4, SHORTFALL_SESSIONS] {
            let pairs = pairs(noise.averaged(sessions), MARKET);
            let (all, hard) = (Powers::mean(&pairs), hard(&pairs));
            let percent =
                [all.misfit, hard.misfit, all.shortfall, hard.shortfall].map(|p| format!("{:.2} %", 100.0 * p));
            let inseparable = pairs.iter().filter(|pair| pair.is_inseparable()).count();
            assert_on_page(&format!("| {name} | {sessions} | {} | {inseparable} |", percent.join(" | ")));
        }
    }
}

#[test]
fn the_page_names_the_pairs_that_cannot_be_separated() {
    let (low, high) = (pairs(Noise::LOW, MARKET), pairs(Noise::HIGH, MARKET));
    for (low, high) in low.iter().zip(&high).filter(|(_, high)| high.is_inseparable()) {
        let (claimed, actual) = (&high.claimed.name, &high.actual.name);
        assert_eq!((claimed, actual), (&low.claimed.name, &low.actual.name));
        let percent = [low.powers.misfit, high.powers.misfit].map(|p| format!("{:.1} %", 100.0 * p));
        assert_on_page(&format!("| {claimed} | {actual} | {:.3} | {} |", high.smallest_ratio, percent.join(" | ")));
    }
    assert!(low.iter().zip(&high).all(|(low, high)| high.is_inseparable() || !low.is_inseparable()));
    assert!(PAGE.contains(&format!("{} pairs in which the seller gains", low.len())));
    assert!(PAGE.contains(&format!("{} of them are hard", low.iter().filter(|pair| pair.is_hard()).count())));
}

#[test]
fn the_page_s_pair_worked_by_hand() {
    let (claimed, actual) = (card("GeForce RTX 3070"), card("GeForce RTX 5060"));
    let rates = [ProbeId::Imma, ProbeId::Hmma, ProbeId::Fma32, ProbeId::Fma64, ProbeId::Stream];
    let figures = rates.map(|probe| (probe, actual.figure(probe).unwrap() * 0.5));
    let measured = Measured::new(figures.into_iter().chain([(ProbeId::Vram, actual.usable_bytes as f64)])).unwrap();
    let comparison = compare(claimed, &measured, Noise::LOW, MARKET);
    assert_eq!(comparison.resources, 6);
    assert!((comparison.misfit - 14.155).abs() < 0.001);
    assert!((comparison.misfit_probability - 0.0279).abs() < 0.0001);
    assert!((comparison.shortfall - 1.921).abs() < 0.001);
    assert!((comparison.shortfall_probability - 0.153).abs() < 0.001);
    assert!(!comparison.is_other_model() && !comparison.falls_short());
    let ranked = candidates(&measured, Noise::LOW, MARKET);
    let shares: Vec<_> =
        ranked.iter().take(2).map(|candidate| (&*candidate.model.name, (1e4 * candidate.share).round())).collect();
    assert_eq!(shares, [("GeForce RTX 5060", 9_992.0), ("GeForce RTX 3070", 8.0)]);
    let pair = |noise| {
        let all = pairs(noise, MARKET);
        *all.iter().find(|pair| pair.claimed == claimed && pair.actual == actual).unwrap()
    };
    assert!((pair(Noise::LOW).powers.misfit - 0.620).abs() < 0.001);
    assert!((pair(Noise::LOW.averaged(2)).powers.misfit - 0.961).abs() < 0.001);
}

#[test]
fn bandwidth_is_as_noisy_as_a_rate_and_memory_is_not() {
    let model = card("GeForce RTX 3090");
    let short = |probe, expected: f64| {
        let measured = Measured::new([(probe, 0.95 * expected)]).unwrap();
        compare(model, &measured, Noise::LOW, MARKET)
    };
    assert!(!short(ProbeId::Stream, model.bandwidth_bytes * 0.5).falls_short());
    assert!(short(ProbeId::Vram, model.usable_bytes as f64).falls_short());
}
