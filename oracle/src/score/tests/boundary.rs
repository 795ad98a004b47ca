//! Invariant 12: at the exact boundary of the claims, E reaches 1 / a in at most a share a of all paths, although it is
//! looked at after every probe. `make simulate` runs 4,000 paths of 10,000 probes; these are fewer, for every build.

use super::super::claim::Bounds;
use super::*;

/// The largest E that a host at the boundary of its claims ever shows.
fn largest(seed: u64, probes: u64, draw: fn(&mut Stream) -> f64) -> f64 {
    let parameters = Parameters::production();
    let bounds = Bounds::contaminated(&parameters, 0.0);
    let mut stream = Stream(seed);
    let mut state = ResourceState::new(ResourceId(1), 0, 7_000);
    let mut most = 0.0_f64;
    // A year of probes, evenly spread.
    for probe in 1..=probes {
        let epoch = probe * 8_759 / probes;
        let mut batch = Batch::default();
        batch.add(&parameters, &report(1, probe, epoch, Ratio64::of(draw(&mut stream))));
        state.bet(&parameters, epoch, &bounds, &batch);
        most = most.max(state.evidence());
    }
    most
}

#[test]
fn hosts_at_the_edge_are_rarely_suspect() {
    let rate_edge: fn(&mut Stream) -> f64 = |stream| if stream.next() < 0.02 { 0.0 } else { 1.0 };
    let mean_edge: fn(&mut Stream) -> f64 = |stream| 0.84 + 0.16 * stream.next();
    for draw in [rate_edge, mean_edge] {
        let paths = 600;
        let found: Vec<_> = (0..paths).map(|seed| largest(seed * 7_919 + 1, 3_000, draw)).collect();
        for (a, allowed) in [(0.05, 0.05), (0.01, 0.01)] {
            let share = found.iter().filter(|most| **most >= 1.0 / a).count() as f64 / paths as f64;
            // Three standard deviations of a binomial share.
            let slack = 3.0 * (allowed * (1.0 - allowed) / paths as f64).sqrt();
            assert!(share <= allowed + slack, "{share} of all paths at a = {a}");
        }
    }
}
