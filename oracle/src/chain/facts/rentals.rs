//! Events of Rentals.
use alloy::{rpc::types::Log, sol_types::SolEventInterface as _};
use gpux_contracts::Rentals;

use super::Fact;

/// Reads a log of Rentals.
pub(super) fn read(log: &Log) -> Result<Option<Fact>, alloy::sol_types::Error> {
    use Rentals::RentalsEvents as Event;
    Ok(match Event::decode_log(&log.inner)?.data {
        Event::Opened(e) => {
            Some(Fact::Opened { rental: e.rental, terms: Box::new(e.terms), deposit: e.deposit, start: e.start.to() })
        }
        Event::ToppedUp(e) => Some(Fact::ToppedUp { rental: e.rental, amount: e.amount }),
        Event::Stopped(e) => Some(Fact::Stopped { rental: e.rental, refund: e.refund }),
        Event::Collected(e) => Some(Fact::Collected { rental: e.rental, amount: e.amount }),
        Event::Slashed(e) => {
            Some(Fact::Slashed { rental: e.rental, amount: e.amount, beneficiary: e.beneficiary, share: e.share })
        }
        _ => None,
    })
}
