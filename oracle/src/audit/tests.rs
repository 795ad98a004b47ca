//! What the log may say about weights and audits, and what an operator is caught at.

use gpux_proto::evidence::{Finding, ReportFolded, ReportRevealed, log_entry::Fact};

use super::{Error, finding_lag, fixture::*, owner as draw_owner, selected};
use crate::{
    publish::{FoldError, Folder},
    score::{NodeId, OwnerId, Parameters, ReportId},
};

const NODE: [u8; 32] = [1; 32];
const REPORT: [u8; 32] = [2; 32];
const PROVIDER: [u8; 20] = [0xaa; 20];

/// A log in which the fisher weighs in full from epoch 9 on.
struct Log(Folder);

impl Log {
    fn new() -> Self {
        Self::of(Parameters::development())
    }

    fn of(parameters: Parameters) -> Self {
        let mut log = Self(Folder::new(parameters.clone()));
        log.enter(announced(NODE, PROVIDER));
        for fact in market(&parameters, FISHER, 9) {
            log.enter(fact);
        }
        log
    }

    fn enter(&mut self, fact: Fact) {
        self.0.apply(&entry(fact)).unwrap();
    }

    fn refused(&mut self, fact: Fact) -> Error {
        match self.0.apply(&entry(fact)).unwrap_err() {
            FoldError::Audit { source, .. } => source,
            other => panic!("{other}"),
        }
    }

    /// Commits and reveals the report in epoch 10 through a relay, and shows the beacon that draws its audit.
    fn report(&mut self, relay: Option<[u8; 32]>) {
        self.enter(committed(REPORT, FISHER));
        self.enter(revealed(REPORT, FISHER, relay, 10));
        self.enter(beacon(11));
    }

    fn terms(&self) -> Option<(u32, Option<[u8; 20]>)> {
        let terms = self.0.terms(&ReportId(REPORT), &NodeId(NODE), false)?;
        Some((terms.weight.in_64ths(), terms.auditor.map(|owner| owner.0)))
    }
}

#[test]
fn a_report_through_a_strangers_relay_weighs_and_is_audited() {
    let mut log = Log::new();
    log.report(Some(relay(0)));
    assert_eq!(log.terms(), Some((64, Some(owner(0)))));
    let report = folded(NODE, REPORT, 60, 64, 10);
    log.enter(Fact::ReportFolded(report.clone()));
    log.enter(Fact::AuditFolded(audit_of(&report, owner(0))));
    log.enter(closed(10));
    assert!(log.0.has_scores());
    assert_eq!(log.terms(), Some((0, None)), "it is folded once");
}

#[test]
fn what_nobody_else_can_audit_weighs_nothing() {
    let own = [0x77; 32];
    type Case = (&'static str, Option<[u8; 32]>, Vec<Fact>);
    let cases: [Case; 6] = [
        ("direct", None, vec![]),
        ("a relay that nobody registered", Some([9; 32]), vec![]),
        ("the fisher's own relay", Some(own), vec![registered(own, FISHER)]),
        ("the provider's own relay", Some(own), vec![bonded(PROVIDER, 50_000_000), registered(own, PROVIDER)]),
        ("an owner without a bond", Some(own), vec![registered(own, [5; 20])]),
        ("an owner who took it back", Some(relay(1)), vec![bonded(owner(1), 49_999_999)]),
    ];
    for (what, through, before) in cases {
        let mut log = Log::new();
        before.into_iter().for_each(|fact| log.enter(fact));
        log.report(through);
        assert_eq!(log.terms(), Some((0, None)), "{what}");
        let favoured = log.refused(Fact::ReportFolded(folded(NODE, REPORT, 60, 64, 10)));
        assert_eq!(favoured, Error::Weight { report: REPORT, written: 64, due: 0 }, "{what}");
        log.enter(Fact::ReportFolded(folded(NODE, REPORT, 60, 0, 10)));
        log.enter(closed(10));
        assert!(!log.0.has_scores(), "{what}");
    }
}

#[test]
fn what_nobody_assigned_weighs_nothing_where_the_market_assigns() {
    for (slots, due) in [(12, Some((0, None))), (0, Some((64, Some(owner(0)))))] {
        let mut log = Log::of(Parameters { assignment_slots: slots, ..Parameters::development() });
        log.enter(committed(REPORT, FISHER));
        let Fact::ReportRevealed(revealed) = revealed(REPORT, FISHER, Some(relay(0)), 10) else { unreachable!() };
        log.enter(Fact::ReportRevealed(ReportRevealed { assigned: false, ..revealed }));
        log.enter(beacon(11));
        assert_eq!(log.terms(), due, "{slots} slots");
    }
}

#[test]
fn the_weight_is_that_of_the_commit() {
    let mut log = Log::new();
    log.enter(committed(REPORT, FISHER));
    // He thaws afterwards, and is found to lie; a stranger commits the same id.
    log.enter(bonded(FISHER, 0));
    log.enter(committed(REPORT, [8; 20]));
    log.enter(audited(FISHER, owner(0), Finding::Disagrees));
    log.enter(closed(10));
    log.enter(revealed(REPORT, FISHER, Some(relay(0)), 11));
    log.enter(beacon(12));
    assert_eq!(log.terms(), Some((64, Some(owner(0)))));
    let silenced = log.refused(Fact::ReportFolded(folded(NODE, REPORT, 60, 63, 11)));
    assert_eq!(silenced, Error::Weight { report: REPORT, written: 63, due: 64 });

    let mut fresh = Log::new();
    fresh.enter(committed(REPORT, [8; 20]));
    fresh.enter(revealed(REPORT, [8; 20], Some(relay(0)), 10));
    fresh.enter(beacon(11));
    assert_eq!(fresh.terms(), Some((0, Some(owner(0)))), "he is audited before he weighs");
}

#[test]
fn an_audit_that_was_drawn_can_neither_be_hidden_nor_made_up() {
    let report = folded(NODE, REPORT, 60, 64, 10);
    let mut log = Log::new();
    log.report(Some(relay(0)));
    log.enter(Fact::ReportFolded(report.clone()));
    assert_eq!(log.refused(closed(10)), Error::Missing { report: REPORT, epoch: 10 });
    let other = audit_of(&report, owner(1));
    assert_eq!(log.refused(Fact::AuditFolded(other)), Error::Undue(REPORT), "another owner's");

    let mut undrawn = Log::of(Parameters { audit_share_bps: 0, ..Parameters::development() });
    undrawn.report(Some(relay(0)));
    assert_eq!(undrawn.terms(), Some((64, None)));
    undrawn.enter(Fact::ReportFolded(report.clone()));
    assert_eq!(undrawn.refused(Fact::AuditFolded(audit_of(&report, owner(0)))), Error::Undue(REPORT));
}

#[test]
fn nothing_is_folded_before_its_beacon_or_as_of_another_epoch() {
    let mut log = Log::new();
    log.enter(committed(REPORT, FISHER));
    log.enter(revealed(REPORT, FISHER, Some(relay(0)), 10));
    assert_eq!(log.terms(), None);
    assert_eq!(log.refused(Fact::ReportFolded(folded(NODE, REPORT, 60, 64, 10))), Error::Undrawn(REPORT));
    log.enter(beacon(11));
    let moved = log.refused(Fact::ReportFolded(folded(NODE, REPORT, 60, 64, 9)));
    assert_eq!(moved, Error::Epoch { report: REPORT, written: 9, revealed: 10 });

    let mut late = Log::new();
    late.enter(committed(REPORT, FISHER));
    late.enter(beacon(11));
    late.enter(revealed(REPORT, FISHER, Some(relay(0)), 10));
    assert_eq!(late.terms(), Some((0, None)), "it was revealed when its beacon was known");
}

#[test]
fn a_relay_keeps_its_owner_and_a_provider_is_that_of_the_reveal() {
    let mut log = Log::new();
    assert_eq!(log.refused(registered(relay(0), owner(1))), Error::RelayMoved(relay(0)));
    log.enter(registered(relay(0), owner(0)));
    log.report(Some(relay(0)));
    // Were the newest provider asked, a host could void a report by naming the relay's owner afterwards.
    log.enter(announced(NODE, owner(0)));
    assert_eq!(log.terms(), Some((64, Some(owner(0)))));
}

#[test]
fn what_was_never_folded_is_forgotten() {
    let parameters = Parameters { report_window_epochs: 3, ..Parameters::development() };
    let mut log = Log::of(parameters);
    log.report(Some(relay(0)));
    for epoch in 10..=13 {
        log.enter(closed(epoch));
        assert_eq!(log.terms(), Some((64, Some(owner(0)))), "{epoch}");
    }
    log.enter(closed(14));
    assert_eq!(log.terms(), Some((0, None)));
}

#[test]
fn suspects_are_always_audited() {
    let parameters = Parameters { audit_share_bps: 0, ..Parameters::development() };
    let mut log = Log::of(parameters);
    let mut epoch = 10;
    while log.0.state().suspects().next().is_none() {
        for number in 0..20 {
            let report = [[epoch as u8, number].as_slice(), &[3; 30]].concat().try_into().unwrap();
            log.enter(committed(report, FISHER));
            log.enter(revealed(report, FISHER, Some(relay(number % OWNERS)), epoch));
            // Audits of other nodes keep the bound on liars low.
            log.enter(audited(FISHER, owner(number % OWNERS), Finding::Agrees));
        }
        log.enter(beacon(epoch + 1));
        for number in 0..20 {
            let report = [[epoch as u8, number].as_slice(), &[3; 30]].concat().try_into().unwrap();
            log.enter(Fact::ReportFolded(folded(NODE, report, 20, 64, epoch)));
        }
        log.enter(closed(epoch));
        epoch += 1;
        assert!(epoch < 60, "the node is never suspect");
    }
    log.enter(committed(REPORT, FISHER));
    log.enter(revealed(REPORT, FISHER, Some(relay(0)), epoch));
    log.enter(beacon(epoch + 1));
    assert_eq!(log.terms(), Some((64, Some(owner(0)))));
}

#[test]
fn that_a_host_failed_is_always_audited_and_a_refuted_failure_says_nothing() {
    let folded = folded(NODE, REPORT, 0, 64, 10);
    let refuted = ReportFolded { x_upper: 64, inconclusive: true, refuted: true, ..folded.clone() };
    for report in [folded, refuted] {
        let mut log = Log::of(Parameters { audit_share_bps: 0, ..Parameters::development() });
        log.report(Some(relay(0)));
        assert_eq!(log.terms(), Some((64, None)), "nothing is drawn");
        log.enter(Fact::ReportFolded(report.clone()));
        let hidden = log.0.clone().apply(&entry(closed(10))).unwrap_err();
        assert!(matches!(hidden, FoldError::Audit { source: Error::Missing { .. }, .. }), "{hidden}");
        log.enter(Fact::AuditFolded(audit_of(&report, owner(0))));
        log.enter(closed(10));
    }
}

#[test]
fn a_share_is_drawn_and_every_owner_is_charged_in_turn() {
    let production = Parameters::production();
    let report = |number: u32| *blake3::hash(&number.to_le_bytes()).as_bytes();
    let drawn = (0..10_000).filter(|number| selected(&production, &report(*number), &[5; 32])).count();
    assert!((2_300..2_700).contains(&drawn), "{drawn} of 10,000");
    let all = Parameters { audit_share_bps: 10_000, ..Parameters::production() };
    let none = Parameters { audit_share_bps: 0, ..Parameters::production() };
    assert!((0..100).all(|number| selected(&all, &report(number), &[5; 32])));
    assert!(!(0..100).any(|number| selected(&none, &report(number), &[5; 32])));
    // Another beacon draws others: nobody knows at the commit.
    assert!(
        (0..100).any(|n| selected(&production, &report(n), &[5; 32]) != selected(&production, &report(n), &[6; 32]))
    );

    let owners = || (0..OWNERS).map(|number| OwnerId(owner(number)));
    let mut charged = [0_u32; OWNERS as usize];
    for number in 0..1_000 {
        let OwnerId(owner) = draw_owner(owners(), &report(number), &[5; 32]).unwrap();
        charged[usize::from(owner[0] - 0xe0)] += 1;
    }
    assert!(charged.iter().all(|count| (200..300).contains(count)), "{charged:?}");
    assert_eq!(draw_owner(std::iter::empty(), &report(1), &[5; 32]), None);

    let lags: Vec<_> = (0..500).map(|number| finding_lag(&production, &report(number), &[5; 32])).collect();
    assert_eq!((lags.iter().min(), lags.iter().max()), (Some(&1), Some(&14)));
    assert_eq!(finding_lag(&Parameters::development(), &report(1), &[5; 32]), 0);
}
