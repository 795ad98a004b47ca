//! The state of one resource of one node: what is remembered of all its probes, in constant space.
//!
//! Owns S and the decayed histogram from which [L, U] is inverted. Evidence arrives as a `Batch`, the exact integer
//! histogram of one epoch: batches add, so neither the order within an epoch nor the shard that counted it matters.
//! Ageing is lazy: nothing is touched until it is read or probed. Its invariant is L <= S <= U.

use super::entry::{FoldedReport, Weight};
#[cfg(test)]
use super::interval::rejects;
use super::interval::{BINS, log_threshold, lower_bound_bps};
use super::parameters::Parameters;
use super::ratio::STEPS;

/// Below this a weight cannot move any basis point; dropping it keeps the arithmetic out of denormal numbers.
const NEGLIGIBLE: f32 = 1e-9;

/// The probes of one resource in one epoch, in 64ths of a full probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The weight at each x, rounded down.
    bins: [u64; BINS],
    /// The part of the first bin whose x is exactly zero.
    zeros: u64,
    /// The weight of probes that said nothing.
    inconclusive: u64,
    /// How many conclusive probes there were.
    probes: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bins: [0; BINS], zeros: 0, inconclusive: 0, probes: 0 }
    }
}

impl Batch {
    /// Counts a report. One without weight changes nothing.
    pub fn add(&mut self, report: &FoldedReport) {
        let weight = u64::from(report.weight.in_64ths());
        if weight == 0 {
            return;
        }
        if report.x.is_inconclusive() {
            self.inconclusive += weight;
            return;
        }
        self.bins[usize::from(report.x.lower())] += weight;
        if report.x.upper() == 0 {
            self.zeros += weight;
        }
        self.probes = self.probes.saturating_add(1);
    }

    /// Adds what another shard counted.
    pub fn merge(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            *bin += more;
        }
        self.zeros += other.zeros;
        self.inconclusive += other.inconclusive;
        self.probes = self.probes.saturating_add(other.probes);
    }

    /// Whether nothing of weight was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.probes == 0 && self.inconclusive == 0
    }
}

/// A score with its interval, in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// L, rounded down: what to rank by.
    pub low_bps: u16,
    /// S, to the nearest.
    pub score_bps: u16,
    /// U, rounded up.
    pub high_bps: u16,
}

/// An interval and the epoch at whose end it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Inverted {
    epoch: u64,
    low_bps: u16,
    high_bps: u16,
}

/// What is remembered of one resource of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceState {
    /// The decayed sum of weights of conclusive probes.
    weight: f64,
    /// The decayed sum of weight times x.
    weighted: f64,
    /// A: the sum of all (1 - d) of decays so far.
    forgotten: f64,
    /// The epoch up to which everything above and below is decayed, and in which the last probe was folded.
    epoch: u64,
    /// The last inverted interval; reading never needs it, it only saves the work.
    inverted: Option<Inverted>,
    probes: u32,
    bins: [f32; BINS],
    zeros: f32,
    inconclusive: f32,
}

impl ResourceState {
    /// A resource that was never probed.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self {
            weight: 0.0,
            weighted: 0.0,
            forgotten: 0.0,
            epoch,
            inverted: None,
            probes: 0,
            bins: [0.0; BINS],
            zeros: 0.0,
            inconclusive: 0.0,
        }
    }

    /// Folds the probes of an epoch; the state must not be ahead of it.
    pub fn absorb(&mut self, parameters: &Parameters, epoch: u64, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        let unit = f64::from(Weight::FULL.in_64ths());
        let added: u64 = batch.bins.iter().sum();
        let weighted: u64 = batch.bins.iter().zip(0_u64..).map(|(weight, bin)| weight * bin).sum();
        let added = added as f64 / unit;
        let decay = parameters.decay(added, epoch.saturating_sub(self.epoch));
        self.weight = self.weight * decay + added;
        self.weighted = self.weighted * decay + weighted as f64 / (unit * f64::from(STEPS));
        self.forgotten += 1.0 - decay;
        for (bin, more) in self.bins.iter_mut().zip(batch.bins) {
            *bin = aged(*bin, decay, more as f64 / unit);
        }
        self.zeros = aged(self.zeros, decay, batch.zeros as f64 / unit);
        self.inconclusive = aged(self.inconclusive, decay, batch.inconclusive as f64 / unit);
        self.probes = self.probes.saturating_add(batch.probes);
        self.epoch = self.epoch.max(epoch);
        self.inverted = None;
    }

    /// S at the end of an epoch: without probes it drifts to m0.
    #[must_use]
    pub fn score(&self, parameters: &Parameters, epoch: u64) -> f64 {
        let decay = parameters.decay(0.0, epoch.saturating_sub(self.epoch));
        let (n0, m0) = (parameters.prior_weight(), parameters.prior_mean());
        (n0 * m0 + self.weighted * decay) / (n0 + self.weight * decay)
    }

    /// Keeps the interval that is published at the end of an epoch, so that reading it is cheap.
    pub fn settle(&mut self, parameters: &Parameters, epoch: u64) {
        self.inverted = Some(self.interval(parameters, epoch));
    }

    /// The figures that are published at the end of an epoch.
    #[must_use]
    pub fn estimate(&self, parameters: &Parameters, epoch: u64) -> Estimate {
        let score_bps = libm::round(self.score(parameters, epoch).clamp(0.0, 1.0) * 1e4) as u16;
        let Inverted { low_bps, high_bps, .. } = self.interval(parameters, epoch);
        Estimate { low_bps: low_bps.min(score_bps), score_bps, high_bps: high_bps.max(score_bps) }
    }

    /// The interval of an epoch. Without probes it widens, but only every so many epochs, since inverting costs more than
    /// everything else: it is that of the last epoch when it was due, whoever asks and however often.
    fn interval(&self, parameters: &Parameters, epoch: u64) -> Inverted {
        let age = epoch.saturating_sub(self.epoch);
        let due = self.epoch + age - age % u64::from(parameters.refresh_epochs.max(1));
        match self.inverted {
            Some(inverted) if inverted.epoch == due => inverted,
            _ => self.invert(parameters, due),
        }
    }

    fn invert(&self, parameters: &Parameters, epoch: u64) -> Inverted {
        let decay = parameters.decay(0.0, epoch.saturating_sub(self.epoch));
        let threshold = log_threshold(parameters, self.forgotten + (1.0 - decay));
        let (below, above) = self.histograms(decay);
        Inverted {
            epoch,
            low_bps: lower_bound_bps(&below, parameters, threshold),
            high_bps: 10_000 - lower_bound_bps(&above, parameters, threshold),
        }
    }

    /// How many conclusive probes were folded.
    #[must_use]
    pub fn probes(&self) -> u32 {
        self.probes
    }

    /// The epoch in which the last probe was folded.
    #[must_use]
    pub fn last_epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the interval holds a mean at the end of an epoch, without inverting it.
    #[cfg(test)]
    pub(super) fn holds(&self, parameters: &Parameters, epoch: u64, mean: f64) -> bool {
        let decay = parameters.decay(0.0, epoch.saturating_sub(self.epoch));
        let threshold = log_threshold(parameters, self.forgotten + (1.0 - decay));
        let (below, above) = self.histograms(decay);
        !rejects(&below, parameters, threshold, mean) && !rejects(&above, parameters, threshold, 1.0 - mean)
    }

    /// The histogram of x rounded down, and that of 1 - x with x rounded up. A bin holds [k, k + 1) 64ths, so x rounds up
    /// to k + 1, except for exact zeros and ones.
    fn histograms(&self, decay: f64) -> ([f64; BINS], [f64; BINS]) {
        let mut below = [0.0; BINS];
        let mut above = [0.0; BINS];
        for (bin, weight) in self.bins.iter().enumerate() {
            below[bin] = f64::from(*weight) * decay;
            let exact = if bin == 0 { f64::from(self.zeros) } else { 0.0 };
            let up = (bin + 1).min(BINS - 1);
            above[BINS - 1 - bin] += exact * decay;
            above[BINS - 1 - up] += (f64::from(*weight) - exact).max(0.0) * decay;
        }
        below[0] += f64::from(self.inconclusive) * decay;
        above[0] += f64::from(self.inconclusive) * decay;
        (below, above)
    }
}

/// A decayed weight and what is new, as it is kept.
fn aged(weight: f32, decay: f64, more: f64) -> f32 {
    let next = (f64::from(weight) * decay + more) as f32;
    if next < NEGLIGIBLE { 0.0 } else { next }
}
