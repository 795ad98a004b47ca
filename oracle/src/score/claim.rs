//! The claims that a host makes by advertising a resource, and the bets against and for them.
//!
//! Owns every factor of the method: each multiplies a bettor's wealth and has a conditional expectation of at most 1
//! while its claim holds, so wealth that grows is evidence against the claim (Shafer, "Testing by betting", 2021). Keeps
//! no wealth. The sums that the factors read are integers, so the order of an epoch's reports cannot matter.

use super::entry::Weight;
use super::parameters::Parameters;
use super::ratio::{Ratio64, STEPS};

/// Bets against the claim on the mean.
pub(super) const MEAN_BETS: usize = 4;
/// Bets against the claim on the rate of slow sessions, and on any other rate.
pub(super) const RATE_BETS: usize = 5;
/// Bets against a resource: those on its mean, then those on its rate.
pub(super) const RESOURCE_BETS: usize = MEAN_BETS + RATE_BETS;
/// Bets for honesty on a rate.
pub(super) const HONEST_RATE_BETS: usize = 3;

/// Which share of what is at stake each bet against the mean risks. The boldest nearly all: against a host that always
/// delivers a little too little it grows almost as fast as any bet can.
const MEAN_STAKES: [f64; MEAN_BETS] = [0.05, 0.15, 0.4, 0.95];
/// The rate that each bet against a rate takes for true.
const RATES: [f64; RATE_BETS] = [0.06, 0.12, 0.25, 0.5, 0.9];
/// How a stake is split over the bets against a resource where verdicts are made. Any split that sums to 1 keeps the error;
/// this one pays for the least delays (`make simulate`): three audits of a host that is always slow, and little above the
/// least possible for one that is slow in a tenth of its sessions.
pub(super) const SHARES: [f64; RESOURCE_BETS] = [0.02, 0.06, 0.12, 0.14, 0.2, 0.16, 0.05, 0.05, 0.2];
/// Which share of its wealth each bet for an honest mean risks.
pub(super) const HONEST_MEAN_STAKES: [f64; MEAN_BETS] = [0.2, 0.5, 0.8, 0.95];
/// The rate that each bet for an honest rate takes for true.
pub(super) const HONEST_RATES: [f64; HONEST_RATE_BETS] = [0.005, 0.02, 0.04];

/// What honest hosts keep to, as far as reports can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    /// q_t: the least mean of x.
    pub(super) mean: f64,
    /// e_t: the largest share of slow sessions, those with x below `slow`.
    pub(super) rate: f64,
    /// The largest share of inconclusive sessions.
    pub(super) inconclusive: f64,
}

impl Bounds {
    /// The bounds while at most the weighted share `b` of all reports lies (design/scoring.md section 4): liars can add
    /// b to a rate, and take b from a mean.
    pub(super) fn contaminated(parameters: &Parameters, b: f64) -> Self {
        Self {
            mean: parameters.mean().min(0.97 * (1.0 - b)),
            rate: parameters.rate() + b,
            inconclusive: parameters.inconclusive_rate() + b,
        }
    }
}

/// What the reports about one claim in one epoch add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// How many reports carry weight.
    reports: u64,
    /// Their weights, in 64ths.
    weight: u64,
    /// The sum of weight times x rounded up, in 64ths of 64ths.
    weighted_upper: u64,
    /// The same with x rounded down.
    weighted_lower: u64,
    /// The weight of sessions that were slow even with x rounded up, in 64ths.
    slow_upper: u64,
    /// The same with x rounded down.
    slow_lower: u64,
    /// The weight of inconclusive sessions, in 64ths.
    inconclusive: u64,
}

impl Tally {
    /// Counts a report that carries weight.
    pub(super) fn add(&mut self, parameters: &Parameters, x: Ratio64, weight: Weight) {
        let weight = u64::from(weight.in_64ths());
        let slow = |x: u8| u64::from(x) * 10_000 < u64::from(parameters.slow_bps) * u64::from(STEPS);
        self.reports += 1;
        self.weight += weight;
        self.weighted_upper += weight * u64::from(x.upper());
        self.weighted_lower += weight * u64::from(x.lower());
        self.slow_upper += if slow(x.upper()) { weight } else { 0 };
        self.slow_lower += if slow(x.lower()) { weight } else { 0 };
        self.inconclusive += if x.is_inconclusive() { weight } else { 0 };
    }

    /// Adds what another shard counted.
    pub(super) fn merge(&mut self, other: &Self) {
        self.reports += other.reports;
        self.weight += other.weight;
        self.weighted_upper += other.weighted_upper;
        self.weighted_lower += other.weighted_lower;
        self.slow_upper += other.slow_upper;
        self.slow_lower += other.slow_lower;
        self.inconclusive += other.inconclusive;
    }

    /// A sum of weights as its average over the reports.
    fn average(&self, sum: u64) -> f64 {
        sum as f64 / (f64::from(Weight::FULL.in_64ths()) * self.reports.max(1) as f64)
    }

    /// The factors against a resource, all of an epoch averaged into one a bet: reports of one epoch may depend on each
    /// other, and an average of such factors is one again.
    pub(super) fn against(&self, bounds: &Bounds) -> [f64; RESOURCE_BETS] {
        let mut factors = [1.0; RESOURCE_BETS];
        let weight = self.average(self.weight);
        let weighted = self.average(self.weighted_upper) / f64::from(STEPS);
        for (factor, stake) in factors.iter_mut().zip(MEAN_STAKES) {
            // F = 1 + l w (q - x), l = stake / (1 - q): at x = 1 the bet loses its stake, no more.
            *factor = 1.0 + stake / (1.0 - bounds.mean) * (bounds.mean * weight - weighted);
        }
        let slow = self.average(self.slow_upper);
        factors[MEAN_BETS..].copy_from_slice(&rate_factors(slow, weight - slow, bounds.rate));
        factors
    }

    /// The factors against the claim that a session is seldom inconclusive.
    pub(super) fn against_conclusive(&self, bounds: &Bounds) -> [f64; RATE_BETS] {
        let inconclusive = self.average(self.inconclusive);
        rate_factors(inconclusive, self.average(self.weight) - inconclusive, bounds.inconclusive)
    }

    /// The factors for an honest mean: the claim that they refute is "the mean is at most `mean`".
    pub(super) fn for_mean(&self, mean: f64) -> [f64; MEAN_BETS] {
        let (weight, weighted) = (self.average(self.weight), self.average(self.weighted_lower) / f64::from(STEPS));
        HONEST_MEAN_STAKES.map(|stake| 1.0 + stake / mean * (weighted - mean * weight))
    }

    /// The factors for an honest rate: the claim that they refute is "at least the share `rate` of sessions is slow".
    pub(super) fn for_rate(&self, rate: f64) -> [f64; HONEST_RATE_BETS] {
        let slow = self.average(self.slow_lower);
        let fast = self.average(self.weight) - slow;
        HONEST_RATES.map(|p| 1.0 + slow * (p / rate - 1.0) + fast * ((1.0 - p) / (1.0 - rate) - 1.0))
    }
}

/// The factors against "at most the share `bound` of all sessions is bad", for average weights of bad and good ones.
/// A bet that takes for true what the claim allows would win on honest hosts, so it sleeps.
pub(super) fn rate_factors(bad: f64, good: f64, bound: f64) -> [f64; RATE_BETS] {
    RATES.map(|p| {
        if p <= bound {
            return 1.0;
        }
        // 1 + w (likelihood ratio - 1), averaged.
        1.0 + bad * (p / bound - 1.0) + good * ((1.0 - p) / (1.0 - bound) - 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(x: f64, weight: u32) -> Tally {
        let mut tally = Tally::default();
        tally.add(&Parameters::production(), Ratio64::of(x), Weight::from_64ths(weight).unwrap());
        tally
    }

    fn bounds() -> Bounds {
        Bounds::contaminated(&Parameters::production(), 0.0)
    }

    #[test]
    fn a_report_multiplies_wealth_by_45_at_most_and_never_takes_it_all() {
        let dead = tally(0.0, 64).against(&bounds());
        let full = tally(1.0, 64).against(&bounds());
        // 0.95 * 0.92 / 0.08 + 1 and 0.9 / 0.02.
        assert!((dead[3] - 11.925).abs() < 1e-9 && (dead[8] - 45.0).abs() < 1e-9, "{dead:?}");
        // 1 - 0.95 and (1 - 0.9) / (1 - 0.02).
        assert!((full[3] - 0.05).abs() < 1e-9 && (full[8] - 0.1 / 0.98).abs() < 1e-9, "{full:?}");
        assert!(dead.iter().chain(&full).all(|factor| *factor > 0.0));
    }

    #[test]
    fn a_stake_is_split_and_not_enlarged() {
        assert!((SHARES.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn half_a_weight_bets_half() {
        let (full, half) = (tally(0.36, 64).against(&bounds()), tally(0.36, 32).against(&bounds()));
        for (full, half) in full.iter().zip(half) {
            assert!((half - (1.0 + (full - 1.0) / 2.0)).abs() < 1e-12);
        }
    }

    #[test]
    fn the_factors_of_an_epoch_are_the_average_of_its_reports() {
        let mut both = tally(0.36, 64);
        both.merge(&tally(1.0, 20));
        let (a, b) = (tally(0.36, 64).against(&bounds()), tally(1.0, 20).against(&bounds()));
        for ((both, a), b) in both.against(&bounds()).iter().zip(a).zip(b) {
            assert!((both - f64::midpoint(a, b)).abs() < 1e-12);
        }
    }

    #[test]
    fn at_the_edge_of_each_claim_no_bet_wins_on_average() {
        let bounds = bounds();
        // Exactly the share e0 of sessions dead, the others perfect: the rate's factors average to 1.
        let (dead, full) = (tally(0.0, 64).against(&bounds), tally(1.0, 64).against(&bounds));
        for bet in MEAN_BETS..RESOURCE_BETS {
            assert!((0.02 * dead[bet] + 0.98 * full[bet] - 1.0).abs() < 1e-12);
        }
        // Dead in 8 % of the sessions: the mean is 0.92.
        for bet in 0..MEAN_BETS {
            assert!((0.08 * dead[bet] + 0.92 * full[bet] - 1.0).abs() < 1e-12);
        }
        // A mean of 0.89, and 8 % slow: the bets for honesty average to 1.
        let (dead, full) = (tally(0.0, 64), tally(1.0, 64));
        for (dead, full) in dead.for_mean(0.89).iter().zip(full.for_mean(0.89)) {
            assert!((0.11 * dead + 0.89 * full - 1.0).abs() < 1e-12);
        }
        for (dead, full) in dead.for_rate(0.08).iter().zip(full.for_rate(0.08)) {
            assert!((0.08 * dead + 0.92 * full - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn rounding_never_accuses_and_never_clears() {
        let bounds = bounds();
        // 0.7999 lies between 51/64 and 52/64: not slow when accusing, slow when clearing.
        let edge = tally(0.7999, 64);
        assert!(edge.against(&bounds)[MEAN_BETS] < 1.0);
        assert!(edge.for_rate(0.08)[0] < 1.0);
        // What says nothing accuses nobody of being slow and clears nobody.
        let mut silent = Tally::default();
        silent.add(&Parameters::production(), Ratio64::INCONCLUSIVE, Weight::FULL);
        assert!(silent.against(&bounds).iter().all(|factor| *factor < 1.0));
        assert!(silent.for_rate(0.08)[0] < 1.0 && silent.for_mean(0.89)[0] < 1.0);
        assert!(silent.against_conclusive(&bounds)[1] > 1.0);
    }

    #[test]
    fn bets_that_lies_could_win_sleep() {
        let bounds = Bounds::contaminated(&Parameters::production(), 0.3);
        let factors = tally(0.0, 64).against(&bounds);
        assert!((bounds.mean - 0.679).abs() < 1e-12 && (bounds.rate - 0.32).abs() < 1e-12);
        assert_eq!(factors[MEAN_BETS..MEAN_BETS + 3], [1.0; 3]);
        assert!((factors[8] - 0.9 / 0.32).abs() < 1e-12);
    }
}
