//! How much the market is used.

/// Seconds of a day.
pub const DAY_SECS: u64 = 86_400;

/// What moved on chain, final blocks only. Amounts are in token units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Those that opened, prolonged, stopped or paid at least one rental.
    pub transactions: u64,
    /// Opened ones.
    pub rentals: u64,
    /// Distinct consumers and providers.
    pub accounts: u64,
    pub deposited: u128,
    pub refunded: u128,
    pub collected: u128,
    pub slashed: u128,
}

impl Usage {
    /// Adds the rentals and amounts of another; transactions and accounts are counted otherwise, since they must be distinct.
    pub(in super::super) fn add_amounts(&mut self, other: &Self) {
        self.rentals += other.rentals;
        self.deposited = self.deposited.saturating_add(other.deposited);
        self.refunded = self.refunded.saturating_add(other.refunded);
        self.collected = self.collected.saturating_add(other.collected);
        self.slashed = self.slashed.saturating_add(other.slashed);
    }
}

/// One day's usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageDay {
    /// Days since 1970-01-01 in UTC.
    pub day: u64,
    pub usage: Usage,
    /// Accounts that were never seen before.
    pub new_accounts: u64,
}

/// The compute power of one resource, in its unit: what one rental of each node gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// The number of the resource on the wire.
    pub resource: u32,
    /// Nodes whose offer names it.
    pub nodes: u64,
    pub advertised: u128,
    /// Of these, nodes on which it was probed, and what they advertise.
    pub probed_nodes: u64,
    pub probed: u128,
    /// The sum of what each of those advertises times the lower bound of its score.
    pub verified: u128,
}
