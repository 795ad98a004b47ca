//! How often [L, U] misses the mean of a host that does not change, looked at after every probe, on seeded simulations.

use super::*;

/// Whether the interval held the mean after each of `probes` probes, one an epoch.
fn covered(seed: u64, mean: f64, probes: u64, draw: fn(&mut Stream, f64) -> f64) -> bool {
    let parameters = Parameters::production();
    let mut stream = Stream(seed);
    let mut state = ResourceState::new(ResourceId(1), 0, 7_000);
    (1..=probes).all(|epoch| {
        let mut batch = Batch::default();
        let weight = Weight::from_64ths(if stream.next() < 0.3 { 32 } else { 64 }).unwrap();
        batch.add(
            &parameters,
            &FoldedReport { weight, ..report(1, epoch, epoch, Ratio64::of(draw(&mut stream, mean))) },
        );
        state.absorb(&parameters, epoch, &batch);
        state.holds(&parameters, epoch, mean)
    })
}

/// The share of `paths` that stayed inside for life.
fn coverage(mean: f64, paths: u64, probes: u64, draw: fn(&mut Stream, f64) -> f64) -> f64 {
    (0..paths).filter(|seed| covered(seed * 7919 + 1, mean, probes, draw)).count() as f64 / paths as f64
}

fn bernoulli(stream: &mut Stream, mean: f64) -> f64 {
    if stream.next() < mean { 1.0 } else { 0.0 }
}

/// The mean of two uniform numbers, scaled so that it stays inside 0 to 1.
fn triangular(stream: &mut Stream, mean: f64) -> f64 {
    let spread = mean.min(1.0 - mean);
    mean + spread * (stream.next() + stream.next() - 1.0)
}

#[test]
fn interval_covers_hosts_that_fail_now_and_then() {
    for mean in [0.36, 0.5, 0.9, 0.98] {
        let share = coverage(mean, 100, 1_500, bernoulli);
        assert!(share >= 0.95, "mean {mean} covered {share}");
    }
}

#[test]
fn interval_covers_hosts_that_vary() {
    for mean in [0.1, 0.36, 0.7, 0.95] {
        let share = coverage(mean, 100, 1_500, triangular);
        assert!(share >= 0.95, "mean {mean} covered {share}");
    }
}

#[test]
fn interval_narrows_to_the_mean() {
    let parameters = Parameters::production();
    let mut stream = Stream(5);
    let mut state = ResourceState::new(ResourceId(1), 0, 7_000);
    for epoch in 1..=400 {
        let mut batch = Batch::default();
        batch.add(&parameters, &report(1, epoch, epoch, Ratio64::of(triangular(&mut stream, 0.95))));
        state.absorb(&parameters, epoch, &batch);
    }
    let Estimate { low_bps, high_bps, .. } = state.estimate(&parameters, 400);
    assert!(low_bps > 9_100 && high_bps < 9_900, "[{low_bps}, {high_bps}]");
    assert!(state.holds(&parameters, 400, 0.95) && !state.holds(&parameters, 400, 0.9));
}
