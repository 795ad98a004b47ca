//! The e-detector: bets that start anew all the time, so that a host which turns bad late is found as well.
//!
//! Owns the wealth of every bet and the budget of restarts. The total that is ever put in during a year is at most 1, and
//! a bet does not grow on average while its claim holds; so by Ville's inequality the probability that E reaches 1 / a
//! within the year is at most a, however often it is looked at (Ville 1939; Shin, Ramdas and Rinaldo, "E-detectors: a
//! nonparametric framework for sequential change detection", 2023).

use super::parameters::Parameters;

/// Wealth above this proves no more, and would overflow in the end.
const WEALTH_MAX: f32 = 1e30;

/// The wealth of K bets against one claim.
///
/// Kept in the linear domain: bets only multiply and add, so no logarithm is taken and nothing depends on one. A wealth
/// that underflows is a bet that lost, and restarts anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Detector<const K: usize> {
    wealth: [f32; K],
    /// The epoch in which the year of this budget began.
    since: u32,
    /// The epoch of the last bet.
    last: u32,
}

impl<const K: usize> Detector<K> {
    /// A detector whose year begins; half of its budget is bet at once.
    pub(super) fn new(epoch: u64) -> Self {
        let epoch = narrow(epoch);
        Self { wealth: [released(0.0) as f32 / K as f32; K], since: epoch, last: epoch }
    }

    /// Bets on an epoch's factors.
    pub(super) fn bet(&mut self, parameters: &Parameters, epoch: u64, factors: &[f64; K]) {
        let year = parameters.epochs_a_year();
        let now = narrow(epoch).max(self.last);
        if f64::from(now - self.since) >= year {
            *self = Self::new(epoch);
        }
        let age = |epoch: u32| f64::from(epoch - self.since) / year;
        let restart = (released(age(now)) - released(age(self.last))) / K as f64;
        for (wealth, factor) in self.wealth.iter_mut().zip(factors) {
            *wealth = (((f64::from(*wealth) + restart) * factor) as f32).min(WEALTH_MAX);
        }
        self.last = now;
    }

    /// E: the evidence against the claim.
    pub(super) fn evidence(&self) -> f64 {
        self.wealth.iter().copied().map(f64::from).sum()
    }

    /// The wealth of each bet.
    pub(super) fn wealth(&self) -> [f64; K] {
        self.wealth.map(f64::from)
    }
}

/// How much of the budget is bet after this part of a year: half at its start, the rest evenly.
fn released(age: f64) -> f64 {
    0.5 + 0.5 * age.min(1.0)
}

/// Epochs are counted in 32 bits in states; the last one begins in 490,000 years of hours, or 680 years of 5 s, and no
/// epoch after it is folded (`fold::Error::Epoch`).
pub(super) fn narrow(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_during_a_year_is_one() {
        let parameters = Parameters::production();
        let mut detector = Detector::<4>::new(100);
        assert!((detector.evidence() - 0.5).abs() < 1e-6);
        for epoch in (100..100 + 365 * 24).step_by(7) {
            detector.bet(&parameters, epoch, &[1.0; 4]);
            assert!(detector.evidence() <= 1.0 + 1e-4);
        }
        assert!(detector.evidence() > 0.999);
        // A new year has its own budget, and old wealth does not enter it.
        detector.bet(&parameters, 100 + 365 * 24, &[1.0; 4]);
        assert!((detector.evidence() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn lost_bets_come_back_and_won_ones_are_bounded() {
        let parameters = Parameters::production();
        let mut detector = Detector::<1>::new(0);
        for epoch in 1..2_000 {
            detector.bet(&parameters, epoch, &[0.2]);
        }
        assert!(detector.evidence() > 0.0, "a restart is always there");
        for epoch in 2_000..2_100 {
            detector.bet(&parameters, epoch, &[10.0]);
        }
        assert!(detector.evidence() > 1e6 && detector.evidence() <= f64::from(WEALTH_MAX) * 1.001);
        // An epoch that lies back is the last one again.
        detector.bet(&parameters, 5, &[1.0]);
    }
}
