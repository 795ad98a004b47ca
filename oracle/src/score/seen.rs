//! Findings that were counted, so that none counts twice.
//!
//! Owns the ids of reports and audits, as long as a second copy would still be in time: what comes later is late anyway, so
//! that what is remembered is bounded by what a window of epochs can bring. Never looks into a finding. Its invariant: an id
//! is new once.

use std::collections::{HashSet, VecDeque};

use super::entry::ReportId;

/// The counted ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    reports: HashSet<ReportId>,
    audits: HashSet<ReportId>,
    /// The same by the epoch of their counting, so that they can be forgotten.
    by_epoch: VecDeque<Counted>,
}

/// What was counted in one epoch.
#[derive(Debug, Clone, Default)]
struct Counted {
    epoch: u64,
    reports: Vec<ReportId>,
    audits: Vec<ReportId>,
}

impl Seen {
    /// Begins to count an epoch.
    pub(super) fn begin(&mut self, epoch: u64) {
        self.by_epoch.push_back(Counted { epoch, ..Counted::default() });
    }

    /// Whether a report is new; it is not from now on.
    pub(super) fn report(&mut self, id: ReportId) -> bool {
        let new = self.reports.insert(id);
        if new && let Some(counted) = self.by_epoch.back_mut() {
            counted.reports.push(id);
        }
        new
    }

    /// Whether an audit is new; it is not from now on.
    pub(super) fn audit(&mut self, id: ReportId) -> bool {
        let new = self.audits.insert(id);
        if new && let Some(counted) = self.by_epoch.back_mut() {
            counted.audits.push(id);
        }
        new
    }

    /// Forgets the ids of findings of which a second copy would come too late to count.
    pub(super) fn forget(&mut self, epoch: u64, window: u64) {
        while self.by_epoch.front().is_some_and(|counted| counted.epoch.saturating_add(window) < epoch) {
            let counted = self.by_epoch.pop_front().unwrap_or_default();
            for id in counted.reports {
                self.reports.remove(&id);
            }
            for id in counted.audits {
                self.audits.remove(&id);
            }
        }
        for ids in [&mut self.reports, &mut self.audits] {
            if ids.capacity() > 4 * ids.len() {
                ids.shrink_to(2 * ids.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_until_its_copies_would_be_late() {
        let (mut seen, id) = (Seen::default(), ReportId([1; 32]));
        seen.begin(10);
        assert!(seen.report(id) && !seen.report(id));
        assert!(seen.audit(id), "an audit has the id of its report");
        seen.forget(15, 5);
        assert!(!seen.report(id) && !seen.audit(id));
        seen.forget(16, 5);
        assert_eq!((seen.reports.len(), seen.audits.len(), seen.by_epoch.len()), (0, 0, 0));
        seen.begin(17);
        assert!(seen.report(id));
    }
}
