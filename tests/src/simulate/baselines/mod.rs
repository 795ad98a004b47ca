//! What others grade by: six ways to make a number of reports, and a threshold below which a node is accused.
//!
//! Owns what is common to them: which fishers are heard, the lowest grade that each node ever had, and when it fell below
//! the threshold. They see the same sessions as our model and the same audits, by which they may stop hearing a fisher
//! who was refuted too often.

mod beta;
mod eigentrust;
mod ewma;
mod mean;
mod median;
mod t_test;
mod tuning;

pub(super) use tuning::{render, tune};

use super::host::Host;
use super::world::Session;
use gpux_oracle::score::Finding;

/// A way to grade nodes.
trait Baseline: std::fmt::Debug + Send {
    /// Reads a report.
    fn take(&mut self, node: usize, fisher: usize, x: f64);
    /// A node's grade; lower is worse. None, before there is any.
    fn grade(&self, node: usize) -> Option<f64>;
    /// Ends an epoch.
    fn close(&mut self, _epoch: u32) {}
}

/// Which baseline, with its own constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    BetaMean,
    PlainMean,
    Ewma { step: f64 },
    EigenTrust,
    StakeMedian { window: usize },
    TTest,
}

impl Kind {
    /// All that are tried.
    const ALL: [Self; 10] = [
        Self::BetaMean,
        Self::PlainMean,
        Self::Ewma { step: 0.01 },
        Self::Ewma { step: 0.05 },
        Self::Ewma { step: 0.2 },
        Self::EigenTrust,
        Self::StakeMedian { window: 30 },
        Self::StakeMedian { window: 100 },
        Self::StakeMedian { window: 300 },
        Self::TTest,
    ];

    /// The baselines' names; constants are chosen by tuning.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BetaMean => "beta mean",
            Self::PlainMean => "plain mean",
            Self::Ewma { .. } => "EWMA",
            Self::EigenTrust => "EigenTrust",
            Self::StakeMedian { .. } => "stake-weighted median",
            Self::TTest => "t-test looked at often",
        }
    }

    fn build(self, nodes: usize, fishers: usize) -> Box<dyn Baseline> {
        match self {
            Self::BetaMean => Box::new(beta::BetaMean::new(nodes)),
            Self::PlainMean => Box::new(mean::PlainMean::new(nodes)),
            Self::Ewma { step } => Box::new(ewma::Ewma::new(nodes, step)),
            Self::EigenTrust => Box::new(eigentrust::EigenTrust::new(nodes, fishers)),
            Self::StakeMedian { window } => Box::new(median::StakeMedian::new(nodes, window)),
            Self::TTest => Box::new(t_test::TTest::new(nodes)),
        }
    }
}

/// How a baseline is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Setting {
    pub(super) kind: Kind,
    /// A fisher whom more than this share of at least 20 audits refuted is no longer heard; above 1, everybody is.
    pub(super) refuted: f64,
    /// A node whose grade falls below this is accused.
    pub(super) threshold: f64,
}

/// Audits before a fisher can be refuted, as in our model.
const AUDITS_LEAST: u32 = 20;

/// A baseline at work.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) setting: Setting,
    baseline: Box<dyn Baseline>,
    onsets: Vec<Option<u32>>,
    /// Audits and refutations, by fisher.
    audits: Vec<(u32, u32)>,
    /// The lowest grades while a node kept its claims, and afterwards.
    lowest: Vec<[f64; 2]>,
    /// In which of its probes each node was accused.
    pub(super) accused: Vec<Option<u32>>,
    probes: Vec<u32>,
}

impl Judge {
    /// A baseline that has seen nothing.
    pub(super) fn new(setting: Setting, hosts: &[Host], fishers: usize) -> Self {
        Self {
            setting,
            baseline: setting.kind.build(hosts.len(), fishers),
            onsets: hosts.iter().map(|host| host.breaks_from()).collect(),
            audits: vec![(0, 0); fishers],
            lowest: vec![[f64::INFINITY; 2]; hosts.len()],
            accused: vec![None; hosts.len()],
            probes: vec![0; hosts.len()],
        }
    }

    /// Reads the audit of a fisher.
    pub(super) fn audit(&mut self, session: &Session) {
        let (audits, refuted) = &mut self.audits[session.fisher];
        *audits += 1;
        *refuted += u32::from(session.finding == Finding::Disagrees);
    }

    /// Reads a session.
    pub(super) fn take(&mut self, session: &Session) {
        self.probes[session.node] = session.probe;
        if session.audited {
            self.audit(session);
        }
        let (audits, refuted) = self.audits[session.fisher];
        let heard = audits < AUDITS_LEAST || f64::from(refuted) <= self.setting.refuted * f64::from(audits);
        if let Some(x) = session.reported.filter(|_| heard) {
            self.baseline.take(session.node, session.fisher, x.clamp(0.0, 1.0));
            self.look(session.node);
        }
    }

    /// Ends an epoch.
    pub(super) fn close(&mut self, epoch: u32) {
        self.baseline.close(epoch);
        if self.setting.kind == Kind::EigenTrust {
            (0..self.accused.len()).for_each(|node| self.look(node));
        }
    }

    fn look(&mut self, node: usize) {
        let Some(grade) = self.baseline.grade(node) else { return };
        let probe = self.probes[node];
        let broken = usize::from(self.onsets[node].is_some_and(|onset| probe >= onset));
        self.lowest[node][broken] = self.lowest[node][broken].min(grade);
        if grade < self.setting.threshold {
            self.accused[node].get_or_insert(probe);
        }
    }
}
