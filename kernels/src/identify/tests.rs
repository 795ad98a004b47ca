use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;
use crate::catalogue::{by_name, models};

const HERE: Market = Market::Development;

fn card(name: &str) -> &'static Model {
    by_name(name).unwrap()
}

/// What a model shows without noise.
fn profile(model: &Model) -> Vec<(ProbeId, f64)> {
    RESOURCES.into_iter().filter_map(|probe| Some((probe, expected(model, probe, HERE)?))).collect()
}

fn exact(model: &Model) -> Measured {
    Measured::new(profile(model)).unwrap()
}

/// Standard normal numbers from a seed (Box and Muller).
struct Normals(blake3::OutputReader);

impl Normals {
    fn new(seed: &str) -> Self {
        Self(blake3::Hasher::new().update(seed.as_bytes()).finalize_xof())
    }

    fn next(&mut self) -> f64 {
        let mut uniform = || {
            let mut bytes = [0; 8];
            self.0.fill(&mut bytes);
            ((u64::from_le_bytes(bytes) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        };
        (-2.0 * uniform().ln()).sqrt() * (TAU * uniform()).cos()
    }

    /// One noisy session for each resource of a model.
    fn sessions(&mut self, model: &Model, noise: Noise) -> Measured {
        let noisy = |(probe, value): (ProbeId, f64)| (probe, value * (noise.of(probe) * self.next()).exp());
        Measured::new(profile(model).into_iter().map(noisy)).unwrap()
    }
}

/// How often each test rejects `claimed` when `actual` is measured.
fn rejected(claimed: &Model, actual: &Model, noise: Noise, runs: u32) -> Powers {
    let mut normals = Normals::new(&format!("{} for {}", actual.name, claimed.name));
    let mut count = Powers::default();
    for _ in 0..runs {
        let comparison = compare(claimed, &normals.sessions(actual, noise), noise, HERE);
        count.misfit += f64::from(u8::from(comparison.is_other_model()));
        count.shortfall += f64::from(u8::from(comparison.falls_short()));
    }
    Powers { misfit: count.misfit / f64::from(runs), shortfall: count.shortfall / f64::from(runs) }
}

#[test]
fn a_3060_is_named_as_what_it_is_and_is_no_3090() {
    let (small, large) = (card("GeForce RTX 3060 12 GB"), card("GeForce RTX 3090"));
    let ranked = candidates(&exact(small), Noise::LOW, HERE);
    assert_eq!(ranked[0].model.name, small.name);
    assert!(ranked[0].share > 0.999_999 && ranked[0].log_likelihood == 0.0);
    let own = compare(small, &exact(small), Noise::LOW, HERE);
    assert_eq!((own.resources, own.misfit, own.misfit_probability, own.shortfall), (6, 0.0, 1.0, 0.0));
    assert!(!own.is_other_model() && !own.falls_short());
    let sold = compare(large, &exact(small), Noise::HIGH, HERE);
    assert!(sold.is_other_model() && sold.falls_short());
    assert!(sold.shortfall_probability < 1e-6);
}

#[test]
fn every_model_fits_itself_best_and_shares_sum_to_one() {
    for model in models() {
        for noise in [Noise::LOW, Noise::HIGH] {
            let ranked = candidates(&exact(model), noise, HERE);
            let best = ranked.iter().take_while(|candidate| candidate.share == ranked[0].share);
            assert!(best.into_iter().any(|candidate| candidate.model.name == model.name), "{}", model.name);
            assert!((ranked.iter().map(|candidate| candidate.share).sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn models_with_equal_figures_share_alike_in_the_catalogues_order() {
    let ranked = candidates(&exact(card("Quadro RTX 6000")), Noise::LOW, HERE);
    assert_eq!([&*ranked[0].model.name, &*ranked[1].model.name], ["TITAN RTX", "Quadro RTX 6000"]);
    assert_eq!(ranked[0].share, ranked[1].share);
    assert!(ranked[0].share < 0.5 + 1e-9);
    let twins = cannot_be_told_from(card("TITAN RTX"), Noise::LOW, HERE);
    assert_eq!(twins.iter().map(|model| &*model.name).collect::<Vec<_>>(), ["Quadro RTX 6000"]);
}

#[test]
fn a_unit_that_a_model_lacks_excludes_it() {
    let old = card("Tesla P40");
    let measured = Measured::new([(ProbeId::Imma, 1e12), (ProbeId::Vram, old.usable_bytes as f64)]).unwrap();
    assert!(candidates(&measured, Noise::LOW, HERE).iter().all(|candidate| candidate.model.name != old.name));
    let comparison = compare(old, &measured, Noise::LOW, HERE);
    assert!(comparison.is_other_model() && !comparison.falls_short());
    let nothing_else = compare(old, &Measured::new([(ProbeId::Hmma, 1e12)]).unwrap(), Noise::LOW, HERE);
    assert_eq!((nothing_else.resources, nothing_else.misfit_probability), (0, 0.0));
    assert!(nothing_else.is_other_model() && !nothing_else.falls_short());
}

#[test]
fn what_is_no_figure_is_refused() {
    for value in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refused = Measured::new([(ProbeId::Fma32, 1e12), (ProbeId::Imma, value)]);
        assert!(matches!(refused, Err(Error::Figure { probe: ProbeId::Imma, .. })), "{value}");
    }
    assert_eq!(Measured::new([]), Err(Error::Empty));
    assert_eq!(Measured::new([(ProbeId::Cpu, 1e9)]), Err(Error::Foreign(ProbeId::Cpu)));
    assert_eq!(Measured::new([(ProbeId::Dp4a, 1e9)]), Err(Error::Foreign(ProbeId::Dp4a)));
    assert_eq!(Measured::new([(ProbeId::Imma, 1.0), (ProbeId::Imma, 2.0)]), Err(Error::Twice(ProbeId::Imma)));
}

#[test]
fn extreme_figures_still_rank() {
    for value in [f64::MIN_POSITIVE, f64::MAX] {
        let measured = Measured::new(RESOURCES.map(|probe| (probe, value))).unwrap();
        let ranked = candidates(&measured, Noise::LOW, HERE);
        assert!((ranked.iter().map(|candidate| candidate.share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(compare(card("Tesla T4"), &measured, Noise::LOW, HERE).is_other_model());
    }
}

#[test]
fn a_true_claim_is_rejected_once_in_a_hundred() {
    // The standard error of 100,000 runs at 1 % is 0.03 %.
    for (name, noise) in [
        ("GeForce RTX 3060 12 GB", Noise::LOW),
        ("GeForce RTX 3060 12 GB", Noise::HIGH),
        ("GeForce GTX 1080", Noise::HIGH),
    ] {
        let Powers { misfit, shortfall } = rejected(card(name), card(name), noise, 100_000);
        assert!((misfit - 0.01).abs() < 0.001, "{name}: {misfit}");
        assert!((shortfall - 0.01).abs() < 0.001, "{name}: {shortfall}");
    }
}

#[test]
fn computed_power_is_what_simulated_sessions_show() {
    let all = pairs(Noise::LOW, HERE);
    for (claimed, actual) in [
        ("GeForce RTX 3070", "GeForce RTX 5060"),
        ("GeForce RTX 2070", "GeForce RTX 2060 SUPER"),
        ("GeForce RTX 4080 SUPER", "GeForce RTX 4080"),
    ] {
        let pair = all.iter().find(|pair| pair.claimed.name == claimed && pair.actual.name == actual).unwrap();
        let seen = rejected(pair.claimed, pair.actual, Noise::LOW, 20_000);
        assert!((seen.misfit - pair.powers.misfit).abs() < 0.012, "{claimed}: {seen:?} {:?}", pair.powers);
        assert!((seen.shortfall - pair.powers.shortfall).abs() < 0.012, "{claimed}: {seen:?} {:?}", pair.powers);
    }
}

proptest! {
    #[test]
    fn less_of_anything_never_hides_a_shortfall(
        claimed in 0..models().len(), shifts in prop::array::uniform6(-0.5f64..0.5), less in 0usize..6, by in 0.5f64..1.0
    ) {
        let claimed = &models()[claimed];
        let mut figures = profile(claimed);
        for ((_, value), shift) in figures.iter_mut().zip(shifts) {
            *value *= shift.exp();
        }
        let before = compare(claimed, &Measured::new(figures.clone()).unwrap(), Noise::HIGH, HERE);
        let index = less % figures.len();
        figures[index].1 *= by;
        let after = compare(claimed, &Measured::new(figures).unwrap(), Noise::HIGH, HERE);
        prop_assert!(after.shortfall >= before.shortfall);
        prop_assert!(after.shortfall_probability <= before.shortfall_probability);
    }

    #[test]
    fn farther_from_the_claim_never_fits_better(
        claimed in 0..models().len(), shifts in prop::array::uniform6(-0.5f64..0.5), by in 1.0f64..1.5
    ) {
        let claimed = &models()[claimed];
        let at = |factor: f64| {
            let shifted = profile(claimed).into_iter().zip(shifts);
            let figures = shifted.map(|((probe, value), shift)| (probe, value * (factor * shift).exp()));
            compare(claimed, &Measured::new(figures).unwrap(), Noise::LOW, HERE)
        };
        let (near, far) = (at(1.0), at(by));
        prop_assert!(far.misfit >= near.misfit - 1e-9);
        prop_assert!(far.misfit_probability <= near.misfit_probability + 1e-9);
    }

    #[test]
    fn the_order_of_figures_is_irrelevant(model in 0..models().len(), turn in 0usize..6) {
        let figures = profile(&models()[model]);
        let mut turned = figures.clone();
        turned.rotate_left(turn % figures.len());
        prop_assert_eq!(Measured::new(figures), Measured::new(turned));
    }
}
