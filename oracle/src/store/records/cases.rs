//! Cases of Court as the indexed chain has them.

use super::{Address, BlockRef, Digest};

/// What an event of Court says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFact {
    pub log_index: u32,
    pub case_id: Digest,
    pub transaction: Digest,
    pub event: CaseEvent,
}

/// What happened in a case. Amounts are in token units, times in unix seconds, outcomes as Court numbers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseEvent {
    /// It was filed.
    Filed(Filing),
    /// More of what the node held was shown.
    Extended { by: Address, cap: u128 },
    /// The provider answered.
    Answered { by: Address, statement: Digest },
    /// A court ruled.
    Ruled { by: Address, outcome: u8, amount: u128, levy_bps: u16, deadline: u64 },
    /// The arbiter was silent.
    Escalated { deadline: u64 },
    /// A party appealed.
    Appealed { by: Address, counter_bond: u128, deadline: u64 },
    /// The filer took his case back.
    Withdrawn,
    /// It has ended.
    Finalised { outcome: u8, slashed: u128 },
}

/// How a case was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// Proof, Statistical, Bare: as Court numbers them.
    pub kind: u8,
    /// The node, of a bare case the rental.
    pub subject: Digest,
    pub node: Digest,
    pub provider: Address,
    pub filer: Address,
    /// The filer's own rental; zero in a statistical case.
    pub rental: Digest,
    pub evidence: Digest,
    pub bond: u128,
    /// The most that it can slash, as shown at filing.
    pub cap: u128,
    pub answer_until: u64,
    pub ruling_until: u64,
    pub frozen_until: u64,
}

/// A case with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub case_id: Digest,
    pub filing: Filing,
    pub filed: Moment,
    /// What happened after it was filed, in order.
    pub steps: Vec<(Moment, CaseEvent)>,
}

/// Where in the chain something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub block: BlockRef,
    pub log_index: u32,
    pub transaction: Digest,
    /// Whether the block can no longer change.
    pub is_final: bool,
}

/// Which cases are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaseFilter {
    pub node: Option<Digest>,
    pub provider: Option<Address>,
    pub filer: Option<Address>,
    /// Only those that have not ended.
    pub open: bool,
}
