//! An exponentially weighted moving average (Roberts, "Control chart tests based on geometric moving averages", 1959).

use super::Baseline;

/// How many reports it takes before a node is graded.
const LEAST: u32 = 10;

/// Averages and counts, by node.
#[derive(Debug)]
pub(super) struct Ewma {
    step: f64,
    averages: Vec<(f64, u32)>,
}

impl Ewma {
    /// `step` is what the newest report weighs.
    pub(super) fn new(nodes: usize, step: f64) -> Self {
        Self { step, averages: vec![(1.0, 0); nodes] }
    }
}

impl Baseline for Ewma {
    fn take(&mut self, node: usize, _fisher: usize, x: f64) {
        let (average, count) = &mut self.averages[node];
        *average += self.step * (x - *average);
        *count += 1;
    }

    fn grade(&self, node: usize) -> Option<f64> {
        let (average, count) = self.averages[node];
        (count >= LEAST).then_some(average)
    }
}
