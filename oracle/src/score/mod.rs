//! From ordered evidence to scores: a pure function.
//!
//! Owns the parameters, the state of every (node, resource) and the numbers that are published from it. Never reads a
//! clock, a file or a random number: whoever holds the log computes the same bytes. Its invariant is
//! `0 <= L <= S <= U <= 1` for every node at every moment; the others are listed in `tests.rs`, each with its test.
//! The method, worked by hand, is `docs/method/scoring.md`.

mod claim;
mod contamination;
mod counting;
mod detector;
mod entry;
mod explain;
mod fisher;
mod fold;
mod interval;
mod investigation;
mod ledger;
mod node;
mod organisation;
mod parameters;
mod ratio;
mod resource;
mod seen;
#[cfg(test)]
mod tests;
mod trace;
mod urgency;

pub use counting::Ignored;
pub use entry::{
    Announced, BondChanged, Claims, Entry, EpochClosed, Finding, FisherAudited, FisherId, FoldedAudit, FoldedReport,
    NodeId, OrganisationId, OwnerId, ReportId, ResourceId, Weight,
};
pub use explain::{Audits, Explanation, ResourceEvidence};
pub use fold::{Error, State, fold};
pub use node::{NodeScore, ResourceScore, Standing, Verdict, levy_bps};
pub use organisation::worst_decile_bps;
pub use parameters::{Market, Parameters};
pub use ratio::{Error as RatioError, Ratio64};
pub use resource::{Batch, Estimate, ResourceState};
pub use trace::Step;
pub use urgency::Urgency;
