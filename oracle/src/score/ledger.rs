//! Evidence kept apart by the owner whose relay stamped it.
//!
//! Owns the log-wealth of bets, one row an owner, and the rule by which owners who may be corrupt are left out: in each
//! bet the k largest positive sums are dropped before the rows are added. If at most k owners are corrupt, what is left
//! is at most the sum of the honest owners alone, whose exponential is a supermartingale while the claim holds. So no
//! share of liars need be assumed, and Ville's bound holds for any behaviour of the corrupt.

use std::collections::BTreeMap;

/// An owner of relays, by his number in the fold.
pub(super) type Owner = u32;

/// The log-wealth of K bets, by owner.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ledger<const K: usize>(BTreeMap<Owner, [f64; K]>);

impl<const K: usize> Ledger<K> {
    /// Enters a bet's factors to the power `root`. Sessions of one epoch may depend on each other: with n owners each
    /// factor enters as its n-th root, and by Hölder's inequality the product's expectation is at most 1.
    pub(super) fn enter(&mut self, owner: Owner, factors: [f64; K], root: f64) {
        let sums = self.0.entry(owner).or_insert([0.0; K]);
        for (sum, factor) in sums.iter_mut().zip(factors) {
            *sum += root * libm::log(factor);
        }
    }

    /// Adds all rows of another ledger.
    pub(super) fn extend(&mut self, other: &Self) {
        for (owner, sums) in &other.0 {
            let total = self.0.entry(*owner).or_insert([0.0; K]);
            for (total, sum) in total.iter_mut().zip(sums) {
                *total += sum;
            }
        }
    }

    /// Each bet's log-wealth without its `dropped` largest positive sums of single owners.
    pub(super) fn kept(&self, dropped: usize) -> [f64; K] {
        let mut won = Vec::with_capacity(self.0.len());
        std::array::from_fn(|bet| {
            let sums = self.0.values().map(|row| row[bet]);
            let lost: f64 = sums.clone().filter(|sum| *sum <= 0.0).sum();
            won.clear();
            won.extend(sums.filter(|sum| *sum > 0.0));
            won.sort_unstable_by(|a: &f64, b| b.total_cmp(a));
            lost + won.iter().skip(dropped).sum::<f64>()
        })
    }
}

impl<const K: usize> Default for Ledger<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// The logarithm of a sum of exponentials, in the order given.
pub(super) fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + libm::log(logs.iter().map(|log| libm::exp(log - largest)).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_sums_are_dropped_and_debts_are_kept() {
        let mut ledger = Ledger::<2>::default();
        for (owner, factor) in [(1, 8.0), (2, 4.0), (3, 2.0), (4, 0.5)] {
            ledger.enter(owner, [factor, 1.0 / factor], 1.0);
        }
        let two = std::f64::consts::LN_2;
        assert!((ledger.kept(0)[0] - 5.0 * two).abs() < 1e-12);
        // Each bet drops its own largest; the second has one positive sum only.
        let kept = ledger.kept(2);
        assert!((kept[0] - 0.0).abs() < 1e-12 && (kept[1] + 6.0 * two).abs() < 1e-12, "{kept:?}");
    }

    #[test]
    fn sessions_of_one_epoch_share_one_bet() {
        let (mut apart, mut together) = (Ledger::<1>::default(), Ledger::<1>::default());
        apart.enter(1, [9.0], 1.0);
        together.enter(1, [9.0], 0.5);
        together.enter(2, [9.0], 0.5);
        assert!((apart.kept(0)[0] - together.kept(0)[0]).abs() < 1e-12);
        let mut sum = Ledger::default();
        sum.extend(&apart);
        sum.extend(&together);
        assert!((sum.kept(1)[0] - 0.5 * 9.0_f64.ln()).abs() < 1e-12);
    }
}
