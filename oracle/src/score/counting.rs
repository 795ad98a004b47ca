//! Which of an epoch's findings count.
//!
//! Owns the reasons for which a finding does not: it comes late, early, again, or from somebody without weight. Never judges
//! what a finding says. Its invariant: each finding is either counted or listed with its reason.

use std::collections::BTreeMap;

use super::entry::{FoldedAudit, FoldedReport, OwnerId, ReportId, Weight};
use super::ledger::Owner;
use super::seen::Seen;

/// Why a finding in the log does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Its fisher had no weight.
    #[error("its fisher had no weight")]
    Weightless,
    /// It was counted before.
    #[error("it was counted before")]
    Repeated,
    /// Its epoch lies too far back.
    #[error("its epoch lies too far back")]
    Late,
    /// Its epoch has not come yet.
    #[error("its epoch has not come yet")]
    Early,
    /// Its relay's owner is not registered.
    #[error("its relay's owner is not registered")]
    Stranger,
}

/// Counts the findings of an epoch that ends.
#[derive(Debug)]
pub(super) struct Counting<'a> {
    pub(super) epoch: u64,
    /// The oldest epoch whose findings are still in time.
    pub(super) oldest: u64,
    pub(super) seen: &'a mut Seen,
    pub(super) ignored: &'a mut Vec<(ReportId, Ignored)>,
}

impl Counting<'_> {
    /// The reports that count, in the order of node and resource. Within a resource the order is free: a batch is a sum of
    /// integers.
    pub(super) fn reports(&mut self, mut reports: Vec<(u32, FoldedReport)>) -> Vec<(u32, FoldedReport)> {
        reports.retain(|(_, report)| {
            let untimely = self.untimely(report.epoch);
            let ignored = match untimely {
                _ if report.weight == Weight::ZERO => Some(Ignored::Weightless),
                Some(reason) => Some(reason),
                None => (!self.seen.report(report.report)).then_some(Ignored::Repeated),
            };
            self.ignored.extend(ignored.map(|reason| (report.report, reason)));
            ignored.is_none()
        });
        reports.sort_unstable_by_key(|(node, report)| (*node, report.resource));
        reports
    }

    /// The audits that count, in the order of node, resource and owner.
    pub(super) fn audits(
        &mut self,
        audits: Vec<(u32, FoldedAudit)>,
        owners: &BTreeMap<OwnerId, Owner>,
    ) -> Vec<(u32, Owner, FoldedAudit)> {
        let mut counted = Vec::with_capacity(audits.len());
        for (node, audit) in audits {
            let owner = owners.get(&audit.owner).ok_or(Ignored::Stranger);
            let timely = owner.and_then(|owner| self.untimely(audit.epoch).map_or(Ok(owner), Err));
            match timely {
                Ok(owner) if self.seen.audit(audit.report) => counted.push((node, *owner, audit)),
                Ok(_) => self.ignored.push((audit.report, Ignored::Repeated)),
                Err(reason) => self.ignored.push((audit.report, reason)),
            }
        }
        counted.sort_unstable_by_key(|(node, owner, audit)| (*node, audit.resource, *owner));
        counted
    }

    fn untimely(&self, of: u64) -> Option<Ignored> {
        if of < self.oldest {
            return Some(Ignored::Late);
        }
        (of > self.epoch).then_some(Ignored::Early)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{NodeId, ResourceId};
    use super::super::ratio::Ratio64;
    use super::*;

    const OWNER: OwnerId = OwnerId([1; 20]);

    fn report(id: u8, resource: u32, epoch: u64) -> (u32, FoldedReport) {
        let (report, node, resource) = (ReportId([id; 32]), NodeId([0; 32]), ResourceId(resource));
        (u32::from(id % 2), FoldedReport { report, node, resource, x: Ratio64::ONE, weight: Weight::FULL, epoch })
    }

    fn audit(id: u8, owner: OwnerId, epoch: u64) -> (u32, FoldedAudit) {
        let (report, node, resource) = (ReportId([id; 32]), NodeId([0; 32]), ResourceId(1));
        (0, FoldedAudit { report, node, resource, x: Ratio64::ONE, owner, epoch })
    }

    #[test]
    fn a_finding_counts_or_is_listed_with_its_reason() {
        let (mut seen, mut ignored) = (Seen::default(), Vec::new());
        seen.begin(10);
        let mut counting = Counting { epoch: 10, oldest: 5, seen: &mut seen, ignored: &mut ignored };
        let (node, weightless) = report(9, 1, 10);
        let weightless = (node, FoldedReport { weight: Weight::ZERO, ..weightless });
        let reports = vec![report(1, 2, 5), report(2, 1, 10), report(1, 2, 5), report(3, 1, 4), report(4, 1, 11)];
        let counted = counting.reports([reports, vec![report(5, 1, 7), weightless]].concat());
        let ids: Vec<_> = counted.iter().map(|(_, report)| report.report.0[0]).collect();
        assert_eq!(ids, [2, 5, 1], "by node, then resource");

        let audits = vec![audit(1, OWNER, 10), audit(1, OWNER, 10), audit(2, OwnerId([2; 20]), 10)];
        let counted = counting.audits([audits, vec![audit(3, OWNER, 4)]].concat(), &BTreeMap::from([(OWNER, 7)]));
        assert_eq!(counted.iter().map(|(_, owner, audit)| (*owner, audit.report.0[0])).collect::<Vec<_>>(), [(7, 1)]);
        let reasons: Vec<_> = ignored.iter().map(|(id, reason)| (id.0[0], *reason)).collect();
        let expected = [
            (1, Ignored::Repeated),
            (3, Ignored::Late),
            (4, Ignored::Early),
            (9, Ignored::Weightless),
            (1, Ignored::Repeated),
            (2, Ignored::Stranger),
            (3, Ignored::Late),
        ];
        assert_eq!(reasons, expected);
    }
}
