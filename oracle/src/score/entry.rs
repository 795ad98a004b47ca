//! What the fold reads: the part of the log that moves a number. Bonds act through the weights, which were fixed
//! before; payments and certificates never act (design/scoring.md section 13).
//!
//! Owns the plain types between the log's wire format and the arithmetic. Every value in them was checked when it was
//! made, so the fold has no error path and cannot stop half-way.

use super::ratio::Ratio64;

/// A node: its ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 32]);

/// A report: the digest of its signed payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportId(pub [u8; 32]);

/// One of a node's claims, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub u32);

/// A fisher's weight, fixed when the report was committed, in 64ths: sums of it are exact in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Weight(u8);

impl Weight {
    /// Counts for nothing.
    pub const ZERO: Self = Self(0);
    /// Counts in full.
    pub const FULL: Self = Self(64);

    /// A weight from outside, in 64ths; none above one.
    #[must_use]
    pub fn from_64ths(value: u32) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| *value <= Self::FULL.0).map(Self)
    }

    /// The weight in 64ths.
    #[must_use]
    pub fn in_64ths(self) -> u32 {
        u32::from(self.0)
    }
}

/// The folded part of a report about one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldedReport {
    pub report: ReportId,
    pub node: NodeId,
    pub resource: ResourceId,
    pub x: Ratio64,
    pub weight: Weight,
    /// The epoch in which the report was revealed.
    pub epoch: u64,
}

/// The end of an epoch: what was logged before it is folded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochClosed {
    pub epoch: u64,
}

/// One entry of the log, as far as scores depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A finding.
    Report(FoldedReport),
    /// The moment at which findings start to count.
    EpochClosed(EpochClosed),
}
