//! Events of Bonds.
use alloy::{rpc::types::Log, sol_types::SolEventInterface as _};
use gpux_contracts::Bonds;

use super::{BondChange, Fact};

/// Reads a log of Bonds.
pub(super) fn read(log: &Log) -> Result<Option<Fact>, alloy::sol_types::Error> {
    use Bonds::BondsEvents as Event;
    let change = |fisher, change| Some(Fact::Bond { fisher, change });
    Ok(match Event::decode_log(&log.inner)?.data {
        Event::Deposited(e) => change(e.fisher, BondChange::Added(e.amount)),
        Event::Thawing(e) => change(e.fisher, BondChange::Removed(e.amount)),
        Event::Burned(e) => change(e.fisher, BondChange::Removed(e.amount)),
        Event::Locked(e) => change(e.fisher, BondChange::Restated),
        // What is withdrawn thawed before; what is unlocked did not thaw.
        Event::Withdrawn(_) | Event::Unlocked(_) => None,
    })
}
