//! What the end of an epoch writes: folded reports, audits, findings about fishers, and what they settle.
//!
//! Owns the entries' order and their lags. All of it enters the log in one transaction with the rows that it settles, so a
//! run that ends anywhere has written everything or nothing. Never reads the store.

use gpux_kernels::evidence::{Agreement, Comparison};
use gpux_proto::evidence::{
    AuditFolded, EpochClosed, Finding, FisherAudited, LogEntry, Outcome, Report, ReportFolded, log_entry::Fact,
};
use prost::Message as _;

use crate::{
    audit::{self, Audited},
    score::{OwnerId, Parameters, Weight},
    store::{self, CommitRow, FindingRow, ReportRow, Settled},
};

/// The entries of an epoch's end, as they come together.
#[derive(Debug)]
pub(super) struct Closing<'a> {
    parameters: &'a Parameters,
    epoch: u64,
    /// The hash of the first block after the epoch: it draws lags and owners.
    beacon: [u8; 32],
    reports: Vec<Vec<u8>>,
    findings: Vec<store::Finding>,
    settled: Settled,
}

impl<'a> Closing<'a> {
    pub(super) fn new(parameters: &'a Parameters, epoch: u64, beacon: [u8; 32]) -> Self {
        let stamps_before = epoch.saturating_sub(u64::from(parameters.report_window_epochs));
        let settled = Settled { stamps_before, ..Settled::default() };
        Self { parameters, epoch, beacon, reports: Vec::new(), findings: Vec::new(), settled }
    }

    /// The epoch that ends.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether nothing happened.
    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty() && self.findings.is_empty() && self.settled.found.is_empty()
    }

    /// Folds a report; one that its audit `refuted` says nothing of the node.
    pub(super) fn report(&mut self, row: &ReportRow, report: &Report, weight: Weight, refuted: bool) {
        let (x_lower, x_upper) = if refuted { (0, 64) } else { (report.x_lower, report.x_upper) };
        self.reports.push(encoded(Fact::ReportFolded(ReportFolded {
            node: row.node.to_vec(),
            resource: report.probe,
            x_lower,
            x_upper,
            weight: weight.in_64ths(),
            epoch: row.epoch,
            report: row.id.to_vec(),
            inconclusive: refuted || report.outcome() == Outcome::Inconclusive,
            refuted,
        })));
        self.settled.folded.push(row.id);
        // What stamps refute says nothing of the node, however much its fisher's word weighs.
        if weight != Weight::ZERO && !refuted {
            self.settled.weighed.push(row.id);
        }
    }

    /// Adds what the stamps say to a report that was just folded: of the node at once, of the fisher later.
    pub(super) fn audit(&mut self, row: &ReportRow, report: &Report, owner: OwnerId, audited: Audited) {
        let Comparison { agreement, ratio, detail } = audited.comparison;
        tracing::info!(report = %gpux_proto::bytes::to_hex(&row.id), ?agreement, ?ratio, detail, "session audited");
        let (x_lower, x_upper) = ratio.map_or((0, 64), |ratio| (ratio.lower.into(), ratio.upper.into()));
        self.reports.push(encoded(Fact::AuditFolded(AuditFolded {
            node: row.node.to_vec(),
            resource: report.probe,
            x_lower,
            x_upper,
            owner: owner.0.to_vec(),
            epoch: row.epoch,
            report: row.id.to_vec(),
            inconclusive: ratio.is_none(),
        })));
        self.settled.compared.extend(audited.stamps);
        let finding = match agreement {
            Agreement::Agrees => Finding::Agrees,
            Agreement::Disagrees => Finding::Disagrees,
            Agreement::Inconclusive => Finding::Inconclusive,
        };
        self.find(&row.id, row.fisher, owner, finding);
    }

    /// Charges a commit that nobody revealed.
    pub(super) fn unrevealed(&mut self, commit: &CommitRow, owners: impl ExactSizeIterator<Item = OwnerId>) {
        let Some(owner) = audit::owner(owners, &commit.report, &self.beacon) else { return };
        self.settled.unrevealed.push((commit.report, commit.fisher));
        self.find(&commit.report, commit.fisher, owner, Finding::Disagrees);
    }

    /// Takes up findings whose lag has passed.
    pub(super) fn tell(&mut self, rows: Vec<FindingRow>) {
        for row in rows {
            self.settled.told.push(row.sequence);
            self.findings.push(row.finding);
        }
    }

    /// The entries, the epoch's end among them, and what they settle.
    pub(super) fn finish(mut self, timestamp: u64) -> (Vec<Vec<u8>>, Settled) {
        // In an order that does not tell which finding is of which audit.
        self.findings.sort_unstable_by_key(|found| (found.fisher, found.owner, found.finding));
        let told = self.findings.iter().map(|found| {
            encoded(Fact::FisherAudited(FisherAudited {
                fisher: found.fisher.to_vec(),
                finding: i32::from(found.finding),
                owner: found.owner.to_vec(),
            }))
        });
        let mut entries = self.reports;
        entries.extend(told);
        entries.push(encoded(Fact::EpochClosed(EpochClosed { epoch: self.epoch, timestamp })));
        (entries, self.settled)
    }

    fn find(&mut self, report: &[u8; 32], fisher: [u8; 20], owner: OwnerId, finding: Finding) {
        let due = self.epoch + audit::finding_lag(self.parameters, report, &self.beacon);
        let found = store::Finding { fisher, owner: owner.0, finding: finding as u8, due };
        if due <= self.epoch {
            self.findings.push(found);
        } else {
            self.settled.found.push(found);
        }
    }
}

fn encoded(fact: Fact) -> Vec<u8> {
    LogEntry { fact: Some(fact) }.encode_to_vec()
}
