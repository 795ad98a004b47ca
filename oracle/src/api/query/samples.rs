//! What a node's newest probes measured.
//!
//! Owns the medians that a reputation shows: of at most 64 probes a resource, so that an answer describes the machine as it is
//! now. Figures of sessions with wrong bits are left out: they say how fast a host pretends. Answers are kept by the
//! newest closed epoch and the node's newest report, so that a page of reputations does not decode the same reports again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gpux_kernels::probe::ProbeId;
use gpux_proto::evidence::{DeviceKind, Outcome, Report, Step};

use super::evidence::{figures, x_bps};

/// Probes of a resource that are looked at.
pub(super) const NEWEST: u32 = 64;
/// Nodes that are kept; all are dropped when one more comes, and read again when they are asked for.
const CACHED_MAX: usize = 4_096;

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) outcome: Outcome,
    pub(super) step: Step,
    pub(super) x_bps: u32,
    /// Measured rate or bytes; none without a window.
    pub(super) measured: Option<u64>,
    /// Measured rate, of memory probes as well.
    pub(super) rate: Option<u64>,
    pub(super) expected: u64,
    pub(super) wrong: u32,
    pub(super) drawn: u32,
    pub(super) simulated: bool,
    /// When the session ended, by the fisher's clock.
    pub(super) end_time: Option<pbjson_types::Timestamp>,
}

impl Sample {
    pub(super) fn of(report: &Report) -> Self {
        let figures = figures(report);
        Self {
            outcome: Outcome::try_from(report.outcome).unwrap_or_default(),
            step: Step::try_from(report.step).unwrap_or_default(),
            x_bps: x_bps(report),
            measured: figures.map(|(measured, _)| measured),
            rate: report.measurement.as_ref().map(|measurement| measurement.rate),
            expected: figures.map_or(0, |(_, expected)| expected),
            wrong: report.wrong,
            drawn: report.drawn,
            simulated: report.device == DeviceKind::Simulated as i32,
            end_time: report.end_time,
        }
    }

    /// Whether the session says something of the host.
    pub(super) fn is_conclusive(&self) -> bool {
        matches!(self.outcome, Outcome::Pass | Outcome::Fail)
    }

    /// Whether the host failed without wrong bits.
    pub(super) fn is_failed(&self) -> bool {
        self.outcome == Outcome::Fail && self.wrong == 0
    }

    /// Whether the node did not let a session begin. A rental that failed may be the chain's fault and is left out.
    pub(super) fn is_unreached(&self) -> bool {
        self.outcome == Outcome::Inconclusive && matches!(self.step, Step::Describe | Step::Hello | Step::Open)
    }
}

/// The newest probes of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Samples {
    pub(super) probe: ProbeId,
    /// Newest first.
    pub(super) newest: Vec<Sample>,
}

impl Samples {
    /// The median measured figure.
    pub(super) fn measured(&self) -> Option<u64> {
        self.right(|sample| sample.measured)
    }

    /// The median measured rate.
    pub(super) fn rate(&self) -> Option<u64> {
        self.right(|sample| sample.rate)
    }

    fn right(&self, figure: impl Fn(&Sample) -> Option<u64>) -> Option<u64> {
        median(self.newest.iter().filter(|sample| sample.wrong == 0).filter_map(figure))
    }

    /// The newest expected figure.
    pub(super) fn expected(&self) -> Option<u64> {
        self.newest.iter().map(|sample| sample.expected).find(|expected| *expected > 0)
    }

    /// The median x.
    pub(super) fn x_bps(&self) -> Option<u32> {
        let conclusive = self.newest.iter().filter(|sample| sample.is_conclusive());
        median(conclusive.map(|sample| u64::from(sample.x_bps))).and_then(|x| u32::try_from(x).ok())
    }

    pub(super) fn count(&self, which: impl Fn(&Sample) -> bool) -> u32 {
        u32::try_from(self.newest.iter().filter(|sample| which(sample)).count()).unwrap_or(u32::MAX)
    }
}

/// The median; between two middle values their mean, rounded down.
fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some(values[values.len() / 2 - 1].midpoint(upper)) }
}

/// The newest closed epoch and the sequence of the node's newest report.
type Newest = (u64, u64);
/// What was read of a node, and when.
type Held = (Newest, Arc<Vec<Samples>>);

/// What was read of each node last.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<[u8; 32], Held>>);

impl Cache {
    pub(super) fn get(&self, node: &[u8; 32], newest: Newest) -> Option<Arc<Vec<Samples>>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(node).filter(|(then, _)| *then == newest).map(|(_, samples)| Arc::clone(samples))
    }

    pub(super) fn put(&self, node: [u8; 32], newest: Newest, samples: Arc<Vec<Samples>>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= CACHED_MAX && !held.contains_key(&node) {
            held.clear();
        }
        held.insert(node, (newest, samples));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_ignore_order_and_nothing_has_none() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([5].into_iter()), Some(5));
        assert_eq!(median([9, 1, 5].into_iter()), Some(5));
        assert_eq!(median([u64::MAX, 1, u64::MAX, 4].into_iter()), Some(4_u64.midpoint(u64::MAX)));
    }

    #[test]
    fn the_cache_forgets_what_a_newer_report_replaced_and_stays_bounded() {
        let cache = Cache::default();
        for at in 0..=CACHED_MAX as u64 {
            let mut node = [0; 32];
            node[..8].copy_from_slice(&at.to_be_bytes());
            cache.put(node, (1, 3), Arc::default());
            assert!(cache.get(&node, (1, 3)).is_some());
            assert!(cache.get(&node, (1, 4)).is_none() && cache.get(&node, (2, 3)).is_none());
        }
        assert_eq!(cache.0.lock().unwrap().len(), 1);
    }
}
