pub(crate) mod market;

use std::sync::Arc;

use alloy::primitives::B256;
use gpux_proto::evidence::{LogEntry, PaymentKind, log_entry::Fact};
use prost::Message as _;

use super::{Error, Indexer, Progress, Rpc};
use crate::store::{CaseEvent, CaseFilter, Sqlite, Store};
use market::Market;

struct Follower {
    store: Arc<Sqlite>,
    market: Market,
    _directory: tempfile::TempDir,
}

impl Follower {
    async fn start() -> Self {
        Self::of(Market::start().await).await
    }

    async fn of(market: Market) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(directory.path()).await.unwrap());
        Self { store, market, _directory: directory }
    }

    /// A new indexer each time: nothing but the store carries over.
    async fn follow(&self) -> Result<Progress, Error> {
        let rpc = Rpc::new(self.market.provider.clone());
        let mut indexer = Indexer::new(rpc, self.store.clone(), self.market.deployment.clone(), 5);
        loop {
            let progress = indexer.step().await?;
            if progress.caught_up {
                return Ok(progress);
            }
        }
    }

    async fn facts(&self) -> Vec<Fact> {
        let rows = self.store.log_entries(0, 10_000).await.unwrap();
        rows.iter().map(|row| LogEntry::decode(row.bytes.as_slice()).unwrap().fact.unwrap()).collect()
    }

    async fn bonds(&self) -> Vec<String> {
        let bond = |fact| if let Fact::BondChanged(bond) = fact { Some(bond.amount) } else { None };
        self.facts().await.into_iter().filter_map(bond).collect()
    }
}

#[tokio::test]
async fn rentals_and_bonds_enter_the_log_once_when_they_are_final() {
    let follower = Follower::start().await;
    let market = &follower.market;
    market.bond(900).await;
    let rental = market.open(1, 50_000).await;
    market.top_up(rental, 7_000).await;
    market.stop(1).await;
    market.thaw(400).await;
    let fisher = market.fisher().into_array();
    follower.follow().await.unwrap();
    assert_eq!(follower.store.bond(fisher).await.unwrap(), 500, "indexed at once");

    market.mine(4).await;
    let progress = follower.follow().await.unwrap();
    assert!(progress.finalised.unwrap().number + 4 >= progress.indexed);
    assert_eq!(follower.store.finalised_bond(fisher).await.unwrap(), 500);
    assert_eq!(follower.bonds().await, ["900", "500"]);
    let held = follower.store.rental(rental.0).await.unwrap().unwrap();
    assert_eq!((held.deposit, held.rate, held.node), (57_000, 1_000, market::NODE.0));
    assert!(held.stop.is_some() && held.refunded > 0 && held.refunded < 57_000);
    let payments: Vec<_> = follower
        .facts()
        .await
        .into_iter()
        .filter_map(|fact| if let Fact::PaymentSeen(payment) = fact { Some(payment) } else { None })
        .collect();
    let kinds: Vec<_> = payments.iter().map(|payment| payment.kind()).collect();
    assert_eq!(kinds, [PaymentKind::Opened, PaymentKind::ToppedUp, PaymentKind::Refunded]);
    assert!(payments.iter().all(|payment| payment.node == market::NODE.as_slice()));

    // A restart, and one more look, change nothing.
    let before = follower.store.digest().await;
    follower.follow().await.unwrap();
    assert_eq!(follower.store.digest().await, before);
}

#[tokio::test]
async fn each_epochs_first_block_is_its_beacon() {
    let follower = Follower::start().await;
    follower.market.pass(12).await;
    follower.market.mine(4).await;
    follower.follow().await.unwrap();
    let mut beacons = 0;
    for fact in follower.facts().await {
        if let Fact::BeaconSeen(beacon) = fact {
            let block = beacon.block.unwrap();
            let first = follower.store.first_finalised_since(beacon.epoch * 5).await.unwrap().unwrap();
            assert_eq!((block.number, block.hash), (first.number, first.hash.to_vec()));
            beacons += 1;
        }
    }
    assert!(beacons >= 1);
}

#[tokio::test]
async fn a_reorganisation_takes_back_what_it_took_back_on_chain_and_nothing_counts_twice() {
    let follower = Follower::start().await;
    let market = &follower.market;
    market.bond(900).await;
    market.mine(4).await;
    follower.follow().await.unwrap();
    let size = follower.store.log_head().await.unwrap().0;

    let rental = market.open(1, 50_000).await;
    follower.follow().await.unwrap();
    let held = follower.store.rental(rental.0).await.unwrap().unwrap();
    assert!(held.opened.number > follower.store.finalised().await.unwrap().unwrap().number);

    market.reorganise(1).await;
    follower.follow().await.unwrap();
    assert_eq!(follower.store.rental(rental.0).await.unwrap(), None, "it is in no block any more");
    assert_eq!(follower.store.log_head().await.unwrap().0, size, "it never entered the log");

    market.open(2, 50_000).await;
    market.mine(4).await;
    follower.follow().await.unwrap();
    let opened = follower.facts().await.into_iter().filter(|fact| matches!(fact, Fact::PaymentSeen(_))).count();
    assert_eq!((opened, follower.bonds().await), (1, vec!["900".to_owned()]));
}

#[tokio::test]
async fn a_chain_that_takes_back_final_blocks_is_not_followed() {
    let follower = Follower::start().await;
    let market = &follower.market;
    market.mine(6).await;
    follower.follow().await.unwrap();
    let before = follower.store.digest().await;
    market.reorganise(5).await;
    let error = follower.follow().await.unwrap_err();
    assert!(error.is_fatal(), "{error}");
    assert!(matches!(error, Error::FinalityBroken { .. }), "{error}");
    assert_eq!(follower.store.digest().await, before);
}

#[tokio::test]
async fn locked_stake_is_asked_of_the_contract() {
    let follower = Follower::start().await;
    let market = &follower.market;
    market.bond(900).await;
    market.thaw(800).await;
    // 100 are free: 500 are taken out of what thaws, of which 300 are left.
    market.lock(600).await;
    market.mine(4).await;
    follower.follow().await.unwrap();
    assert_eq!(follower.bonds().await, ["900", "100", "600"]);
}

#[tokio::test]
async fn a_chain_that_is_down_is_an_error_that_waiting_mends() {
    let follower = Follower::start().await;
    let market = &follower.market;
    let gone = Rpc::new(Market::provider("http://127.0.0.1:9"));
    let mut indexer = Indexer::new(gone, follower.store.clone(), market.deployment.clone(), 5);
    let error = indexer.step().await.unwrap_err();
    assert!(!error.is_fatal(), "{error}");
    follower.follow().await.unwrap();
}

/// A bare case from its filing to its end; all of it is indexed at once, and its end enters the log when it is final.
#[tokio::test]
async fn a_case_is_indexed_step_by_step_and_its_end_enters_the_log_once() {
    let follower = Follower::of(Market::judged(None).await).await;
    let market = &follower.market;
    market.bond(200_000_000).await;
    let rental = market.open(1, 50_000).await;
    market.pass(10).await;
    let id = market.file_bare(1, B256::repeat_byte(9)).await;
    follower.follow().await.unwrap();
    let held = follower.store.case(id.0).await.unwrap().unwrap();
    assert_eq!((held.filing.kind, held.filing.subject, held.filing.rental), (2, rental.0, rental.0));
    assert_eq!((held.filing.node, held.filing.filer), (market::NODE.0, market.fisher().into_array()));
    let filed = held.filed.block.timestamp;
    assert_eq!((held.filing.answer_until, held.filing.ruling_until), (filed + 5, filed + 20));
    assert_eq!(held.filing.frozen_until, filed + 100);
    assert!(held.steps.is_empty() && !held.filed.is_final);

    market.answer(id, B256::repeat_byte(8)).await;
    let cap = market.court().caseOf(id).call().await.unwrap().cap;
    assert_eq!(cap, held.filing.cap);
    market.court().rule(id, 1, cap, 100).send().await.unwrap().get_receipt().await.unwrap();
    market.pass(10).await;
    market.finalise(id, 1).await;
    follower.follow().await.unwrap();
    let case = follower.store.case(id.0).await.unwrap().unwrap();
    let events: Vec<_> = case.steps.iter().map(|(_, event)| event.clone()).collect();
    let [CaseEvent::Answered { statement, .. }, CaseEvent::Ruled { amount, levy_bps: 100, outcome: 1, .. }, end] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((*statement, *amount), ([8; 32], cap));
    assert_eq!(*end, CaseEvent::Finalised { outcome: 1, slashed: cap });
    let rulings = async || {
        let ruling = |fact| if let Fact::RulingSeen(ruling) = fact { Some(ruling) } else { None };
        follower.facts().await.into_iter().filter_map(ruling).collect::<Vec<_>>()
    };
    assert_eq!(rulings().await, [], "its end is not final yet");

    market.mine(4).await;
    follower.follow().await.unwrap();
    follower.follow().await.unwrap();
    let [ruling] = rulings().await.try_into().unwrap();
    assert_eq!((ruling.case_id, ruling.node), (id.to_vec(), market::NODE.to_vec()));
    // Half of what was taken, rounded down, is Rewards' own.
    assert_eq!((ruling.kind, ruling.outcome, ruling.to_rewards), (2, 1, (cap / 2).to_string()));
    assert!(follower.store.case(id.0).await.unwrap().unwrap().filed.is_final);
    let open = CaseFilter { open: true, ..CaseFilter::default() };
    assert_eq!(follower.store.cases(open, None, 10).await.unwrap().len(), 0);
    let of_node = CaseFilter { node: Some(market::NODE.0), ..CaseFilter::default() };
    assert_eq!(follower.store.cases(of_node, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_case_goes_with_the_block_that_was_replaced() {
    let follower = Follower::of(Market::judged(None).await).await;
    let market = &follower.market;
    market.bond(200_000_000).await;
    market.open(1, 50_000).await;
    market.pass(10).await;
    let id = market.file_bare(1, B256::repeat_byte(9)).await;
    follower.follow().await.unwrap();
    assert!(follower.store.case(id.0).await.unwrap().is_some());
    market.reorganise(1).await;
    follower.follow().await.unwrap();
    assert_eq!(follower.store.case(id.0).await.unwrap(), None);
}
