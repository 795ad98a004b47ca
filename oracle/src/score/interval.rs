//! The interval [L, U]: a betting confidence sequence, inverted on a histogram.
//!
//! For a candidate mean m a gambler who stakes the fraction theta of his capital on "the mean is above m" multiplies it
//! by `1 - theta + theta x / m` at each probe; if m is the mean, his capital is a supermartingale, and by Ville's
//! inequality it rarely grows large however often it is looked at (Waudby-Smith and Ramdas, "Estimating means of
//! bounded random variables by betting", 2024, the grid-Kelly bet). L is the smallest m at which the average over a grid
//! of theta stays below the threshold. A bet that is fixed beforehand needs no order, so a histogram is enough.
//!
//! A probe of weight w enters with exponent w, and ageing by d raises the capital M to the power d. Both are allowed:
//! E\[F^w\] <= 1 by Jensen, and M^d <= d M + (1 - d). So what was forgotten acts like restarts, and a threshold that
//! grows with the sum A of all (1 - d) keeps the promise for life: in the block j <= A < j + 1 the capital starts at an
//! expectation of at most 1 and at most 1 more is put in, so it exceeds 2 (j+1)(j+2) / a there with probability at most
//! a / ((j+1)(j+2)), and these sum to a.

use super::parameters::Parameters;
use super::ratio::STEPS;

/// The number of bins of a histogram of x.
pub(super) const BINS: usize = STEPS as usize + 1;

/// The natural logarithm of the capital from which a candidate mean is rejected; `forgotten` is A.
pub(super) fn log_threshold(parameters: &Parameters, forgotten: f64) -> f64 {
    // Each side may miss with half of what the level leaves.
    let miss = (10_000.0 - f64::from(parameters.interval_level_bps)) / 2e4;
    libm::log(2.0 * (forgotten + 1.0) * (forgotten + 2.0) / miss)
}

/// The largest lower bound in basis points: every mean at or below it is rejected by the histogram. A `guess` near it saves
/// time and changes nothing: there is one such bound, since the capital falls as the candidate rises.
pub(super) fn lower_bound_bps(weights: &[f64; BINS], parameters: &Parameters, log_threshold: f64, guess: u16) -> u16 {
    let points = &points(weights);
    let is_rejected = |bps: u16| is_rejected(points, f64::from(bps) / 1e4, parameters, log_threshold);
    // A mean of one is never rejected: no factor exceeds one there. So the answer lies between the two.
    let (mut rejected, mut kept) = (0_u16, 10_000_u16);
    // From the guess outwards, in steps that double.
    let (mut at, mut step) = (guess.clamp(1, 9_999), 1_u16);
    while rejected < at && at < kept {
        if is_rejected(at) {
            rejected = at;
            at = at.saturating_add(step);
        } else {
            kept = at;
            at = at.saturating_sub(step);
        }
        step = step.saturating_mul(4);
    }
    while kept - rejected > 1 {
        let middle = u16::midpoint(rejected, kept);
        if is_rejected(middle) {
            rejected = middle;
        } else {
            kept = middle;
        }
    }
    rejected
}

/// Whether one candidate is rejected as too small.
#[cfg(test)]
pub(super) fn rejects(weights: &[f64; BINS], parameters: &Parameters, log_threshold: f64, mean: f64) -> bool {
    is_rejected(&points(weights), mean, parameters, log_threshold)
}

/// The occupied bins, each with its x and weight.
fn points(weights: &[f64; BINS]) -> Vec<(f64, f64)> {
    let occupied = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    occupied.map(|(bin, weight)| (bin as f64 / f64::from(STEPS), *weight)).collect()
}

/// Whether the average capital of all bets against `mean` reaches the threshold.
fn is_rejected(points: &[(f64, f64)], mean: f64, parameters: &Parameters, log_threshold: f64) -> bool {
    let count = parameters.bets_permille.len();
    let target = log_threshold + libm::log(count as f64);
    let mut logs = [f64::NEG_INFINITY; 10];
    for (log, bet) in logs.iter_mut().zip(parameters.bets_permille) {
        let theta = f64::from(bet) / 1e3;
        *log = points.iter().map(|(x, weight)| weight * libm::log(1.0 - theta + theta * x / mean)).sum();
        // One bet that alone makes the average large enough settles it.
        if *log >= target {
            return true;
        }
    }
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| libm::exp(log - largest)).sum();
    largest + libm::log(sum) >= target
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_guess_changes_nothing(
            bins in proptest::collection::vec((0..BINS, 0.0..400.0_f64), 1..12),
            forgotten in 0.0..50.0_f64,
            guess: u16,
        ) {
            let parameters = Parameters::production();
            let mut weights = [0.0; BINS];
            bins.iter().for_each(|(bin, weight)| weights[*bin] += weight);
            let threshold = log_threshold(&parameters, forgotten);
            let bound = lower_bound_bps(&weights, &parameters, threshold, 5_000);
            prop_assert_eq!(lower_bound_bps(&weights, &parameters, threshold, guess), bound);
            prop_assert!(bound == 0 || rejects(&weights, &parameters, threshold, f64::from(bound) / 1e4));
            prop_assert!(!rejects(&weights, &parameters, threshold, f64::from(bound + 1) / 1e4));
        }
    }
}
