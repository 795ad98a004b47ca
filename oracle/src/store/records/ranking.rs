//! What a ranking can be narrowed to: no more than an index of every backend answers in its order; and what changed.

use super::{Address, Digest};
use crate::score::{Estimate, Verdict};

/// Which scores a ranking has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RankingFilter {
    /// Whose nodes, or which.
    pub of: Option<RankingOf>,
    pub verdict: Option<Verdict>,
    /// The least lower bound.
    pub least_bps: u16,
}

/// One property of nodes that scores are ranked within.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RankingOf {
    /// The one GPU model that they claim.
    Model(String),
    /// The organisation that vouches for them.
    Organisation(Digest),
    /// The provider that they announce.
    Provider(Address),
}

/// A node's newest score, as who follows changes is told it, with what he may have narrowed them to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub node: Digest,
    /// The epoch that changed it.
    pub epoch: u64,
    pub provider: Option<Address>,
    pub organisation: Option<Digest>,
    pub model: Option<String>,
    pub estimate: Estimate,
    pub verdict: Verdict,
    pub probes: u32,
}
