//! The state of one resource of one node: what is remembered of all its probes, in constant space.
//!
//! Owns S and the decayed histogram from which [L, U] is inverted. Evidence arrives as a `Batch`, the exact integer
//! histogram of one epoch: batches add, so neither the order within an epoch nor the shard that counted it matters.
//! Ageing is lazy: nothing is touched until it is read or probed. Its invariant is L <= S <= U.

use super::claim::{Bounds, HONEST_MEAN_STAKES, HONEST_RATES, RESOURCE_BETS, Tally};
use super::detector::{Detector, narrow};
use super::entry::{FoldedReport, ResourceId, Weight};
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
    /// The sums that bets on the claim read.
    tally: Tally,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bins: [0; BINS], zeros: 0, inconclusive: 0, probes: 0, tally: Tally::default() }
    }
}

impl Batch {
    /// Counts a report. One without weight changes nothing.
    pub fn add(&mut self, parameters: &Parameters, report: &FoldedReport) {
        let weight = u64::from(report.weight.in_64ths());
        if weight == 0 {
            return;
        }
        self.tally.add(parameters, report.x, report.weight);
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
        self.tally.merge(&other.tally);
    }

    /// The sums that bets on the claim read.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
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

/// What is read off a histogram, and the epoch at whose end it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Inverted {
    epoch: u32,
    low_bps: u16,
    high_bps: u16,
    log_honesty: f32,
}

impl Inverted {
    /// Nothing was read off yet.
    const NONE: Self = Self { epoch: Self::NEVER, low_bps: 0, high_bps: 10_000, log_honesty: 0.0 };
    /// No epoch has this number.
    const NEVER: u32 = u32::MAX;
}

/// What is remembered of one resource of one node: 360 bytes, since there are tens of millions of them.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceState {
    /// The decayed sum of weights of conclusive probes.
    weight: f64,
    /// The decayed sum of weight times x.
    weighted: f64,
    /// A: the sum of all (1 - d) of decays so far.
    forgotten: f32,
    /// The epoch up to which everything above and below is decayed, and in which the last probe was folded.
    epoch: u32,
    /// The last inverted interval; reading never needs it, it only saves the work.
    inverted: Inverted,
    probes: u32,
    /// The bets of the first stage against the host.
    detector: Detector<RESOURCE_BETS>,
    bins: [f32; BINS],
    zeros: f32,
    inconclusive: f32,
    resource: ResourceId,
    /// m0 of this node.
    prior_bps: u16,
}

impl ResourceState {
    /// A resource that was never probed, of a node with this prior.
    #[must_use]
    pub fn new(resource: ResourceId, epoch: u64, prior_bps: u16) -> Self {
        Self {
            weight: 0.0,
            weighted: 0.0,
            forgotten: 0.0,
            epoch: narrow(epoch),
            inverted: Inverted::NONE,
            probes: 0,
            detector: Detector::new(epoch),
            bins: [0.0; BINS],
            zeros: 0.0,
            inconclusive: 0.0,
            resource,
            prior_bps,
        }
    }

    /// Folds the probes of an epoch into score and interval; the state must not be ahead of it.
    pub fn absorb(&mut self, parameters: &Parameters, epoch: u64, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        let unit = f64::from(Weight::FULL.in_64ths());
        let added: u64 = batch.bins.iter().sum();
        let weighted: u64 = batch.bins.iter().zip(0_u64..).map(|(weight, bin)| weight * bin).sum();
        let added = added as f64 / unit;
        let decay = parameters.decay(added, self.age(epoch));
        self.weight = self.weight * decay + added;
        self.weighted = self.weighted * decay + weighted as f64 / (unit * f64::from(STEPS));
        self.forgotten += (1.0 - decay) as f32;
        for (bin, more) in self.bins.iter_mut().zip(batch.bins) {
            *bin = aged(*bin, decay, more as f64 / unit);
        }
        self.zeros = aged(self.zeros, decay, batch.zeros as f64 / unit);
        self.inconclusive = aged(self.inconclusive, decay, batch.inconclusive as f64 / unit);
        self.probes = self.probes.saturating_add(batch.probes);
        self.epoch = self.epoch.max(narrow(epoch));
        // No longer what is published, but near to what will be.
        self.inverted.epoch = Inverted::NEVER;
    }

    /// Bets on the probes of an epoch against the host; returns the factors.
    pub(super) fn bet(
        &mut self,
        parameters: &Parameters,
        epoch: u64,
        bounds: &Bounds,
        batch: &Batch,
    ) -> [f64; RESOURCE_BETS] {
        let factors = batch.tally.against(bounds);
        self.detector.bet(parameters, epoch, &factors);
        factors
    }

    /// E of the first stage: the evidence that the host keeps one of its claims on this resource not.
    pub(super) fn evidence(&self) -> f64 {
        self.detector.evidence()
    }

    /// The wealth of each bet of the first stage.
    pub(super) fn wealth(&self) -> [f64; RESOURCE_BETS] {
        self.detector.wealth()
    }

    /// Forgets the bets of the first stage, once a node is cleared.
    pub(super) fn clear(&mut self, epoch: u64) {
        self.detector = Detector::new(epoch);
    }

    /// The smaller e-value of two for an honest host, in logarithms: against "the mean is at most what clears", and
    /// against "at least so many sessions are slow as clear". They are read off the histogram, since bets that are fixed
    /// need no order; ageing raises wealth to a power below 1, whose expectation stays below 1 (Jensen), so
    /// evidence fades with the score's half-lives instead of falling off a window's edge. It is for reading at a moment:
    /// a node is wrongly called honest at most once in `honest_evidence` such moments.
    pub(super) fn log_honesty(&self, parameters: &Parameters, epoch: u64) -> f64 {
        f64::from(self.interval(parameters, epoch).log_honesty)
    }

    /// W at the end of an epoch, in full probes.
    pub(super) fn weight(&self, parameters: &Parameters, epoch: u64) -> f64 {
        self.weight * parameters.decay(0.0, self.age(epoch))
    }

    /// X at the end of an epoch: W with each probe times its x.
    pub(super) fn weighted(&self, parameters: &Parameters, epoch: u64) -> f64 {
        self.weighted * parameters.decay(0.0, self.age(epoch))
    }

    /// m0 of the node, in basis points.
    pub(super) fn prior_bps(&self) -> u16 {
        self.prior_bps
    }

    /// S at the end of an epoch: without probes it drifts to m0.
    #[must_use]
    pub fn score(&self, parameters: &Parameters, epoch: u64) -> f64 {
        let (n0, m0) = (parameters.prior_weight(), f64::from(self.prior_bps) / 1e4);
        (n0 * m0 + self.weighted(parameters, epoch)) / (n0 + self.weight(parameters, epoch))
    }

    /// S in basis points, to the nearest.
    pub(super) fn score_bps(&self, parameters: &Parameters, epoch: u64) -> u16 {
        libm::round(self.score(parameters, epoch).clamp(0.0, 1.0) * 1e4) as u16
    }

    /// Keeps the interval that is published at the end of an epoch, so that reading it is cheap.
    pub fn settle(&mut self, parameters: &Parameters, epoch: u64) {
        self.inverted = self.interval(parameters, epoch);
    }

    /// The figures that are published at the end of an epoch.
    #[must_use]
    pub fn estimate(&self, parameters: &Parameters, epoch: u64) -> Estimate {
        let score_bps = self.score_bps(parameters, epoch);
        let Inverted { low_bps, high_bps, .. } = self.interval(parameters, epoch);
        Estimate { low_bps: low_bps.min(score_bps), score_bps, high_bps: high_bps.max(score_bps) }
    }

    /// The interval of an epoch. Without probes it widens, but only every so many epochs, since inverting costs more than
    /// everything else: it is that of the last epoch when it was due, whoever asks and however often.
    fn interval(&self, parameters: &Parameters, epoch: u64) -> Inverted {
        let age = self.age(epoch);
        let due = u64::from(self.epoch) + age - age % u64::from(parameters.refresh_epochs.max(1));
        if self.inverted.epoch == narrow(due) { self.inverted } else { self.invert(parameters, due) }
    }

    /// How many epochs ago the last probe was folded.
    fn age(&self, epoch: u64) -> u64 {
        epoch.saturating_sub(u64::from(self.epoch))
    }

    fn invert(&self, parameters: &Parameters, epoch: u64) -> Inverted {
        let decay = parameters.decay(0.0, self.age(epoch));
        let threshold = log_threshold(parameters, f64::from(self.forgotten) + (1.0 - decay));
        let (below, above) = self.histograms(decay);
        Inverted {
            epoch: narrow(epoch),
            low_bps: lower_bound_bps(&below, parameters, threshold, self.inverted.low_bps),
            high_bps: 10_000 - lower_bound_bps(&above, parameters, threshold, 10_000 - self.inverted.high_bps),
            log_honesty: log_mean_evidence(&below, parameters.cleared_mean()).min(log_rate_evidence(&below, parameters))
                as f32,
        }
    }

    /// Which resource this is.
    pub(super) fn resource(&self) -> ResourceId {
        self.resource
    }

    /// How many conclusive probes were folded.
    #[must_use]
    pub fn probes(&self) -> u32 {
        self.probes
    }

    /// The epoch in which the last probe was folded.
    #[must_use]
    pub fn last_epoch(&self) -> u64 {
        u64::from(self.epoch)
    }

    /// Whether the interval holds a mean at the end of an epoch, without inverting it.
    #[cfg(test)]
    pub(super) fn holds(&self, parameters: &Parameters, epoch: u64, mean: f64) -> bool {
        let decay = parameters.decay(0.0, self.age(epoch));
        let threshold = log_threshold(parameters, f64::from(self.forgotten) + (1.0 - decay));
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

/// ln of the evidence against "the mean is at most `mean`" in a histogram of x rounded down.
fn log_mean_evidence(below: &[f64; BINS], mean: f64) -> f64 {
    let logs = HONEST_MEAN_STAKES.map(|stake| {
        let log = |(bin, weight): (usize, &f64)| {
            let x = bin as f64 / f64::from(STEPS);
            weight * libm::log(1.0 + stake * (x - mean) / mean)
        };
        below.iter().enumerate().filter(|(_, weight)| **weight > 0.0).map(log).sum()
    });
    log_mean(&logs)
}

/// ln of the evidence against "at least the share that clears of all sessions is slow".
fn log_rate_evidence(below: &[f64; BINS], parameters: &Parameters) -> f64 {
    let slow_from = usize::from(parameters.slow_bps) * usize::from(STEPS);
    let slow: f64 =
        below.iter().enumerate().filter(|(bin, _)| bin * 10_000 < slow_from).map(|(_, weight)| weight).sum();
    let fast = below.iter().sum::<f64>() - slow;
    let rate = parameters.cleared_rate();
    let logs = HONEST_RATES.map(|p| slow * libm::log(p / rate) + fast * libm::log((1.0 - p) / (1.0 - rate)));
    log_mean(&logs)
}

/// ln of the mean of exponentials.
fn log_mean(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| libm::exp(log - largest)).sum();
    largest + libm::log(sum / logs.len() as f64)
}

/// A decayed weight and what is new, as it is kept.
fn aged(weight: f32, decay: f64, more: f64) -> f32 {
    let next = (f64::from(weight) * decay + more) as f32;
    if next < NEGLIGIBLE { 0.0 } else { next }
}
