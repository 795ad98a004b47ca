//! What work earns, what forfeits it, and who is paid for a conviction.

use alloy::primitives::{Address, B256, b256};
use gpux_contracts::merkle;
use gpux_proto::evidence::{
    Description, Descriptor, Finding, NodeAnnounced, Offer, ReportFolded, RulingSeen, Signed, SignedOffer,
    log_entry::Fact,
};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::{
    audit::fixture::{self, FISHER, OWNERS, audit_of, audited, beacon, bonded, closed, committed, entry, owner, relay},
    publish::{FoldError, Folder},
    score::{FisherId, NodeId, Parameters, ReportId, Standing},
};

const NODE: [u8; 32] = [1; 32];
const PROVIDER: [u8; 20] = [0xaa; 20];
const RATE: u128 = 60;
/// A session of a CPU in a development market: 1.5 s of windows and a quarter of 43 s, in whole seconds.
const SECONDS: u128 = 13;
const NEWCOMER: [u8; 20] = [8; 20];

fn parameters() -> Parameters {
    Parameters { audit_share_bps: 0, ..Parameters::development() }
}

fn announced(node: [u8; 32], rate: u128) -> Fact {
    let descriptor = Descriptor { node: node.to_vec(), provider: PROVIDER.to_vec(), ..Descriptor::default() };
    let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
    let offer = Offer { rate: rate.to_string(), capacity: 1, valid_until: u64::MAX, ..Offer::default() };
    let offer = SignedOffer { offer: Some(offer), ..SignedOffer::default() };
    let description = Description { descriptor: Some(signed), offer: Some(offer), membership: None };
    Fact::NodeAnnounced(NodeAnnounced { description: Some(description) })
}

/// A claimed offer counts in the median, so the nodes that fill a market claim a CPU.
fn offered(node: u8, rate: u128) -> Fact {
    let host = gpux_proto::evidence::Host { threads: 1, fp64_flops: 1, ..Default::default() };
    let Fact::NodeAnnounced(mut announced) = announced([node; 32], rate) else { unreachable!() };
    let description = announced.description.as_mut().unwrap();
    let descriptor =
        Descriptor { node: vec![node; 32], provider: PROVIDER.to_vec(), host: Some(host), ..Descriptor::default() };
    description.descriptor = Some(Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] });
    Fact::NodeAnnounced(announced)
}

/// A log in which FISHER weighs in full from epoch 9 on, and epoch 10 is open.
struct Log {
    folder: Folder,
    parameters: Parameters,
    epoch: u64,
    reports: u8,
    /// What the open epoch folds when it closes, each with x by the stamps.
    sessions: Vec<(ReportFolded, u32)>,
}

impl Log {
    fn new() -> Self {
        Self::of(parameters())
    }

    fn of(parameters: Parameters) -> Self {
        let mut log =
            Self { folder: Folder::new(parameters.clone()), parameters, epoch: 9, reports: 0, sessions: Vec::new() };
        log.enter(offered(1, RATE));
        for fact in fixture::market(&log.parameters, FISHER, 9) {
            log.enter(fact);
        }
        log.epoch = 10;
        log
    }

    fn enter(&mut self, fact: Fact) {
        self.folder.apply(&entry(fact)).unwrap();
    }

    fn refused(&mut self, fact: Fact) -> Error {
        match self.folder.apply(&entry(fact)).unwrap_err() {
            FoldError::Reward { source, .. } => source,
            other => panic!("{other}"),
        }
    }

    /// A commit of the open epoch, and its report's id.
    fn commit(&mut self, fisher: [u8; 20]) -> [u8; 32] {
        self.reports += 1;
        let report = [self.reports; 32];
        self.enter(committed(report, fisher));
        report
    }

    /// A session of the open epoch that says x.
    fn session(&mut self, fisher: [u8; 20], node: [u8; 32], x: u32) {
        let report = self.commit(fisher);
        self.enter(fixture::revealed(report, fisher, Some(relay(0)), self.epoch));
        let weight = self.folder.state().weight(&FisherId(fisher)).in_64ths();
        self.sessions.push((fixture::folded(node, report, x, weight, self.epoch), x));
    }

    /// Makes the stamps of the last session say x.
    fn stamped(&mut self, x: u32) {
        self.sessions.last_mut().unwrap().1 = x;
    }

    /// Folds the epoch's sessions, each with the audit that is due, and closes it.
    fn close(&mut self) {
        self.enter(beacon(self.epoch + 1));
        for (folded, x) in std::mem::take(&mut self.sessions) {
            let report = ReportId(folded.report.clone().try_into().unwrap());
            let node = NodeId(folded.node.clone().try_into().unwrap());
            let terms = self.folder.terms(&report, &node, folded.refuted || folded.x_upper == 0).unwrap();
            self.enter(Fact::ReportFolded(folded.clone()));
            if let Some(owner) = terms.auditor {
                let stamped = ReportFolded { x_lower: x, x_upper: x, inconclusive: false, ..folded };
                self.enter(Fact::AuditFolded(audit_of(&stamped, owner.0)));
            }
        }
        self.enter(closed(self.epoch));
        self.epoch += 1;
    }

    fn account(&self, fisher: [u8; 20]) -> Account {
        self.folder.rewards().account(&FisherId(fisher)).unwrap_or_default()
    }

    /// What one session of a CPU is paid.
    fn price(&self) -> u128 {
        self.parameters.report_fee + RATE * SECONDS
    }
}

fn ruling(case: u8, node: [u8; 32], kind: u32, to_rewards: &str) -> Fact {
    Fact::RulingSeen(RulingSeen {
        case_id: vec![case; 32],
        node: node.to_vec(),
        outcome: 1,
        kind,
        to_rewards: to_rewards.into(),
        ..RulingSeen::default()
    })
}

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
fn only_weighed_accusations_of_an_accused_node_that_stamps_confirm_share() {
    let mut log = accused();
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    let price = log.price();
    log.enter(offered(2, RATE));
    // Before, everything that FISHER said of the suspect is spent.
    log.enter(ruling(1, NODE, 1, "0"));
    log.close();
    let before = log.account(FISHER).earned;
    // Without weight, against stamps, of a node that nobody suspects.
    log.session(NEWCOMER, NODE, 20);
    log.session(FISHER, NODE, 64);
    log.stamped(20);
    log.session(FISHER, NODE, 20);
    log.stamped(64);
    log.session(FISHER, [2; 32], 20);
    log.close();
    for (case, node) in [(2, NODE), (3, [2; 32])] {
        log.enter(ruling(case, node, 1, "1000"));
    }
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 3 * price);
    assert_eq!(log.account(NEWCOMER).pending, price);
}

/// A market in which audits have made a node a suspect, so that everything about it is audited.
fn accused() -> Log {
    let mut log = Log::of(Parameters { audit_share_bps: 10_000, contamination_level_bps: 5_000, ..parameters() });
    for number in 0..200_u32 {
        log.enter(audited(FISHER, owner(number as u8 % OWNERS), Finding::Agrees));
    }
    log.close();
    for _ in 0..8 {
        for _ in 0..4 {
            log.session(FISHER, NODE, 20);
        }
        log.close();
        if log.folder.state().standing(&NodeId(NODE)) != Some(Standing::Watched) {
            return log;
        }
    }
    panic!("the node is no suspect: {:?}", log.folder.state().standing(&NodeId(NODE)));
}

#[test]
fn a_conviction_pays_those_whose_audited_accusations_carried_it() {
    let mut log = accused();
    log.session(FISHER, NODE, 20);
    // He says that the node is honest, and shares in nothing.
    log.enter(bonded(NEWCOMER, log.parameters.full_weight_bond));
    log.session(NEWCOMER, NODE, 64);
    log.close();
    let before = log.account(FISHER).earned;
    for (case, kind) in [(1, 0), (2, 2)] {
        log.enter(ruling(case, NODE, kind, "1000"));
    }
    log.enter(ruling(3, [9; 32], 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before, "proofs, bare cases and other nodes pay him nothing");
    log.enter(ruling(4, NODE, 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 1_000);
    assert_eq!(log.account(NEWCOMER).earned + log.account(NEWCOMER).pending, log.price());
    log.enter(ruling(5, NODE, 1, "1000"));
    log.close();
    assert_eq!(log.account(FISHER).earned, before + 1_000, "accusations are spent with the case");
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
