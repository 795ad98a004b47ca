//! Student's one-sided t-test of "the mean is at least 0.92", looked at after every tenth report.

use super::Baseline;

/// The claim on the mean.
const CLAIM: f64 = 0.92;
/// How often one looks, in reports.
const EVERY: u32 = 10;

/// Count, mean and sum of squared deviations (Welford 1962), and the last t that was looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    count: u32,
    mean: f64,
    squares: f64,
    t: Option<f64>,
}

/// Samples, by node.
#[derive(Debug)]
pub(super) struct TTest(Vec<Sample>);

impl TTest {
    pub(super) fn new(nodes: usize) -> Self {
        Self(vec![Sample::default(); nodes])
    }
}

impl Baseline for TTest {
    fn take(&mut self, node: usize, _fisher: usize, x: f64) {
        let sample = &mut self.0[node];
        sample.count += 1;
        let count = f64::from(sample.count);
        let off = x - sample.mean;
        sample.mean += off / count;
        sample.squares += off * (x - sample.mean);
        if sample.count.is_multiple_of(EVERY) {
            let error = (sample.squares / (count - 1.0) / count).sqrt();
            sample.t = Some((sample.mean - CLAIM) / error.max(1e-6));
        }
    }

    fn grade(&self, node: usize) -> Option<f64> {
        self.0[node].t
    }
}
