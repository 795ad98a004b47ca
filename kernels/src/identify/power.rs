//! How often a false claim is rejected: for every pair of models of the catalogue, computed and not simulated.

use std::array;
use std::ops::Range;
use std::sync::LazyLock;

use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::catalogue::{Model, models};
use crate::plan::Market;

use super::claim::{FALSE_REJECTION, chi_squared, lowest_allowed};
use super::{Noise, RESOURCES, expected};

/// A seller gains when a resource of what he delivers is below this part of what he claims.
pub const GAIN: f64 = 0.97;
/// The smallest ratio of the pairs that are hard to tell apart.
pub const HARD: Range<f64> = 0.80..GAIN;
/// The fewest sessions of each resource whose mean figures reveal 97 % of the hard pairs at [`Noise::LOW`] even when the
/// host throttles whatever is too fast. One session does it when he does not.
pub const SHORTFALL_SESSIONS: u32 = 7;

/// Below this power two models cannot be told apart: a coin decides as well.
const POWER_LEAST: f64 = 0.5;

/// One model sold as another.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// What the seller claims.
    pub claimed: &'static Model,
    /// What he delivers.
    pub actual: &'static Model,
    /// The smallest of delivered over claimed; 0 when a claimed unit is not there at all.
    pub smallest_ratio: f64,
    /// How often the claim is rejected.
    pub powers: Powers,
}

impl Pair {
    /// Says whether the pair is hard to tell apart.
    pub fn is_hard(&self) -> bool {
        HARD.contains(&self.smallest_ratio)
    }

    /// Says whether a false claim passes more often than not.
    pub fn is_inseparable(&self) -> bool {
        self.powers.misfit < POWER_LEAST
    }
}

/// The probability of each test to reject.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Powers {
    /// That another model is seen.
    pub misfit: f64,
    /// That a shortfall is seen: all that is left when the host throttles what is too fast.
    pub shortfall: f64,
}

impl Powers {
    /// Returns the mean over pairs; 0 without any.
    pub fn mean<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Self {
        let (mut sum, mut count) = (Self::default(), 0.0);
        for Pair { powers, .. } in pairs {
            sum = Self { misfit: sum.misfit + powers.misfit, shortfall: sum.shortfall + powers.shortfall };
            count += 1.0;
        }
        if count > 0.0 { Self { misfit: sum.misfit / count, shortfall: sum.shortfall / count } } else { sum }
    }

    /// Returns the powers when the expected figures lie `shifts` units of noise from those of the claim.
    fn of(shifts: &[f64]) -> Self {
        let lowest = lowest_allowed(shifts.len());
        let normal = Normal::standard();
        let none_below: f64 = shifts.iter().map(|shift| normal.sf(lowest - shift)).product();
        Self { misfit: 1.0 - accepted(shifts), shortfall: 1.0 - none_below }
    }
}

/// Terms of the series of [`accepted`]; the next one is below 1e-30.
const TERMS: usize = 64;

/// For each number of resources the probabilities that chi-squared variables with m, m + 2, m + 4, ... degrees of freedom
/// lie below the critical value of m.
static BELOW: LazyLock<[[f64; TERMS]; RESOURCES.len() + 1]> = LazyLock::new(|| {
    array::from_fn(|resources| {
        let critical = chi_squared(resources).map(|distribution| distribution.inverse_cdf(1.0 - FALSE_REJECTION));
        array::from_fn(|term| {
            critical
                .zip(chi_squared(resources + 2 * term))
                .map_or(0.0, |(critical, distribution)| distribution.cdf(critical))
        })
    })
});

/// Returns the probability that the misfit stays below its critical value: the non-central chi-squared distribution as
/// a Poisson mixture of central ones (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, ch. 29).
fn accepted(shifts: &[f64]) -> f64 {
    let half = shifts.iter().map(|shift| shift * shift).sum::<f64>() / 2.0;
    // Of a large shift the first weight is 0 in a double, and with it the sum: the claim is always rejected.
    let mut weight = libm::exp(-half);
    let mut sum = 0.0;
    for (term, below) in BELOW[shifts.len()].iter().enumerate() {
        sum += weight * below;
        weight *= half / (term + 1) as f64;
    }
    sum
}

fn pair(claimed: &'static Model, actual: &'static Model, noise: Noise, market: Market) -> Pair {
    let mut smallest_ratio = f64::INFINITY;
    let mut shifts = Vec::with_capacity(RESOURCES.len());
    for probe in RESOURCES {
        let Some(promised) = expected(claimed, probe, market) else { continue };
        let ratio = expected(actual, probe, market).map_or(0.0, |delivered| delivered / promised);
        smallest_ratio = ratio.min(smallest_ratio);
        // A unit that is not there yields no figure. Its session fails, which is the score's business and not counted here.
        if ratio > 0.0 {
            shifts.push(libm::log(ratio) / noise.of(probe));
        }
    }
    Pair { claimed, actual, smallest_ratio, powers: Powers::of(&shifts) }
}

fn every_pair(noise: Noise, market: Market) -> impl Iterator<Item = Pair> {
    let others = |claimed: &'static Model| models().iter().filter(move |actual| actual.name != claimed.name);
    models().iter().flat_map(move |claimed| others(claimed).map(move |actual| pair(claimed, actual, noise, market)))
}

/// Returns every pair in which the seller gains, in the catalogue's order of claims.
pub fn pairs(noise: Noise, market: Market) -> Vec<Pair> {
    every_pair(noise, market).filter(|pair| pair.smallest_ratio < GAIN).collect()
}

/// Returns the models whose figures pass for those of `model` more often than not, whether or not a seller gains by it.
pub fn cannot_be_told_from(model: &'static Model, noise: Noise, market: Market) -> Vec<&'static Model> {
    let others = models().iter().filter(|other| other.name != model.name);
    others.filter(|other| pair(model, other, noise, market).is_inseparable()).collect()
}
