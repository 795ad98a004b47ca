//! What one block changes, as the store takes it.
//!
//! Owns the log entries of a block: `BeaconSeen` for an epoch's first block, `PaymentSeen`, `BondChanged` and `RulingSeen` for its
//! events, in their order. Knows nothing of RPC or store: whoever collects tells it bonds, nodes and cases from before the block.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use gpux_proto::evidence::{self, BeaconSeen, Block, LogEntry, PaymentKind, PaymentSeen, RulingSeen, log_entry};
use prost::Message as _;

use super::{
    facts::{BondChange, CaseEvent, Fact, Placed},
    rpc::Head,
};
use crate::store::{self, BlockFacts, BlockRef, CaseFact, Filing, Movement, MovementKind, RentalOpened};

/// The beacon's place among the entries of a block: after all of its logs.
const BEACON_INDEX: u32 = u32::MAX;

/// Why a block's events make no sense.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Money moved in a rental that was never opened: a block was missed.
    #[error("rental {0} moves money and was never opened")]
    UnknownRental(B256),
    /// A case goes on that was never filed: a block was missed.
    #[error("case {0} goes on and was never filed")]
    UnknownCase(B256),
    /// More stake leaves a bond than it has: an event was missed.
    #[error("fisher {fisher} loses {removed} of a bond of {bond}")]
    BondBelowZero { fisher: Address, removed: u128, bond: u128 },
}

/// Collects what a block changes.
#[derive(Debug)]
pub(super) struct Facts {
    facts: BlockFacts,
    place: Block,
    bonds: BTreeMap<Address, u128>,
    /// Bonds that were read as of the block's end: its events are in them already.
    restated: BTreeMap<Address, u128>,
    nodes: BTreeMap<B256, B256>,
    /// Of each case that goes on, what its events do not say.
    cases: BTreeMap<B256, CaseKnown>,
    /// The Rewards contract.
    rewards: Address,
    /// What slashes of a transaction gave Rewards so far.
    rewarded: (B256, u128),
}

/// What a case's events need that they do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CaseKnown {
    pub(super) kind: u8,
    pub(super) node: B256,
    /// Until when the provider answers, and the arbiter rules, in unix seconds.
    pub(super) answer_until: u64,
    pub(super) ruling_until: u64,
}

impl Facts {
    /// Starts with a block; `parent_time` is absent for the first block that is indexed.
    #[must_use]
    pub(super) fn new(header: &Head, parent_time: Option<u64>, epoch_secs: u64, rewards: Address) -> Self {
        let epoch = header.timestamp / epoch_secs;
        let place = Block { number: header.number, hash: header.hash.to_vec(), timestamp: header.timestamp };
        let mut collected = Self {
            facts: BlockFacts {
                block: BlockRef { number: header.number, hash: header.hash.0, timestamp: header.timestamp },
                parent: header.parent.0,
                opened: Vec::new(),
                movements: Vec::new(),
                bonds: Vec::new(),
                cases: Vec::new(),
                entries: Vec::new(),
            },
            place: place.clone(),
            bonds: BTreeMap::new(),
            restated: BTreeMap::new(),
            nodes: BTreeMap::new(),
            cases: BTreeMap::new(),
            rewards,
            rewarded: (B256::ZERO, 0),
        };
        if parent_time.is_some_and(|time| time / epoch_secs < epoch) {
            collected.enter(BEACON_INDEX, log_entry::Fact::BeaconSeen(BeaconSeen { epoch, block: Some(place) }));
        }
        collected
    }

    /// The block's hash.
    #[must_use]
    pub(super) fn block_hash(&self) -> B256 {
        B256::from(self.facts.block.hash)
    }

    /// Whether the bond is known, from before the block or by its events.
    #[must_use]
    pub(super) fn knows_bond(&self, fisher: &Address) -> bool {
        self.bonds.contains_key(fisher)
    }

    /// Whether the bond at the block's end is known.
    #[must_use]
    pub(super) fn restates(&self, fisher: &Address) -> bool {
        self.restated.contains_key(fisher)
    }

    /// The bond before the block.
    pub(super) fn set_bond(&mut self, fisher: Address, stake: u128) {
        self.bonds.insert(fisher, stake);
    }

    /// The bond at the block's end.
    pub(super) fn restate_bond(&mut self, fisher: Address, stake: u128) {
        self.restated.insert(fisher, stake);
    }

    /// The node of a rental that was opened before the block.
    pub(super) fn set_node(&mut self, rental: B256, node: B256) {
        self.nodes.insert(rental, node);
    }

    /// Whether a case is known.
    #[must_use]
    pub(super) fn knows_case(&self, id: &B256) -> bool {
        self.cases.contains_key(id)
    }

    /// What a case's events do not say.
    pub(super) fn set_case(&mut self, id: B256, known: CaseKnown) {
        self.cases.insert(id, known);
    }

    /// The node of a rental that this block opened.
    #[must_use]
    pub(super) fn opened_node(&self, rental: &B256) -> Option<B256> {
        self.nodes.get(rental).copied()
    }

    /// Adds the next event.
    pub(super) fn add(&mut self, placed: &Placed) -> Result<(), Error> {
        let log_index = placed.log_index;
        match &placed.fact {
            Fact::Opened { rental, terms, deposit, start } => {
                self.nodes.insert(*rental, terms.offer.node);
                self.facts.opened.push(RentalOpened {
                    log_index,
                    transaction: placed.transaction.0,
                    rental: rental.0,
                    node: terms.offer.node.0,
                    provider: terms.offer.provider.into_array(),
                    consumer: terms.consumer.into_array(),
                    rate: terms.offer.rate.to(),
                    deposit: *deposit,
                    start: *start,
                    note: terms.note.0,
                });
                self.payment(log_index, *rental, PaymentKind::Opened, *deposit)
            }
            Fact::ToppedUp { rental, amount } => self.movement(placed, *rental, MovementKind::ToppedUp, *amount),
            Fact::Stopped { rental, refund } => self.movement(placed, *rental, MovementKind::Refunded, *refund),
            Fact::Collected { rental, amount } => self.movement(placed, *rental, MovementKind::Collected, *amount),
            Fact::Slashed { rental, amount, beneficiary, share } => {
                self.slashed(placed.transaction, *beneficiary, *share);
                self.movement(placed, *rental, MovementKind::Slashed, *amount)
            }
            Fact::Bond { fisher, change } => self.bond(log_index, *fisher, *change),
            Fact::Case { id, event } => self.case(placed, *id, event),
        }
    }

    /// What a slash gave Rewards; the end of the case follows in the same transaction.
    fn slashed(&mut self, transaction: B256, beneficiary: Address, share: u128) {
        if beneficiary == self.rewards {
            let before = if self.rewarded.0 == transaction { self.rewarded.1 } else { 0 };
            self.rewarded = (transaction, before.saturating_add(share));
        }
    }

    fn case(&mut self, placed: &Placed, id: B256, event: &CaseEvent) -> Result<(), Error> {
        let known = *self.cases.get(&id).ok_or(Error::UnknownCase(id))?;
        if let CaseEvent::Finalised { outcome, .. } = event {
            let to_rewards = if self.rewarded.0 == placed.transaction { self.rewarded.1 } else { 0 };
            self.rewarded = (B256::ZERO, 0);
            let ruling = RulingSeen {
                block: Some(self.place.clone()),
                log_index: placed.log_index,
                case_id: id.to_vec(),
                node: known.node.to_vec(),
                outcome: u32::from(*outcome),
                kind: u32::from(known.kind),
                to_rewards: to_rewards.to_string(),
            };
            self.enter(placed.log_index, log_entry::Fact::RulingSeen(ruling));
        }
        self.facts.cases.push(CaseFact {
            log_index: placed.log_index,
            case_id: id.0,
            transaction: placed.transaction.0,
            event: recorded(event, &known),
        });
        Ok(())
    }

    /// Everything that the block changes.
    #[must_use]
    pub(super) fn finish(self) -> BlockFacts {
        self.facts
    }

    fn movement(&mut self, placed: &Placed, rental: B256, kind: MovementKind, amount: u128) -> Result<(), Error> {
        let Placed { log_index, transaction, .. } = *placed;
        self.facts.movements.push(Movement { log_index, transaction: transaction.0, rental: rental.0, kind, amount });
        let wire = match kind {
            MovementKind::ToppedUp => PaymentKind::ToppedUp,
            MovementKind::Refunded => PaymentKind::Refunded,
            MovementKind::Collected => PaymentKind::Collected,
            MovementKind::Slashed => PaymentKind::Slashed,
        };
        self.payment(log_index, rental, wire, amount)
    }

    fn payment(&mut self, log_index: u32, rental: B256, kind: PaymentKind, amount: u128) -> Result<(), Error> {
        let node = self.nodes.get(&rental).ok_or(Error::UnknownRental(rental))?.to_vec();
        let payment = PaymentSeen {
            block: Some(self.place.clone()),
            log_index,
            rental: rental.to_vec(),
            node,
            kind: kind.into(),
            amount: amount.to_string(),
        };
        self.enter(log_index, log_entry::Fact::PaymentSeen(payment));
        Ok(())
    }

    fn bond(&mut self, log_index: u32, fisher: Address, change: BondChange) -> Result<(), Error> {
        let before = self.bonds.get(&fisher).copied().unwrap_or_default();
        let after = match (self.restated.get(&fisher), change) {
            (Some(stake), _) => *stake,
            (None, BondChange::Added(amount)) => before.saturating_add(amount),
            (None, BondChange::Removed(removed)) => {
                before.checked_sub(removed).ok_or(Error::BondBelowZero { fisher, removed, bond: before })?
            }
            (None, BondChange::Restated) => before,
        };
        self.bonds.insert(fisher, after);
        self.facts.bonds.push(store::BondChange { log_index, fisher: fisher.into_array(), amount: after });
        let changed = evidence::BondChanged {
            block: Some(self.place.clone()),
            log_index,
            fisher: fisher.to_vec(),
            amount: after.to_string(),
        };
        self.enter(log_index, log_entry::Fact::BondChanged(changed));
        Ok(())
    }

    fn enter(&mut self, log_index: u32, fact: log_entry::Fact) {
        self.facts.entries.push((log_index, LogEntry { fact: Some(fact) }.encode_to_vec()));
    }
}

/// An event as the store holds it.
fn recorded(event: &CaseEvent, known: &CaseKnown) -> store::CaseEvent {
    use store::CaseEvent as Held;
    match *event {
        CaseEvent::Filed { kind, subject, filer, provider, rental, evidence, cap, bond, frozen_until } => {
            Held::Filed(Filing {
                kind,
                subject: subject.0,
                node: known.node.0,
                provider: provider.into_array(),
                filer: filer.into_array(),
                rental: rental.0,
                evidence: evidence.0,
                bond,
                cap,
                answer_until: known.answer_until,
                ruling_until: known.ruling_until,
                frozen_until,
            })
        }
        CaseEvent::Extended { by, cap } => Held::Extended { by: by.into_array(), cap },
        CaseEvent::Answered { by, statement } => Held::Answered { by: by.into_array(), statement: statement.0 },
        CaseEvent::Ruled { by, outcome, amount, levy_bps, deadline } => {
            Held::Ruled { by: by.into_array(), outcome, amount, levy_bps, deadline }
        }
        CaseEvent::Escalated { deadline } => Held::Escalated { deadline },
        CaseEvent::Appealed { by, counter_bond, deadline } => {
            Held::Appealed { by: by.into_array(), counter_bond, deadline }
        }
        CaseEvent::Withdrawn => Held::Withdrawn,
        CaseEvent::Finalised { outcome, slashed } => Held::Finalised { outcome, slashed },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REWARDS: Address = Address::repeat_byte(7);

    fn head(timestamp: u64) -> Head {
        Head { number: 7, hash: B256::repeat_byte(7), parent: B256::repeat_byte(6), timestamp }
    }

    fn placed(log_index: u32, fact: Fact) -> Placed {
        Placed { block_number: 7, block_hash: B256::repeat_byte(7), log_index, transaction: B256::repeat_byte(8), fact }
    }

    #[test]
    fn an_epochs_first_block_is_its_beacon() {
        let entries = |time, parent| Facts::new(&head(time), parent, 5, REWARDS).finish().entries.len();
        assert_eq!(entries(10, Some(9)), 1);
        assert_eq!(entries(14, Some(10)), 0);
        // Of the first indexed block nobody knows whether an earlier one belongs to the epoch.
        assert_eq!(entries(10, None), 0);
    }

    #[test]
    fn bonds_follow_their_events_and_a_restated_one_stands() {
        let fisher = Address::repeat_byte(1);
        let mut facts = Facts::new(&head(3), Some(2), 5, REWARDS);
        facts.set_bond(fisher, 10);
        let bond = |change| Fact::Bond { fisher, change };
        facts.add(&placed(0, bond(BondChange::Added(5)))).unwrap();
        facts.add(&placed(1, bond(BondChange::Removed(15)))).unwrap();
        assert!(matches!(
            facts.add(&placed(2, bond(BondChange::Removed(1)))),
            Err(Error::BondBelowZero { bond: 0, removed: 1, .. })
        ));
        facts.restate_bond(fisher, 42);
        facts.add(&placed(3, bond(BondChange::Restated))).unwrap();
        facts.add(&placed(4, bond(BondChange::Removed(1)))).unwrap();
        let amounts: Vec<_> = facts.finish().bonds.into_iter().map(|bond| bond.amount).collect();
        assert_eq!(amounts, [15, 0, 42, 42]);
    }

    #[test]
    fn money_in_an_unknown_rental_is_an_error() {
        let rental = B256::repeat_byte(1);
        let mut facts = Facts::new(&head(3), Some(2), 5, REWARDS);
        let topped_up = placed(0, Fact::ToppedUp { rental, amount: 1 });
        assert!(matches!(facts.add(&topped_up), Err(Error::UnknownRental(_))));
        let mut facts = Facts::new(&head(3), Some(2), 5, REWARDS);
        facts.set_node(rental, B256::repeat_byte(2));
        facts.add(&topped_up).unwrap();
        assert_eq!(facts.finish().entries.len(), 1);
    }
}
