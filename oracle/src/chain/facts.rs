//! What the logs of Rentals, Bonds and Court say.
//!
//! Owns the step from an RPC's log to a typed fact with its place in the chain. Logs of other contracts and events that
//! nobody needs give none; one that claims to be ours and does not decode is an error, never skipped, since a skipped
//! payment would be lost for good.

mod bonds;
mod court;
mod rentals;

use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
};
use gpux_contracts::{Deployment, Rentals};

pub(super) use court::Event as CaseEvent;

/// A log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The RPC left out where the log stands.
    #[error("a log of {0} says not where it stands")]
    Place(Address),
    /// The log is none of the contract's events, or a damaged one.
    #[error("a log of {contract} in block {block} cannot be decoded")]
    Decode {
        contract: Address,
        block: u64,
        #[source]
        source: alloy::sol_types::Error,
    },
}

/// A fact and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) block_number: u64,
    pub(super) block_hash: B256,
    pub(super) log_index: u32,
    pub(super) transaction: B256,
    pub(super) fact: Fact,
}

/// What is indexed.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    /// A rental was opened with a deposit.
    Opened { rental: B256, terms: Box<Rentals::Terms>, deposit: u128, start: u64 },
    /// A rental was prolonged.
    ToppedUp { rental: B256, amount: u128 },
    /// A rental was stopped; the refund went to the consumer.
    Stopped { rental: B256, refund: u128 },
    /// The provider collected.
    Collected { rental: B256, amount: u128 },
    /// Held earnings were slashed; the share went to the beneficiary's credit.
    Slashed { rental: B256, amount: u128, beneficiary: Address, share: u128 },
    /// A fisher's bond changed.
    Bond { fisher: Address, change: BondChange },
    /// A case went on.
    Case { id: B256, event: court::Event },
}

/// What an event of Bonds does to the stake that does not thaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BondChange {
    /// Stake was added.
    Added(u128),
    /// Stake began to thaw, or was burned.
    Removed(u128),
    /// Stake was locked, perhaps out of what thawed: no event says how much, so the contract is asked.
    Restated,
}

impl Fact {
    /// The rental in which this moves money, if it was opened before.
    #[must_use]
    pub(super) fn moves(&self) -> Option<B256> {
        match self {
            Self::ToppedUp { rental, .. }
            | Self::Stopped { rental, .. }
            | Self::Collected { rental, .. }
            | Self::Slashed { rental, .. } => Some(*rental),
            Self::Opened { .. } | Self::Bond { .. } | Self::Case { .. } => None,
        }
    }
}

/// The contracts that are read.
#[must_use]
pub(super) fn contracts(deployment: &Deployment) -> [Address; 3] {
    [deployment.rentals, deployment.bonds, deployment.court]
}

/// Reads one log; `None` if nothing of it is indexed.
pub(super) fn read(log: &Log, deployment: &Deployment) -> Result<Option<Placed>, Error> {
    let contract = log.address();
    let fact = if contract == deployment.rentals {
        rentals::read(log)
    } else if contract == deployment.bonds {
        bonds::read(log)
    } else if contract == deployment.court {
        court::read(log)
    } else {
        return Ok(None);
    };
    let log_index = log.log_index.and_then(|index| u32::try_from(index).ok());
    let place = (log.block_number, log.block_hash, log_index, log.transaction_hash);
    let (Some(block_number), Some(block_hash), Some(log_index), Some(transaction)) = place else {
        return Err(Error::Place(contract));
    };
    let fact = fact.map_err(|source| Error::Decode { contract, block: block_number, source })?;
    Ok(fact.map(|fact| Placed { block_number, block_hash, log_index, transaction, fact }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{primitives::LogData, sol_types::SolEvent as _};
    use gpux_contracts::Bonds;

    fn deployment() -> Deployment {
        let address = Address::repeat_byte;
        Deployment {
            chain_id: 31_337,
            development: true,
            block: 1,
            token: address(1),
            access_manager: address(2),
            rentals: address(3),
            bonds: address(4),
            scores: address(5),
            court: address(6),
            rewards: address(7),
            epoch_length_seconds: 5,
        }
    }

    fn log(contract: Address, data: LogData) -> Log {
        Log {
            inner: alloy::primitives::Log { address: contract, data },
            block_hash: Some(B256::repeat_byte(9)),
            block_number: Some(7),
            log_index: Some(2),
            transaction_hash: Some(B256::repeat_byte(8)),
            ..Log::default()
        }
    }

    fn bond_change(data: LogData) -> Option<BondChange> {
        match read(&log(deployment().bonds, data), &deployment()).unwrap()?.fact {
            Fact::Bond { change, .. } => Some(change),
            _ => None,
        }
    }

    #[test]
    fn bond_events_change_what_does_not_thaw() {
        let fisher = Address::repeat_byte(1);
        let deposited = Bonds::Deposited { fisher, from: fisher, amount: 5, newAmount: 12 };
        assert_eq!(bond_change(deposited.encode_log_data()), Some(BondChange::Added(5)));
        let thawing = Bonds::Thawing { fisher, amount: 3, thawing: 9, readyAt: Default::default() };
        assert_eq!(bond_change(thawing.encode_log_data()), Some(BondChange::Removed(3)));
        let burned = Bonds::Burned { fisher, to: fisher, amount: 2, locked: 0, newAmount: 7 };
        assert_eq!(bond_change(burned.encode_log_data()), Some(BondChange::Removed(2)));
        let locked = Bonds::Locked { fisher, amount: 2, locked: 2, thawing: 0 };
        assert_eq!(bond_change(locked.encode_log_data()), Some(BondChange::Restated));
        let withdrawn = Bonds::Withdrawn { account: fisher, to: fisher, stake: 4, credit: 0, newAmount: 8 };
        assert_eq!(bond_change(withdrawn.encode_log_data()), None);
    }

    #[test]
    fn damaged_and_misplaced_logs_of_our_contracts_are_errors_and_foreign_ones_are_nothing() {
        let stopped = Rentals::Stopped {
            rental: B256::repeat_byte(1),
            node: B256::repeat_byte(2),
            by: Address::repeat_byte(3),
            stop: alloy::primitives::aliases::U40::from(9),
            refund: 4,
            earned: 5,
        };
        let good = log(deployment().rentals, stopped.encode_log_data());
        let placed = read(&good, &deployment()).unwrap().unwrap();
        assert_eq!((placed.block_number, placed.log_index), (7, 2));
        assert!(matches!(placed.fact, Fact::Stopped { refund: 4, .. }));

        let mut cut = good.clone();
        cut.inner.data.data = cut.inner.data.data.slice(..40);
        assert!(matches!(read(&cut, &deployment()), Err(Error::Decode { block: 7, .. })));
        assert!(matches!(read(&Log { block_hash: None, ..good.clone() }, &deployment()), Err(Error::Place(_))));
        let mut foreign = good;
        foreign.inner.address = Address::repeat_byte(0xee);
        assert!(read(&foreign, &deployment()).unwrap().is_none());
    }
}
