//! The mean of a beta distribution (Jøsang and Ismail, "The beta reputation system", 2002): good and bad parts of each
//! report are counted on top of one of each.

use super::Baseline;

/// How many reports it takes before a node is graded.
const LEAST: f64 = 10.0;

/// Counts of good and bad, by node.
#[derive(Debug)]
pub(super) struct BetaMean(Vec<(f64, f64)>);

impl BetaMean {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![(1.0, 1.0); nodes])
    }
}

impl Baseline for BetaMean {
    fn take(&mut self, node: usize, _fisher: usize, x: f64) {
        let (good, bad) = &mut self.0[node];
        *good += x;
        *bad += 1.0 - x;
    }

    fn grade(&self, node: usize) -> Option<f64> {
        let (good, bad) = self.0[node];
        (good + bad >= LEAST + 2.0).then(|| good / (good + bad))
    }
}
