//! The plain mean of all reports.

use super::Baseline;

/// How many reports it takes before a node is graded.
const LEAST: f64 = 10.0;

/// Sums and counts, by node.
#[derive(Debug)]
pub(super) struct PlainMean(Vec<(f64, f64)>);

impl PlainMean {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![(0.0, 0.0); nodes])
    }
}

impl Baseline for PlainMean {
    fn take(&mut self, node: usize, _fisher: usize, x: f64) {
        let (sum, count) = &mut self.0[node];
        *sum += x;
        *count += 1.0;
    }

    fn grade(&self, node: usize) -> Option<f64> {
        let (sum, count) = self.0[node];
        (count >= LEAST).then(|| sum / count)
    }
}
