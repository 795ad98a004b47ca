//! The invariants of the method as property tests, the promised coverage as seeded simulations, and the method page's
//! numbers. Certificates and payments are no entries of the fold at all, so they cannot move it.

mod boundary;
mod coverage;
mod fixed;
mod invariants;
mod verdicts;
mod worked;

use super::*;

/// SplitMix64: a seeded stream that is the same on every machine.
struct Stream(u64);

impl Stream {
    /// A number from 0 to below 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A report of resource 1 of node `node` whose id is told by `id`.
fn report(node: u8, id: u64, epoch: u64, x: Ratio64) -> FoldedReport {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&id.to_be_bytes());
    FoldedReport {
        report: ReportId(digest),
        node: NodeId([node; 32]),
        resource: ResourceId(1),
        x,
        weight: Weight::FULL,
        epoch,
    }
}

/// The log of epochs, each with its reports.
fn log(epochs: &[(u64, Vec<FoldedReport>)]) -> Vec<Entry> {
    let mut entries = vec![];
    for (epoch, reports) in epochs {
        entries.extend(reports.iter().copied().map(Entry::Report));
        entries.push(Entry::EpochClosed(EpochClosed { epoch: *epoch }));
    }
    entries
}

/// All scores at the end of a log.
fn scores(parameters: &Parameters, entries: &[Entry]) -> Vec<NodeScore> {
    fold(parameters, entries.iter().copied()).unwrap().scores().collect()
}
