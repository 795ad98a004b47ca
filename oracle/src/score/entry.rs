//! What the fold reads: the part of the log that moves a number. Payments and certificates never act
//! (design/scoring.md section 13), so they are no entries at all.
//!
//! Owns the plain types between the log's wire format and the arithmetic. Every value in them was checked when it was
//! made.

use super::ratio::Ratio64;

/// A node: its ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 32]);

/// A report: the digest of its signed payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportId(pub [u8; 32]);

/// A fisher: his address on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FisherId(pub [u8; 20]);

/// An owner of relays: his address on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerId(pub [u8; 20]);

/// An organisation: its ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganisationId(pub [u8; 32]);

/// One of a node's claims, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub u32);

/// A set of claims; numbers from 63 on are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claims(u64);

impl Claims {
    /// The set with one more.
    #[must_use]
    pub fn with(self, resource: ResourceId) -> Self {
        Self(self.0 | 1 << resource.0.min(63))
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl FromIterator<ResourceId> for Claims {
    fn from_iter<I: IntoIterator<Item = ResourceId>>(resources: I) -> Self {
        resources.into_iter().fold(Self::default(), Self::with)
    }
}

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

/// A session whose stamps were compared: what its relay's stamps say of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldedAudit {
    /// The report whose session was audited.
    pub report: ReportId,
    pub node: NodeId,
    pub resource: ResourceId,
    /// x by the stamps, not by the report.
    pub x: Ratio64,
    /// Whose relay stamped it.
    pub owner: OwnerId,
    /// The epoch in which the session took place.
    pub epoch: u64,
}

/// What an audit says of the fisher. It does not name the node or the report: those stay sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// His report and the stamps differ by at most a tenth.
    Agrees,
    /// They differ by more, or he did not reveal what he had committed.
    Disagrees,
    /// His session said nothing.
    Inconclusive,
}

/// An audit of a fisher. It stands in the log with a lag of its own, since the owner's name would tie it to a `FoldedAudit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FisherAudited {
    pub fisher: FisherId,
    /// Whose relay stamped the session.
    pub owner: OwnerId,
    pub finding: Finding,
}

/// A finalised change of a fisher's bond that does not thaw, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BondChanged {
    pub fisher: FisherId,
    pub bond: u128,
}

/// What a node says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    pub node: NodeId,
    /// The resources that it claims.
    pub claims: Claims,
    /// The organisation that signed it.
    pub organisation: Option<OrganisationId>,
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
    /// What stamps say of a node.
    Audit(FoldedAudit),
    /// What stamps say of a fisher.
    FisherAudited(FisherAudited),
    /// A bond.
    BondChanged(BondChanged),
    /// A node's own word.
    Announced(Announced),
    /// An owner of relays who takes part in audits from now on.
    OwnerRegistered(OwnerId),
    /// The moment at which findings start to count.
    EpochClosed(EpochClosed),
}
