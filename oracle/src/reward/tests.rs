//! What work earns, what forfeits it, and who is paid for a conviction.

mod convictions;
mod log;

use alloy::primitives::{Address, B256, b256};
use gpux_contracts::merkle;
use gpux_proto::evidence::{Finding, ReportFolded, RulingSeen, log_entry::Fact};
use proptest::prelude::*;

use super::*;
use crate::{
    audit::fixture::{self, FISHER, OWNERS, audited, bonded, committed, owner, relay},
    score::{FisherId, Parameters},
};
use log::*;

#[test]
fn work_is_paid_the_same_whatever_it_says() {
    let mut log = Log::new();
    for x in [64, 20, 64] {
        log.session(FISHER, NODE, x);
    }
    assert_eq!(log.account(FISHER), Account::default(), "nothing is paid before the epoch closes");
    log.close();
    assert_eq!(log.account(FISHER), Account { earned: 3 * log.price(), ..Account::default() });
    log.close();
    assert_eq!(log.account(FISHER).earned, 3 * log.price(), "an epoch without work pays nothing");
}

#[test]
fn what_nobody_could_audit_or_assigned_is_not_paid() {
    let mut log = Log::new();
    let direct = log.commit(FISHER);
    log.enter(fixture::revealed(direct, FISHER, None, 10));
    let chosen = log.commit(FISHER);
    let Fact::ReportRevealed(mut revealed) = fixture::revealed(chosen, FISHER, Some(relay(0)), 10) else { panic!() };
    revealed.assigned = false;
    log.enter(Fact::ReportRevealed(revealed));
    // Nobody committed the last one.
    for report in [direct, chosen, [0x77; 32]] {
        log.sessions.push((fixture::folded(NODE, report, 64, 0, 10), 64));
    }
    log.close();
    assert_eq!(log.account(FISHER), Account::default());
}

#[test]
fn a_failure_that_stamps_refute_is_not_paid() {
    let mut log = Log::new();
    let report = log.commit(FISHER);
    log.enter(fixture::revealed(report, FISHER, Some(relay(0)), 10));
    let weight = log.folder.state().weight(&FisherId(FISHER)).in_64ths();
    let folded = ReportFolded {
        x_lower: 0,
        x_upper: 64,
        inconclusive: true,
        refuted: true,
        ..fixture::folded(NODE, report, 0, weight, 10)
    };
    log.sessions.push((folded, 64));
    log.close();
    assert_eq!(log.account(FISHER), Account::default());
}

#[test]
fn a_newcomer_is_paid_once_audits_agreed_with_him() {
    let mut log = Log::new();
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    log.session(NEWCOMER, NODE, 64);
    log.close();
    let price = log.price();
    assert_eq!(log.account(NEWCOMER), Account { pending: price, ..Account::default() });
    for number in 0..log.parameters.audits_min {
        log.enter(audited(NEWCOMER, owner(number as u8 % OWNERS), Finding::Agrees));
    }
    log.close();
    assert_eq!(log.account(NEWCOMER), Account { earned: price, ..Account::default() });
}

#[test]
fn a_liar_loses_what_is_pending_and_keeps_what_he_earned() {
    let mut log = Log::new();
    log.session(FISHER, NODE, 64);
    log.close();
    let price = log.price();
    // k of the owners are left out, so all of them have to contradict him.
    for number in 0..40 {
        for _ in 0..4 {
            log.enter(audited(FISHER, owner(number % OWNERS), Finding::Disagrees));
        }
        log.session(FISHER, NODE, 64);
        log.close();
        if log.folder.state().lies(&FisherId(FISHER)) {
            break;
        }
    }
    assert!(log.folder.state().lies(&FisherId(FISHER)));
    let before = log.account(FISHER);
    assert!(before.earned >= price && before.pending == 0 && before.forfeited >= price, "{before:?}");
    log.session(FISHER, NODE, 64);
    log.close();
    let after = log.account(FISHER);
    assert_eq!((after.earned, after.forfeited), (before.earned, before.forfeited + price));
}

#[test]
fn a_commit_that_is_not_revealed_in_time_costs_the_epoch() {
    let mut log = Log::of(Parameters { reveal_epochs: 2, ..parameters() });
    let price = log.price();
    // Somebody else's commit of the same report is his own affair.
    let (_, other) = (log.commit(FISHER), log.commit(NEWCOMER));
    log.enter(committed(other, FISHER));
    log.enter(fixture::revealed(other, FISHER, Some(relay(0)), 10));
    for earned in [1, 2] {
        log.session(FISHER, NODE, 64);
        log.close();
        assert_eq!(log.account(FISHER).earned, earned * price);
    }
    log.session(FISHER, NODE, 64);
    log.close();
    assert_eq!(log.account(FISHER), Account { earned: 2 * price, pending: 0, forfeited: price });
    // It is charged once.
    log.session(FISHER, NODE, 64);
    log.close();
    assert_eq!(log.account(FISHER).earned, 3 * price);
}

#[test]
fn who_takes_his_stake_back_earns_nothing() {
    let mut log = Log::new();
    log.session(FISHER, NODE, 64);
    log.enter(bonded(FISHER, log.parameters.min_bond - 1));
    log.close();
    let price = log.price();
    assert_eq!(log.account(FISHER), Account { earned: 0, pending: 0, forfeited: price });
}

#[test]
fn a_rate_far_above_all_others_is_paid_back_only_in_part() {
    let mut log = Log::new();
    for node in 2..5 {
        log.enter(offered(node, RATE));
    }
    log.enter(offered(5, u128::MAX));
    log.session(FISHER, [5; 32], 64);
    log.close();
    assert_eq!(log.account(FISHER).earned, log.parameters.report_fee + 4 * RATE * SECONDS);
    // The limit is that of the epoch in which the session is folded.
    log.enter(offered(1, 10 * RATE));
    log.enter(offered(2, 10 * RATE));
    log.enter(offered(3, 10 * RATE));
    log.session(FISHER, [5; 32], 64);
    let before = log.account(FISHER).earned;
    log.close();
    assert_eq!(log.account(FISHER).earned - before, log.parameters.report_fee + 40 * RATE * SECONDS);
    // Of a node without an offer only the fee is known.
    log.enter(fixture::announced([6; 32], PROVIDER));
    log.session(FISHER, [6; 32], 64);
    let before = log.account(FISHER).earned;
    log.close();
    assert_eq!(log.account(FISHER).earned - before, log.parameters.report_fee);
}

/// The table of docs/method/rewards.md.
#[test]
fn the_example_of_the_docs() {
    let mut log = Log::of(Parameters { reveal_epochs: 2, ..parameters() });
    for node in 2..5 {
        log.enter(offered(node, 60));
    }
    log.enter(offered(5, 1_000_000));
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    for x in [64, 20, 64] {
        log.session(FISHER, NODE, x);
    }
    log.session(NEWCOMER, NODE, 64);
    log.close();
    assert_eq!(log.account(FISHER), Account { earned: 302_340, ..Account::default() });
    assert_eq!(log.account(NEWCOMER), Account { pending: 100_780, ..Account::default() });
    for number in 0..2 {
        log.enter(audited(NEWCOMER, owner(number), Finding::Agrees));
    }
    log.commit(FISHER);
    log.close();
    assert_eq!(log.account(NEWCOMER), Account { earned: 100_780, ..Account::default() });
    log.session(FISHER, [5; 32], 64);
    log.close();
    assert_eq!(log.account(FISHER).earned, 302_340 + 103_120);
    log.session(FISHER, NODE, 64);
    log.close();
    assert_eq!(log.account(FISHER), Account { earned: 302_340 + 103_120, pending: 0, forfeited: 100_780 });
}

#[test]
fn rulings_that_cannot_be_read_or_come_twice_are_named() {
    let mut log = Log::new();
    assert_eq!(log.refused(ruling(1, NODE, 1, "-1")), Error::Amount("-1".into()));
    assert_eq!(log.refused(ruling(1, NODE, 1, "")), Error::Amount(String::new()));
    log.enter(ruling(1, NODE, 1, "0"));
    assert_eq!(log.refused(ruling(1, NODE, 1, "0")), Error::RuledTwice([1; 32]));
    let Fact::RulingSeen(seen) = ruling(2, NODE, 1, "0") else { panic!() };
    let short = Fact::RulingSeen(RulingSeen { node: vec![1; 31], ..seen });
    assert!(matches!(log.refused(short), Error::Unreadable(_)));
}

proptest! {
    /// Whatever fishers do, what one has earned never falls, and every unit of work stands in exactly one column.
    #[test]
    fn nothing_is_paid_twice_and_nothing_earned_is_lost(steps in prop::collection::vec((0_u8..6, 0_u8..2), 1..60)) {
        let mut log = Log::of(Parameters { reveal_epochs: 1, ..parameters() });
        let fishers = [FISHER, NEWCOMER];
        log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
        let mut sessions = [0; 2];
        let mut before = [Account::default(); 2];
        for (step, who) in steps.into_iter().chain([(5, 0)]) {
            let fisher = fishers[usize::from(who)];
            match step {
                0 | 1 => {
                    log.session(fisher, NODE, 64);
                    sessions[usize::from(who)] += 1;
                }
                2 => log.enter(audited(fisher, owner(who), Finding::Disagrees)),
                3 => log.enter(audited(fisher, owner(who), Finding::Agrees)),
                4 => { log.commit(fisher); }
                _ => {
                    log.close();
                    for ((fisher, before), sessions) in fishers.iter().zip(&mut before).zip(sessions) {
                        let after = log.account(*fisher);
                        prop_assert!(after.earned >= before.earned && after.forfeited >= before.forfeited);
                        prop_assert_eq!(after.earned + after.pending + after.forfeited, sessions * log.price());
                        *before = after;
                    }
                }
            }
        }
    }
}

#[test]
fn the_file_has_one_form_and_its_tree_is_that_of_the_contract() {
    let fisher = Address::repeat_byte;
    let file = RewardFile::of([(fisher(2), 7), (fisher(1), 1_000_000), (fisher(3), 0)]);
    let text = String::from_utf8(file.bytes()).unwrap();
    let expected = format!("fisher,cumulative\n0x{},1000000\n0x{},7\n", "01".repeat(20), "02".repeat(20));
    assert_eq!(text, expected);
    assert_eq!(RewardFile::read(text.as_bytes()).unwrap(), file);
    assert_eq!((file.len(), file.cumulative(&fisher(2)), file.cumulative(&fisher(3))), (2, Some(7), None));
    let lines: Vec<_> = text.lines().collect();
    for other in [
        text.replace(",7", ",07"),
        text.replace(",7", ",0"),
        text.replace(",7", ",-7"),
        text.replace(",7", ",7,"),
        text.trim_end().to_owned(),
        lines[1..].join("\n"),
        format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]),
        format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1]),
    ] {
        assert!(matches!(RewardFile::read(other.as_bytes()), Err(FileError::Form { .. })), "{other}");
    }
    assert!(RewardFile::read(&[0xff]).is_err());
    // keccak256(keccak256(abi.encode(address, uint128))), computed by Foundry's cast.
    let leaf = merkle::reward_leaf_hash(fisher(1), 1_000_000);
    assert_eq!(leaf, b256!("0x79a22b0526ec0bb0e01c150a8cb2128e2a441330e6fdaa8d04fe23847ad69ee1"));
    let tree = file.tree().unwrap();
    assert!(merkle::verify(tree.root(), leaf, &tree.proof(leaf).unwrap()));
    assert_eq!(RewardFile::default().root(), B256::ZERO);
    assert_eq!(RewardFile::read(&RewardFile::default().bytes()).unwrap(), RewardFile::default());
}
