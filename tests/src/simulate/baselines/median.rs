//! The stake-weighted median of the fishers' means over a window of reports, as subnets with validators' stake use it.

use super::Baseline;

/// Windows, by node.
#[derive(Debug)]
pub(super) struct StakeMedian {
    window: usize,
    open: Vec<Vec<(usize, f64)>>,
    medians: Vec<Option<f64>>,
}

impl StakeMedian {
    /// A median is taken after each so many reports.
    pub(super) fn new(nodes: usize, window: usize) -> Self {
        Self { window, open: vec![Vec::new(); nodes], medians: vec![None; nodes] }
    }
}

impl Baseline for StakeMedian {
    fn take(&mut self, node: usize, fisher: usize, x: f64) {
        let open = &mut self.open[node];
        open.push((fisher, x));
        if open.len() == self.window {
            self.medians[node] = Some(median(open));
            open.clear();
        }
    }

    fn grade(&self, node: usize) -> Option<f64> {
        self.medians[node]
    }
}

/// All stakes are equal here, so each fisher's mean has one vote.
fn median(reports: &mut [(usize, f64)]) -> f64 {
    reports.sort_unstable_by_key(|report| report.0);
    let of_fisher = |reports: &[(usize, f64)]| reports.iter().map(|(_, x)| x).sum::<f64>() / reports.len() as f64;
    let mut means: Vec<f64> = reports.chunk_by(|a, b| a.0 == b.0).map(of_fisher).collect();
    means.sort_unstable_by(f64::total_cmp);
    means[(means.len() - 1) / 2]
}
