//! A log whose fishers work, and what a test says of each session.

use gpux_proto::evidence::{
    Description, Descriptor, NodeAnnounced, Offer, ReportFolded, RulingSeen, Signed, SignedOffer, log_entry::Fact,
};
use prost::Message as _;

use crate::{
    audit::fixture::{self, FISHER, audit_of, beacon, closed, committed, entry, relay},
    publish::{FoldError, Folder},
    reward::{Account, Error},
    score::{FisherId, NodeId, Parameters, ReportId},
};

pub(super) const NODE: [u8; 32] = [1; 32];
pub(super) const PROVIDER: [u8; 20] = [0xaa; 20];
pub(super) const RATE: u128 = 60;
/// A session of a CPU in a development market: 1.5 s of windows and a quarter of 43 s, in whole seconds.
pub(super) const SECONDS: u128 = 13;
pub(super) const NEWCOMER: [u8; 20] = [8; 20];

pub(super) fn parameters() -> Parameters {
    Parameters { audit_share_bps: 0, ..Parameters::development() }
}

pub(super) fn announced(node: [u8; 32], rate: u128) -> Fact {
    let descriptor = Descriptor { node: node.to_vec(), provider: PROVIDER.to_vec(), ..Descriptor::default() };
    let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
    let offer = Offer { rate: rate.to_string(), capacity: 1, valid_until: u64::MAX, ..Offer::default() };
    let offer = SignedOffer { offer: Some(offer), ..SignedOffer::default() };
    let description = Description { descriptor: Some(signed), offer: Some(offer), membership: None };
    Fact::NodeAnnounced(NodeAnnounced { description: Some(description) })
}

/// A claimed offer counts in the median, so the nodes that fill a market claim a CPU.
pub(super) fn offered(node: u8, rate: u128) -> Fact {
    let host = gpux_proto::evidence::Host { threads: 1, fp64_flops: 1, ..Default::default() };
    let Fact::NodeAnnounced(mut announced) = announced([node; 32], rate) else { unreachable!() };
    let description = announced.description.as_mut().unwrap();
    let descriptor =
        Descriptor { node: vec![node; 32], provider: PROVIDER.to_vec(), host: Some(host), ..Descriptor::default() };
    description.descriptor = Some(Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] });
    Fact::NodeAnnounced(announced)
}

/// A log in which FISHER weighs in full from epoch 9 on, and epoch 10 is open.
pub(super) struct Log {
    pub(super) folder: Folder,
    pub(super) parameters: Parameters,
    pub(super) epoch: u64,
    pub(super) reports: u8,
    /// What the open epoch folds when it closes, each with x by the stamps.
    pub(super) sessions: Vec<(ReportFolded, u32)>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self::of(parameters())
    }

    pub(super) fn of(parameters: Parameters) -> Self {
        let mut log =
            Self { folder: Folder::new(parameters.clone()), parameters, epoch: 9, reports: 0, sessions: Vec::new() };
        log.enter(offered(1, RATE));
        for fact in fixture::market(&log.parameters, FISHER, 9) {
            log.enter(fact);
        }
        log.epoch = 10;
        log
    }

    pub(super) fn enter(&mut self, fact: Fact) {
        self.folder.apply(&entry(fact)).unwrap();
    }

    pub(super) fn refused(&mut self, fact: Fact) -> Error {
        match self.folder.apply(&entry(fact)).unwrap_err() {
            FoldError::Reward { source, .. } => source,
            other => panic!("{other}"),
        }
    }

    /// A commit of the open epoch, and its report's id.
    pub(super) fn commit(&mut self, fisher: [u8; 20]) -> [u8; 32] {
        self.reports += 1;
        let report = [self.reports; 32];
        self.enter(committed(report, fisher));
        report
    }

    /// A session of the open epoch that says x.
    pub(super) fn session(&mut self, fisher: [u8; 20], node: [u8; 32], x: u32) {
        let report = self.commit(fisher);
        self.enter(fixture::revealed(report, fisher, Some(relay(0)), self.epoch));
        let weight = self.folder.state().weight(&FisherId(fisher)).in_64ths();
        self.sessions.push((fixture::folded(node, report, x, weight, self.epoch), x));
    }

    /// Makes the stamps of the last session say x.
    pub(super) fn stamped(&mut self, x: u32) {
        self.sessions.last_mut().unwrap().1 = x;
    }

    /// Folds the epoch's sessions, each with the audit that is due, and closes it.
    pub(super) fn close(&mut self) {
        self.enter(beacon(self.epoch + 1));
        for (folded, x) in std::mem::take(&mut self.sessions) {
            let report = ReportId(folded.report.clone().try_into().unwrap());
            let node = NodeId(folded.node.clone().try_into().unwrap());
            let terms = self.folder.terms(&report, &node, folded.refuted || folded.x_upper == 0).unwrap();
            self.enter(Fact::ReportFolded(folded.clone()));
            if let Some(owner) = terms.auditor {
                let stamped = ReportFolded { x_lower: x, x_upper: x, inconclusive: false, ..folded };
                self.enter(Fact::AuditFolded(audit_of(&stamped, owner.0)));
            }
        }
        self.enter(closed(self.epoch));
        self.epoch += 1;
    }

    pub(super) fn account(&self, fisher: [u8; 20]) -> Account {
        self.folder.rewards().account(&FisherId(fisher)).unwrap_or_default()
    }

    /// What one session of a CPU is paid.
    pub(super) fn price(&self) -> u128 {
        self.parameters.report_fee + RATE * SECONDS
    }
}

pub(super) fn ruling(case: u8, node: [u8; 32], kind: u32, to_rewards: &str) -> Fact {
    Fact::RulingSeen(RulingSeen {
        case_id: vec![case; 32],
        node: node.to_vec(),
        outcome: 1,
        kind,
        to_rewards: to_rewards.into(),
        ..RulingSeen::default()
    })
}
