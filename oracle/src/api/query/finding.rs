//! What the newest probes say of a node, in a sentence that a person understands.
//!
//! Owns the order in which findings matter: wrong bits, failures, too little, out of reach; and the thresholds from which a
//! finding is worth a sentence. It describes; verdicts come from the fold. Never a finding without its numbers.

use gpux_kernels::{
    catalogue,
    identify::{self, Measured, Noise},
    plan::Market,
    probe::ProbeId,
};
use gpux_proto::evidence::{Descriptor, Step};

use super::{
    claim,
    samples::{Sample, Samples},
};

/// Below this median x a resource is called short: q of the mean claim (design/scoring.md section 2).
const SHORT_BPS: u32 = 9_200;
/// Failures, and sessions that never began, are worth a sentence from a quarter of the sessions on, and from the second.
const SHARE: u32 = 4;
const LEAST: u32 = 2;
/// Of machines that nobody vouches for.
const NOISE: Noise = Noise::HIGH;

/// The sentence.
pub(super) fn sentence(descriptor: &Descriptor, samples: &[Samples], nearest: Option<&str>) -> String {
    let mut findings: Vec<_> =
        [wrong(samples), failed(samples), short(descriptor, samples, nearest), unreached(samples)]
            .into_iter()
            .flatten()
            .collect();
    if findings.is_empty() {
        findings.push(delivers(samples));
    }
    let simulated = samples.iter().flat_map(|resource| &resource.newest).any(|sample| sample.simulated);
    let label = if simulated { " (simulated device)" } else { "" };
    findings.join("; ") + label
}

/// The catalogue's model that the medians fit best. Figures of several equal cards are divided by their number.
pub(super) fn nearest(descriptor: &Descriptor, samples: &[Samples], market: Market) -> Option<&'static str> {
    let claimed = claim::model(descriptor);
    let cards = claimed.map_or(1, |(_, count)| count);
    let figures =
        samples.iter().filter(|resource| identify::RESOURCES.contains(&resource.probe)).filter_map(|resource| {
            let figure = if resource.probe == ProbeId::Vram { resource.measured() } else { resource.rate() };
            Some((resource.probe, figure.filter(|figure| *figure > 0)? as f64 / f64::from(cards)))
        });
    let measured = Measured::new(figures).ok()?;
    // Where the figures may be those of the claimed model, another that fits by a hair better is no news.
    let claimed = claimed.and_then(|(name, _)| catalogue::by_name(name));
    let fits = claimed.filter(|model| !identify::compare(model, &measured, NOISE, market).is_other_model());
    let best = || identify::candidates(&measured, NOISE, market).first().map(|candidate| candidate.model);
    fits.or_else(best).map(|model| model.name.as_str())
}

fn wrong(samples: &[Samples]) -> Option<String> {
    let with = |resource: &&Samples| resource.count(|sample| sample.wrong > 0) > 0;
    // Who skips work skips the walk as well: only memory that is wrong alone is called missing.
    let most = |resource: &&Samples| (!resource.probe.fills_memory(), resource.count(|sample| sample.wrong > 0));
    let resource = samples.iter().filter(with).max_by_key(most)?;
    let newest = resource.newest.iter().find(|sample| sample.wrong > 0)?;
    let sessions = resource.count(|sample| sample.wrong > 0);
    let conclusive = resource.count(Sample::is_conclusive);
    let cause = if resource.probe.fills_memory() { "memory is not held" } else { "work is skipped" };
    Some(format!(
        "wrong results in {} of {} drawn units ({}, {sessions} of {conclusive} sessions): {cause}",
        newest.wrong,
        newest.drawn,
        resource.probe.noun()
    ))
}

fn failed(samples: &[Samples]) -> Option<String> {
    let all = samples.iter().flat_map(|resource| &resource.newest);
    let conclusive = all.clone().filter(|sample| sample.is_conclusive()).count() as u32;
    let failed: Vec<_> = all.filter(|sample| sample.is_failed()).map(|sample| sample.step).collect();
    let count = failed.len() as u32;
    if count < LEAST || count * SHARE < conclusive {
        return None;
    }
    let often = |step: &Step| failed.iter().filter(|other| *other == step).count();
    let step = *failed.iter().max_by_key(|step| (often(step), **step as i32))?;
    let (what, at) = match step {
        Step::Prepare => ("host cannot set up its work", "prepare"),
        Step::Window => ("host stalls", "window"),
        Step::Root => ("host does not commit to its work", "root"),
        Step::Opening => ("host does not show its work", "opening"),
        _ => ("host fails", "verification"),
    };
    Some(format!("{what}: {count} of {conclusive} sessions failed, {} at {at}", often(&step)))
}

fn short(descriptor: &Descriptor, samples: &[Samples], nearest: Option<&str>) -> Option<String> {
    let mut parts = Vec::new();
    let (mut on_card, mut of_class) = (false, false);
    for resource in samples {
        // Wrong bits and failures have sentences of their own; what is left of the resource is its passes.
        let passes = Samples {
            probe: resource.probe,
            newest: resource.newest.iter().filter(|s| s.wrong == 0 && !s.is_failed()).cloned().collect(),
        };
        let Some(x) = passes.x_bps().filter(|x| *x < SHORT_BPS) else { continue };
        on_card |= !resource.probe.on_host();
        of_class |= !resource.probe.on_host() && !is_slow_memory(&passes);
        parts.push(format!("{} % of its {}", (share_bps(&passes, x) + 50) / 100, shortage(&passes)));
    }
    let last = parts.pop()?;
    let listed = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
    let claimed = claim::model(descriptor);
    let subject = match claimed {
        Some((model, 1)) if on_card => model.to_owned(),
        _ => claim::words(descriptor),
    };
    // Slow memory is spilled or made up, on whatever card: it names no model.
    let class = nearest.filter(|model| of_class && claimed.is_none_or(|(claimed, _)| claimed != *model));
    let class = class.map(|model| format!(": {model} class")).unwrap_or_default();
    Some(format!("claims {subject}, delivers {listed}{class}"))
}

/// x as the medians of the figures say it, if they say the same as x, which is rounded down to 64ths.
fn share_bps(resource: &Samples, x: u32) -> u32 {
    let figures = resource.measured().zip(resource.expected().filter(|expected| *expected > 0));
    let share = figures.map(|(measured, expected)| u128::from(measured) * 10_000 / u128::from(expected));
    let share = share.and_then(|share| u32::try_from(share).ok());
    share.filter(|share| (x..=x + 10_000 / 64 + 1).contains(share)).unwrap_or(x)
}

/// What is short: memory that is all there and too slow was not resident.
fn shortage(resource: &Samples) -> String {
    let noun = resource.probe.noun();
    if is_slow_memory(resource) { format!("{noun}'s speed") } else { noun.into() }
}

fn is_slow_memory(resource: &Samples) -> bool {
    let whole = match (resource.measured(), resource.expected()) {
        (Some(measured), Some(expected)) => measured >= expected / 10_000 * u64::from(SHORT_BPS),
        _ => false,
    };
    resource.probe.fills_memory() && whole
}

fn unreached(samples: &[Samples]) -> Option<String> {
    let all = samples.iter().flat_map(|resource| &resource.newest);
    let sessions = all.clone().count() as u32;
    let unreached = all.filter(|sample| sample.is_unreached()).count() as u32;
    (unreached >= LEAST && unreached * SHARE >= sessions)
        .then(|| format!("often out of reach: {unreached} of {sessions} sessions never opened"))
}

fn delivers(samples: &[Samples]) -> String {
    let (probed, missing): (Vec<_>, Vec<_>) =
        samples.iter().partition(|resource| resource.count(Sample::is_conclusive) > 0);
    let missing: Vec<_> = missing.iter().map(|resource: &&Samples| resource.probe.noun()).collect();
    match (probed.is_empty(), missing.is_empty()) {
        (true, _) => "no data: not probed yet".into(),
        (false, true) => "delivers what it claims".into(),
        (false, false) => format!("delivers what it claims; not probed yet: {}", missing.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::{Gpu, Host, Outcome};

    const CLAIMED: &str = "GeForce RTX 3090";

    fn card() -> Descriptor {
        Descriptor { gpus: vec![Gpu { model: CLAIMED.into(), count: 1 }], ..Descriptor::default() }
    }

    fn pass(x_bps: u32) -> Sample {
        Sample {
            outcome: Outcome::Pass,
            step: Step::Unspecified,
            x_bps,
            measured: Some(u64::from(x_bps) * 1_000),
            rate: Some(u64::from(x_bps) * 1_000),
            expected: 10_000_000,
            wrong: 0,
            drawn: 24,
            simulated: false,
            end_time: None,
        }
    }

    fn fail(step: Step, wrong: u32) -> Sample {
        Sample { outcome: Outcome::Fail, step, x_bps: 0, measured: None, rate: None, wrong, ..pass(0) }
    }

    fn of(probe: ProbeId, newest: Vec<Sample>) -> Samples {
        Samples { probe, newest }
    }

    #[test]
    fn a_smaller_card_is_named_as_what_it_is() {
        let samples = [
            of(ProbeId::Imma, vec![Sample { x_bps: 3_437, ..pass(3_580) }; 8]),
            of(ProbeId::Fma64, vec![pass(9_800); 8]),
            of(ProbeId::Vram, vec![pass(5_000); 8]),
        ];
        assert_eq!(
            sentence(&card(), &samples, Some("GeForce RTX 3060 12 GB")),
            "claims GeForce RTX 3090, delivers 36 % of its int8 tensor rate and 50 % of its memory: \
             GeForce RTX 3060 12 GB class"
        );
    }

    #[test]
    fn skipped_work_and_missing_memory_are_told_by_their_wrong_units() {
        let skip = [of(ProbeId::Imma, vec![fail(Step::Verify, 11), pass(10_000), fail(Step::Verify, 9)])];
        assert_eq!(
            sentence(&card(), &skip, Some(CLAIMED)),
            "wrong results in 11 of 24 drawn units (int8 tensor rate, 2 of 3 sessions): work is skipped"
        );
        let memory = of(ProbeId::Vram, vec![fail(Step::Verify, 1); 4]);
        assert!(sentence(&card(), std::slice::from_ref(&memory), None).ends_with("memory is not held"));
        let both = [skip[0].clone(), memory];
        assert!(sentence(&card(), &both, None).ends_with("work is skipped"));
    }

    #[test]
    fn stalling_is_told_by_its_step_and_one_failure_is_no_finding() {
        let stalls = vec![fail(Step::Window, 0); 7].into_iter().chain([pass(10_000)]).collect();
        assert_eq!(
            sentence(&card(), &[of(ProbeId::Imma, stalls)], None),
            "host stalls: 7 of 8 sessions failed, 7 at window"
        );
        let once = [of(ProbeId::Imma, vec![fail(Step::Window, 0), pass(10_000), pass(10_000)])];
        assert_eq!(sentence(&card(), &once, Some(CLAIMED)), "delivers what it claims");
    }

    #[test]
    fn slow_memory_that_is_all_there_is_told_as_slow() {
        let slow = Sample { measured: Some(10_000_000), ..pass(2_000) };
        assert_eq!(
            sentence(&card(), &[of(ProbeId::Vram, vec![slow])], Some(CLAIMED)),
            "claims GeForce RTX 3090, delivers 20 % of its memory's speed"
        );
        let slow = Sample { measured: Some(10_000_000), ..pass(2_000) };
        let other = sentence(&card(), &[of(ProbeId::Vram, vec![slow])], Some("RTX A5000"));
        assert!(!other.contains("class"), "spilled memory names no model: {other}");
    }

    #[test]
    fn a_claim_that_fits_within_the_noise_is_the_nearest() {
        let model = catalogue::by_name(CLAIMED).unwrap();
        let rate = |probe| gpux_kernels::calibration::expected(model, probe, Market::Development).unwrap().rate;
        let sample = |figure: f64| Sample { measured: Some(figure as u64), rate: Some(figure as u64), ..pass(10_000) };
        let at = |share: f64| {
            [
                of(ProbeId::Imma, vec![sample(rate(ProbeId::Imma) * share)]),
                of(ProbeId::Fma64, vec![sample(rate(ProbeId::Fma64) * share)]),
                of(ProbeId::Vram, vec![sample(model.usable_bytes as f64)]),
                // Of bandwidth the rate counts, not the bytes that were passed over.
                of(
                    ProbeId::Stream,
                    vec![Sample { measured: Some(model.usable_bytes), ..sample(rate(ProbeId::Stream) * share) }],
                ),
            ]
        };
        assert_eq!(nearest(&card(), &at(1.04), Market::Development), Some(CLAIMED));
        assert_ne!(nearest(&card(), &at(0.5), Market::Development), Some(CLAIMED));
    }

    #[test]
    fn unknown_is_said_and_simulated_devices_are_called_so() {
        assert_eq!(sentence(&card(), &[of(ProbeId::Imma, vec![])], None), "no data: not probed yet");
        let partly = [of(ProbeId::Imma, vec![pass(9_843)]), of(ProbeId::Vram, vec![])];
        assert_eq!(sentence(&card(), &partly, None), "delivers what it claims; not probed yet: memory");
        let simulated = [of(ProbeId::Imma, vec![Sample { simulated: true, ..pass(10_000) }])];
        assert_eq!(sentence(&card(), &simulated, None), "delivers what it claims (simulated device)");
        let gone = Sample { outcome: Outcome::Inconclusive, step: Step::Open, ..fail(Step::Open, 0) };
        let away = [of(ProbeId::Imma, vec![gone.clone(), gone, pass(10_000), pass(10_000)])];
        assert_eq!(sentence(&card(), &away, None), "often out of reach: 2 of 4 sessions never opened");
    }

    #[test]
    fn a_host_without_cards_is_never_of_a_model_class() {
        let host = Host { threads: 2, fp64_flops: 4_000_000_000, ..Host::default() };
        let descriptor = Descriptor { host: Some(host), ..Descriptor::default() };
        let samples = [of(ProbeId::Cpu, vec![pass(5_000)])];
        assert_eq!(nearest(&descriptor, &samples, Market::Development), None);
        assert_eq!(
            sentence(&descriptor, &samples, None),
            "claims 2 CPU threads at 4.0 Gflop/s, delivers 50 % of its CPU rate"
        );
    }
}
