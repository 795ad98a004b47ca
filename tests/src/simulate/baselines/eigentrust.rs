//! EigenTrust (Kamvar, Schlosser and Garcia-Molina, 2003) among fishers: each trusts another as far as both found the same
//! on the nodes that both probed; the principal eigenvector weighs their reports.

use super::Baseline;

/// How often trust is computed anew, in epochs.
const EVERY: u32 = 100;
/// How much of all trust is spread evenly at each step; the paper's a.
const EVENLY: f64 = 0.15;
/// Two means that lie this far apart agree on nothing.
const APART: f64 = 0.2;
const STEPS: usize = 20;

/// What each fisher reported of each node, and the nodes' grades.
#[derive(Debug)]
pub(super) struct EigenTrust {
    fishers: usize,
    /// Sums and counts, by node and fisher.
    told: Vec<Vec<(f64, f64)>>,
    grades: Vec<Option<f64>>,
}

impl EigenTrust {
    pub(super) fn new(nodes: usize, fishers: usize) -> Self {
        Self { fishers, told: vec![vec![(0.0, 0.0); fishers]; nodes], grades: vec![None; nodes] }
    }

    /// How far each fisher trusts each other one; rows sum to 1.
    fn trust_among(&self) -> Vec<Vec<f64>> {
        let mut local = vec![vec![0.0; self.fishers]; self.fishers];
        for told in &self.told {
            let means: Vec<_> = told.iter().map(|(sum, count)| (*count > 0.0).then(|| sum / count)).collect();
            for (one, row) in local.iter_mut().enumerate() {
                let Some(mine) = means[one] else { continue };
                for (other, trust) in row.iter_mut().enumerate() {
                    if let Some(theirs) = means[other].filter(|_| other != one) {
                        *trust += (1.0 - (mine - theirs).abs() / APART).max(0.0);
                    }
                }
            }
        }
        for row in &mut local {
            let sum: f64 = row.iter().sum();
            let even = 1.0 / self.fishers as f64;
            row.iter_mut().for_each(|trust| *trust = if sum > 0.0 { *trust / sum } else { even });
        }
        local
    }

    /// The trust that everybody together puts in each fisher.
    fn global(&self) -> Vec<f64> {
        let (local, even) = (self.trust_among(), 1.0 / self.fishers as f64);
        let mut trust = vec![even; self.fishers];
        for _ in 0..STEPS {
            let mut next = vec![EVENLY * even; self.fishers];
            for (row, weight) in local.iter().zip(&trust) {
                for (next, share) in next.iter_mut().zip(row) {
                    *next += (1.0 - EVENLY) * weight * share;
                }
            }
            trust = next;
        }
        trust
    }
}

impl Baseline for EigenTrust {
    fn take(&mut self, node: usize, fisher: usize, x: f64) {
        let (sum, count) = &mut self.told[node][fisher];
        *sum += x;
        *count += 1.0;
    }

    fn grade(&self, node: usize) -> Option<f64> {
        self.grades[node]
    }

    fn close(&mut self, epoch: u32) {
        if !epoch.is_multiple_of(EVERY) {
            return;
        }
        let trust = self.global();
        for (grade, told) in self.grades.iter_mut().zip(&self.told) {
            let weighed = told
                .iter()
                .zip(&trust)
                .fold((0.0, 0.0), |(sum, count), (told, trust)| (sum + trust * told.0, count + trust * told.1));
            *grade = (weighed.1 > 0.0).then(|| weighed.0 / weighed.1);
        }
    }
}
