//! Events of Court.
use alloy::{
    primitives::{Address, B256},
    rpc::types::Log,
    sol_types::SolEventInterface as _,
};
use gpux_contracts::Court;

use super::Fact;

/// What happened in a case.
#[derive(Debug, Clone)]
pub(in crate::chain) enum Event {
    /// It was filed.
    Filed {
        kind: u8,
        subject: B256,
        filer: Address,
        provider: Address,
        rental: B256,
        evidence: B256,
        cap: u128,
        bond: u128,
        frozen_until: u64,
    },
    /// More of what the node held was shown.
    Extended { by: Address, cap: u128 },
    /// The provider answered.
    Answered { by: Address, statement: B256 },
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

/// Reads a log of Court.
pub(super) fn read(log: &Log) -> Result<Option<Fact>, alloy::sol_types::Error> {
    use Court::CourtEvents as Logged;
    let (id, event) = match Logged::decode_log(&log.inner)?.data {
        Logged::Filed(e) => {
            let filed = Event::Filed {
                kind: e.kind,
                subject: e.subject,
                filer: e.filer,
                provider: e.provider,
                rental: e.rental,
                evidence: e.evidence,
                cap: e.cap,
                bond: e.bond,
                frozen_until: e.frozenUntil.to(),
            };
            (e.id, filed)
        }
        Logged::Extended(e) => (e.id, Event::Extended { by: e.by, cap: e.cap }),
        Logged::Answered(e) => (e.id, Event::Answered { by: e.provider, statement: e.statement }),
        Logged::Ruled(e) => {
            let (outcome, levy_bps) = (e.outcome, e.levyBps);
            (e.id, Event::Ruled { by: e.by, outcome, amount: e.amount, levy_bps, deadline: e.deadline.to() })
        }
        Logged::Escalated(e) => (e.id, Event::Escalated { deadline: e.deadline.to() }),
        Logged::Appealed(e) => {
            (e.id, Event::Appealed { by: e.by, counter_bond: e.counterBond, deadline: e.deadline.to() })
        }
        Logged::Withdrawn(e) => (e.id, Event::Withdrawn),
        Logged::Finalised(e) => (e.id, Event::Finalised { outcome: e.outcome, slashed: e.slashed }),
        // Rules, levies and payouts are no step of a case.
        _ => return Ok(None),
    };
    Ok(Some(Fact::Case { id, event }))
}
