//! Whether figures can be those of the model that was claimed.
//!
//! Two questions with a test each. *Is it another model?* asks in both directions: too fast in one resource gives a
//! substitute away as well as too slow in another. *Does it fall short?* asks only for less than was promised, so that a
//! host that throttles what is too fast gains nothing; it is weaker where a substitute is short in one resource alone.

use statrs::distribution::{ChiSquared, ContinuousCDF as _, Normal};

use crate::catalogue::Model;
use crate::plan::Market;

use super::{Measured, Noise};

/// How often each test rejects a claim that is true.
pub const FALSE_REJECTION: f64 = 0.01;

/// What figures say of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Figures of which the claimed model has its own.
    pub resources: usize,
    /// The sum of squared deviations; infinite when a unit was measured that the claimed model lacks.
    pub misfit: f64,
    /// The probability of such a misfit, or a larger one, of the claimed model itself.
    pub misfit_probability: f64,
    /// How far the worst figure lies below what was promised, in units of noise; 0 when none does.
    pub shortfall: f64,
    /// The probability that the worst figure of the claimed model itself lies as low, or lower; 1 without a figure.
    pub shortfall_probability: f64,
}

impl Comparison {
    /// Says whether the figures are those of another model.
    pub fn is_other_model(&self) -> bool {
        self.misfit_probability < FALSE_REJECTION
    }

    /// Says whether something that was promised is missing.
    pub fn falls_short(&self) -> bool {
        self.shortfall_probability < FALSE_REJECTION
    }
}

/// Compares figures with a claimed model.
pub fn compare(claimed: &Model, measured: &Measured, noise: Noise, market: Market) -> Comparison {
    let (mut resources, mut misfit, mut lowest) = (0, 0.0, f64::INFINITY);
    let mut lacks = false;
    for deviation in measured.deviations(claimed, noise, market) {
        let Some(z) = deviation else {
            lacks = true;
            continue;
        };
        resources += 1;
        misfit += z * z;
        lowest = z.min(lowest);
    }
    if lacks {
        misfit = f64::INFINITY;
    }
    Comparison {
        resources,
        misfit,
        misfit_probability: chi_squared(resources).map_or(0.0, |distribution| distribution.sf(misfit)),
        shortfall: (-lowest).max(0.0),
        shortfall_probability: any_below(lowest, resources),
    }
}

/// Returns the distribution of a true claim's misfit; none of no resources.
pub(super) fn chi_squared(resources: usize) -> Option<ChiSquared> {
    ChiSquared::new(resources as f64).ok()
}

/// Returns the probability that the lowest of `resources` standard normal numbers is at most `z`; 1 of none.
fn any_below(z: f64, resources: usize) -> f64 {
    if resources == 0 {
        return 1.0;
    }
    // 1 - (1 - p)^m, without losing a small p.
    -libm::expm1(resources as f64 * libm::log1p(-Normal::standard().cdf(z)))
}

/// Returns the `z` at which [`any_below`] is [`FALSE_REJECTION`] (Šidák's correction, exact as noise is independent).
pub(super) fn lowest_allowed(resources: usize) -> f64 {
    let each = -libm::expm1(libm::log1p(-FALSE_REJECTION) / resources as f64);
    Normal::standard().inverse_cdf(each)
}
