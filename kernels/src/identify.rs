//! Which model of the catalogue was measured, and whether it is the one that was claimed.
//!
//! Owns the noise model, the ranking of candidates, the two tests of a claim and their power over the whole catalogue
//! (docs/method/identification.md). It describes and never accuses: cases are opened by the e-processes of scoring.md.
//! Invariant: a pure function of figures, without randomness; the same figures name the same model everywhere.

use crate::calibration;
use crate::catalogue::Model;
use crate::plan::Market;
use crate::probe::ProbeId;

mod candidates;
mod claim;
mod power;

pub use candidates::{Candidate, candidates};
pub use claim::{Comparison, FALSE_REJECTION, compare};
pub use power::{GAIN, HARD, Pair, Powers, SHORTFALL_SESSIONS, cannot_be_told_from, pairs};

/// The probes whose figures belong to a model: rates, and for `vram` the bytes that were held.
///
/// `link` belongs to the machine that the card sits in. `dp4a` has no figure of its own: the catalogue's is four times
/// that of fp32, and it has none for cards with int8 tensor cores, so that candidates could not be compared by it.
pub const RESOURCES: [ProbeId; 6] =
    [ProbeId::Imma, ProbeId::Hmma, ProbeId::Fma32, ProbeId::Fma64, ProbeId::Stream, ProbeId::Vram];

/// How far a session's figure lies from what the model is expected to reach: the standard deviation of
/// ln(measured / expected), each resource for itself, since each is measured in a session of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    rate: f64,
    memory: f64,
}

impl Noise {
    /// 3 % between runs: a card in a cool room that nobody shares.
    pub const LOW: Self = Self { rate: 0.03, memory: Self::MEMORY };
    /// 8 % between runs: clocks that follow heat and power limits, and what to assume of an unknown machine.
    pub const HIGH: Self = Self { rate: 0.08, memory: Self::MEMORY };

    /// Memory is counted, not timed: only what driver and contexts keep for themselves varies, some 100 MiB of 8 to
    /// 24 GiB. Its error is the catalogue's estimate, the same in every session, so sessions do not average it away.
    const MEMORY: f64 = 0.01;

    /// Returns the noise of the geometric mean of several sessions' figures; no session counts as one.
    pub fn averaged(self, sessions: u32) -> Self {
        Self { rate: self.rate / libm::sqrt(f64::from(sessions.max(1))), ..self }
    }

    fn of(self, probe: ProbeId) -> f64 {
        if probe == ProbeId::Vram { self.memory } else { self.rate }
    }
}

/// Why figures are refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// There is no figure.
    #[error("no figure was measured")]
    Empty,
    /// The probe is none of [`RESOURCES`].
    #[error("probe {0} says nothing of a card's model")]
    Foreign(ProbeId),
    /// A resource has two figures.
    #[error("probe {0} has two figures")]
    Twice(ProbeId),
    /// The figure is no positive number.
    #[error("{value} is no figure of probe {probe}")]
    Figure {
        /// The probe.
        probe: ProbeId,
        /// What was given.
        value: f64,
    },
}

/// What was measured of one card: a positive figure for some of [`RESOURCES`], at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured(Vec<(ProbeId, f64)>);

impl Measured {
    /// Checks figures: rates in work units a second, and for `vram` bytes.
    pub fn new(figures: impl IntoIterator<Item = (ProbeId, f64)>) -> Result<Self, Error> {
        let mut known: Vec<(ProbeId, f64)> = Vec::with_capacity(RESOURCES.len());
        for (probe, value) in figures {
            if !RESOURCES.contains(&probe) {
                return Err(Error::Foreign(probe));
            }
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::Figure { probe, value });
            }
            if known.iter().any(|(other, _)| *other == probe) {
                return Err(Error::Twice(probe));
            }
            known.push((probe, value));
        }
        // Sums of floating-point numbers hang on their order, which a caller must not choose.
        known.sort_by_key(|(probe, _)| *probe);
        if known.is_empty() { Err(Error::Empty) } else { Ok(Self(known)) }
    }

    /// Returns each figure's distance from what `model` is expected to reach, in units of noise; `None` for a unit that the
    /// model lacks.
    fn deviations(&self, model: &Model, noise: Noise, market: Market) -> impl Iterator<Item = Option<f64>> {
        self.0.iter().map(move |(probe, value)| {
            let expected = expected(model, *probe, market)?;
            Some((libm::log(*value) - libm::log(expected)) / noise.of(*probe))
        })
    }
}

/// Returns the figure that a model is expected to show; `None` when it lacks the unit.
fn expected(model: &Model, probe: ProbeId, market: Market) -> Option<f64> {
    match probe {
        // Walks are about equal on all models; what tells them apart is how much they hold.
        ProbeId::Vram => Some(model.usable_bytes as f64),
        probe => calibration::expected(model, probe, market).ok().map(|expected| expected.rate),
    }
}

#[cfg(test)]
mod tests;
