//! What is kept of the chain: blocks with their facts, rentals, movements, bonds, and sums of payments.

use super::{Address, CaseFact, Digest};

/// A block by number, hash and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRef {
    pub number: u64,
    pub hash: Digest,
    /// Unix seconds.
    pub timestamp: u64,
}

/// Everything of one block that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    pub block: BlockRef,
    pub parent: Digest,
    pub opened: Vec<RentalOpened>,
    pub movements: Vec<Movement>,
    pub bonds: Vec<BondChange>,
    pub cases: Vec<CaseFact>,
    /// Encoded log entries with the index of their event in the block; they enter the log when the block is finalised.
    pub entries: Vec<(u32, Vec<u8>)>,
}

/// A rental's opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RentalOpened {
    pub log_index: u32,
    pub transaction: Digest,
    pub rental: Digest,
    pub node: Digest,
    pub provider: Address,
    pub consumer: Address,
    /// Token units a second.
    pub rate: u128,
    pub deposit: u128,
    /// Unix seconds.
    pub start: u64,
    pub note: Digest,
}

/// What a movement of money does to a rental.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// Adds to the deposit.
    ToppedUp = 2,
    /// Stops the rental; the amount went back to the consumer.
    Refunded = 3,
    /// The provider collected the amount.
    Collected = 4,
    /// The amount was slashed.
    Slashed = 5,
}

/// A movement of money in a rental.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub log_index: u32,
    pub transaction: Digest,
    pub rental: Digest,
    pub kind: MovementKind,
    /// Token units.
    pub amount: u128,
}

/// A fisher's bond after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BondChange {
    pub log_index: u32,
    pub fisher: Address,
    /// What does not thaw, in token units.
    pub amount: u128,
}

/// A rental as the indexed chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rental {
    pub rental: Digest,
    pub node: Digest,
    pub provider: Address,
    pub consumer: Address,
    /// Token units a second.
    pub rate: u128,
    /// Everything ever put in.
    pub deposit: u128,
    pub refunded: u128,
    pub collected: u128,
    pub slashed: u128,
    /// Unix seconds.
    pub start: u64,
    /// The time of the block that stopped it.
    pub stop: Option<u64>,
    pub note: Digest,
    pub opened: BlockRef,
}

/// What a node's rentals moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaymentTotals {
    pub rentals: u64,
    /// Distinct payers.
    pub consumers: u64,
    pub deposited: u128,
    pub refunded: u128,
    pub collected: u128,
    pub slashed: u128,
}
