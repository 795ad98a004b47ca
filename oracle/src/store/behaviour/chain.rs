//! Blocks, rentals, bonds and payments.

use super::*;

pub(super) fn block(number: u64, fork: u8) -> BlockFacts {
    let hash = |number: u64, fork: u8| {
        let mut hash = [fork; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    };
    BlockFacts {
        block: BlockRef { number, hash: hash(number, fork), timestamp: 100 * number },
        parent: hash(number.saturating_sub(1), fork),
        opened: vec![],
        movements: vec![],
        bonds: vec![],
        cases: vec![],
        entries: vec![],
    }
}

pub(super) fn opened(log_index: u32, rental: u8, node: u8, consumer: u8, deposit: u128) -> RentalOpened {
    RentalOpened {
        log_index,
        transaction: digest(rental),
        rental: digest(rental),
        node: digest(node),
        provider: [node; 20],
        consumer: [consumer; 20],
        rate: 3,
        deposit,
        start: 1_000,
        note: digest(77),
    }
}

pub(super) fn moved(log_index: u32, rental: u8, kind: MovementKind, amount: u128) -> Movement {
    Movement { log_index, transaction: digest(100 + rental), rental: digest(rental), kind, amount }
}

fn bonded(log_index: u32, fisher: u8, amount: u128) -> BondChange {
    BondChange { log_index, fisher: [fisher; 20], amount }
}

pub(in super::super) async fn blocks_continue_each_other(store: &dyn Store) {
    assert_eq!((store.head().await.unwrap(), store.finalised().await.unwrap()), (None, None));
    store.apply_block(block(5, 1)).await.unwrap();
    store.apply_block(block(6, 1)).await.unwrap();
    let again = BlockFacts { bonds: vec![bonded(0, 1, 9)], ..block(6, 1) };
    store.apply_block(again).await.unwrap();
    assert_eq!(store.bond([1; 20]).await.unwrap(), 0);
    for other in [block(7, 2), block(6, 2), block(4, 1)] {
        let refused = store.apply_block(other).await;
        assert!(matches!(refused, Err(Error::Discontinuous { head: 6, .. })), "{refused:?}");
    }
    // Blocks between may be left out.
    store.apply_block(block(9, 1)).await.unwrap();
    assert_eq!(store.head().await.unwrap(), Some(block(9, 1).block));
    assert_eq!(store.block(5).await.unwrap(), Some(block(5, 1).block));
    assert_eq!(store.block(8).await.unwrap(), None);
}

pub(in super::super) async fn a_reorganisation_takes_its_facts_along(store: &dyn Store) {
    store.apply_block(BlockFacts { bonds: vec![bonded(0, 1, 50)], ..block(1, 1) }).await.unwrap();
    let lost = BlockFacts {
        opened: vec![opened(0, 1, 1, 1, 10)],
        movements: vec![moved(1, 1, MovementKind::ToppedUp, 5)],
        bonds: vec![bonded(2, 1, 75), bonded(3, 1, 80)],
        entries: vec![(2, b"lost".to_vec())],
        ..block(2, 1)
    };
    store.apply_block(lost.clone()).await.unwrap();
    assert_eq!(store.rental(digest(1)).await.unwrap().unwrap().deposit, 15);
    assert_eq!(store.bond([1; 20]).await.unwrap(), 80);
    assert_eq!(store.finalised_bond([1; 20]).await.unwrap(), 0);
    store.finalise(1).await.unwrap();
    assert_eq!(store.finalised_bond([1; 20]).await.unwrap(), 50);
    store.roll_back_to(1).await.unwrap();
    assert_eq!(store.head().await.unwrap(), Some(block(1, 1).block));
    assert_eq!(store.rental(digest(1)).await.unwrap(), None);
    assert_eq!(store.bond([1; 20]).await.unwrap(), 50);
    // The same rental may be in the block that replaces it.
    let kept = BlockFacts { entries: vec![(0, b"kept".to_vec())], block: block(2, 2).block, ..lost };
    store.apply_block(kept).await.unwrap();
    store.finalise(2).await.unwrap();
    assert_eq!(log_of(store).await, ["kept"]);
    assert_eq!(store.payments(digest(1)).await.unwrap().deposited, 15);
}

pub(in super::super) async fn final_blocks_enter_the_log_once_and_stay(store: &dyn Store) {
    for number in 1..=4 {
        let text = |index: u32| (index, format!("block {number} event {index}").into_bytes());
        let opened = vec![opened(0, number as u8, 1, (number % 2) as u8, 10)];
        // Written in any order, read in the chain's.
        store.apply_block(BlockFacts { entries: vec![text(7), text(2)], opened, ..block(number, 1) }).await.unwrap();
    }
    let first = store.finalise(2).await.unwrap();
    assert_eq!((first.first, first.size), (0, 4));
    assert_eq!(store.finalise(2).await.unwrap(), Appended { first: 4, ..first });
    assert_eq!(store.payments(digest(1)).await.unwrap().rentals, 2);
    store.finalise(3).await.unwrap();
    let expected: Vec<_> = (1..=3).flat_map(|n| [2, 7].map(|i| format!("block {n} event {i}"))).collect();
    assert_eq!(log_of(store).await, expected);
    let totals = store.payments(digest(1)).await.unwrap();
    assert_eq!((totals.rentals, totals.consumers, totals.deposited), (3, 2, 30));
    assert_eq!(store.finalised().await.unwrap(), Some(block(3, 1).block));
    let refused = store.roll_back_to(2).await;
    assert!(matches!(refused, Err(Error::Finalised { number: 2, finalised: 3 })), "{refused:?}");
    store.roll_back_to(3).await.unwrap();
    assert_eq!(store.first_finalised_since(101).await.unwrap(), Some(block(2, 1).block));
    assert_eq!(store.first_finalised_since(301).await.unwrap(), None);
}

pub(in super::super) async fn rentals_sum_their_movements(store: &dyn Store) {
    let huge = u128::from(u64::MAX) * 1_000;
    let facts = BlockFacts { opened: vec![opened(0, 1, 4, 9, huge), opened(1, 2, 4, 9, 1)], ..block(1, 1) };
    store.apply_block(facts).await.unwrap();
    let facts = BlockFacts {
        movements: vec![
            moved(0, 1, MovementKind::ToppedUp, 7),
            moved(1, 1, MovementKind::Refunded, 5),
            moved(2, 1, MovementKind::Collected, 3),
            moved(3, 1, MovementKind::Slashed, 2),
        ],
        ..block(2, 1)
    };
    store.apply_block(facts).await.unwrap();
    let rental = store.rental(digest(1)).await.unwrap().unwrap();
    assert_eq!((rental.node, rental.provider, rental.consumer), (digest(4), [4; 20], [9; 20]));
    assert_eq!((rental.deposit, rental.refunded, rental.collected, rental.slashed), (huge + 7, 5, 3, 2));
    assert_eq!((rental.start, rental.stop, rental.rate, rental.note), (1_000, Some(200), 3, digest(77)));
    assert_eq!(rental.opened, block(1, 1).block);
    assert_eq!(store.rental(digest(2)).await.unwrap().unwrap().stop, None);
    assert_eq!(store.payments(digest(4)).await.unwrap(), PaymentTotals::default());
    store.finalise(2).await.unwrap();
    let totals = store.payments(digest(4)).await.unwrap();
    assert_eq!((totals.rentals, totals.consumers, totals.deposited), (2, 1, huge + 8));
    assert_eq!((totals.refunded, totals.collected, totals.slashed), (5, 3, 2));
}

fn filed(log_index: u32, case: u8, node: u8) -> CaseFact {
    let filing = Filing {
        kind: 1,
        subject: digest(node),
        node: digest(node),
        provider: [node; 20],
        filer: [case; 20],
        rental: digest(0),
        evidence: digest(case),
        bond: 0,
        cap: u128::MAX,
        answer_until: 10,
        ruling_until: 20,
        frozen_until: 30,
    };
    step(log_index, case, CaseEvent::Filed(filing))
}

fn step(log_index: u32, case: u8, event: CaseEvent) -> CaseFact {
    CaseFact { log_index, case_id: digest(case), transaction: digest(99), event }
}

pub(in super::super) async fn cases_are_listed_newest_first_and_keep_every_step(store: &dyn Store) {
    let cases = vec![filed(0, 1, 7), filed(1, 2, 8)];
    store.apply_block(BlockFacts { cases, ..block(1, 1) }).await.unwrap();
    let events = [
        CaseEvent::Extended { by: [4; 20], cap: 9 },
        CaseEvent::Answered { by: [5; 20], statement: digest(6) },
        CaseEvent::Ruled { by: [7; 20], outcome: 1, amount: u128::MAX, levy_bps: 5_000, deadline: 40 },
        CaseEvent::Appealed { by: [5; 20], counter_bond: 3, deadline: 50 },
        CaseEvent::Escalated { deadline: 60 },
        CaseEvent::Withdrawn,
        CaseEvent::Finalised { outcome: 4, slashed: 0 },
    ];
    let steps = events.iter().zip(1..).map(|(event, index)| step(index, 1, event.clone())).collect::<Vec<_>>();
    let third = vec![filed(0, 3, 7)];
    store.apply_block(BlockFacts { cases: third.into_iter().chain(steps).collect(), ..block(2, 1) }).await.unwrap();
    store.finalise(1).await.unwrap();
    let held = store.case(digest(1)).await.unwrap().unwrap();
    assert_eq!(held.steps.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>(), events);
    assert!(held.filed.is_final && !held.steps[0].0.is_final);
    assert_eq!((held.filed.transaction, held.filing.cap), (digest(99), u128::MAX));
    let numbers = async |filter, before, limit| {
        let cases = store.cases(filter, before, limit).await.unwrap();
        cases.iter().map(|case| case.case_id[0]).collect::<Vec<_>>()
    };
    let all = CaseFilter::default();
    assert_eq!(numbers(all, None, 9).await, [3, 2, 1]);
    assert_eq!(numbers(all, None, 2).await, [3, 2]);
    assert_eq!(numbers(all, Some((1, 1)), 9).await, [1]);
    assert_eq!(numbers(CaseFilter { open: true, ..all }, None, 9).await, [3, 2]);
    assert_eq!(numbers(CaseFilter { node: Some(digest(7)), ..all }, None, 9).await, [3, 1]);
    assert_eq!(numbers(CaseFilter { provider: Some([8; 20]), ..all }, None, 9).await, [2]);
    assert_eq!(numbers(CaseFilter { filer: Some([1; 20]), open: true, ..all }, None, 9).await, [] as [u8; 0]);
    store.roll_back_to(1).await.unwrap();
    assert_eq!(numbers(CaseFilter { open: true, ..all }, None, 9).await, [2, 1], "steps go with their blocks");
}
