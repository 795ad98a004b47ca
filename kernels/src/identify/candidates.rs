//! The models that fit, best first.

use crate::catalogue::{Model, models};
use crate::plan::Market;

use super::{Measured, Noise};

/// A model and how well it fits.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The model.
    pub model: &'static Model,
    /// -1/2 the sum of squared deviations. The constant that all candidates share is left out.
    pub log_likelihood: f64,
    /// Its part of all candidates' likelihoods: the probability of the model, were each of the catalogue as likely before.
    pub share: f64,
}

/// Ranks the models by likelihood. Models that lack a unit that was measured are left out; those that fit alike have equal
/// shares and stay in the catalogue's order.
pub fn candidates(measured: &Measured, noise: Noise, market: Market) -> Vec<Candidate> {
    let log_likelihood = |model| {
        let squares = measured.deviations(model, noise, market).map(|z| z.map(|z| z * z));
        squares.sum::<Option<f64>>().map(|sum| -0.5 * sum)
    };
    let fits = models().iter().filter_map(|model| {
        let log_likelihood = log_likelihood(model)?;
        Some(Candidate { model, log_likelihood, share: 0.0 })
    });
    let mut ranked: Vec<_> = fits.collect();
    ranked.sort_by(|one, other| other.log_likelihood.total_cmp(&one.log_likelihood));
    // Relative to the best, since a likelihood itself may be too small for a double.
    let best = ranked.first().map_or(0.0, |candidate| candidate.log_likelihood);
    for candidate in &mut ranked {
        candidate.share = libm::exp(candidate.log_likelihood - best);
    }
    let total: f64 = ranked.iter().map(|candidate| candidate.share).sum();
    for candidate in &mut ranked {
        candidate.share /= total;
    }
    ranked
}
