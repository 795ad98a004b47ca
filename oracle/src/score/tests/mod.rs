//! The invariants of the method as property tests, the promised coverage as seeded simulations, and the method page's
//! numbers. Bonds, certificates and payments are no entries of the fold at all, so they cannot move it.

mod coverage;
mod invariants;
mod worked;

use super::*;

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
    fold(parameters, entries.iter().copied()).scores().collect()
}
