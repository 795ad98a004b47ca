//! Each lie is named by its epoch, its entry and what differs, and what is right before it is signed all the same.

use gpux_proto::{
    bytes::to_hex,
    evidence::{PaymentKind, PaymentSeen, log_entry::Fact},
};

use super::{
    cast::Cast,
    leader::Shown,
    stage::{FIRST, LAST, Script, Stage, block, bond, closed, fact, published, scores},
};
use crate::{
    audit::fixture::entry,
    countersign::{Refusal, Round},
    store::{Epoch, EpochChanges, EpochState},
};

/// What a leader alters in a publication, and what is said of it.
type Lie = (fn(&mut gpux_proto::oracle::Epoch, String), &'static str);

/// When the last epoch has ended on the chain.
const END: u64 = (LAST + 1) * 5;

/// What a co-operator says of a leader who tells this.
pub(super) async fn told(shown: Shown) -> Round {
    Stage::set(shown, END).await.round().await
}

/// What he says of an altered log, which is folded and published as it is; the entry that must be named is returned by
/// the change.
pub(super) async fn refused(change: impl FnOnce(&mut Script) -> usize, words: &str) -> Round {
    let mut script = Script::new();
    let entry = change(&mut script) as u64;
    let round = told(script.shown()).await;
    let refusal = round.refused.clone().unwrap_or_else(|| panic!("{words}: {round:?}"));
    assert!(refusal.what.contains(words), "{words}: {refusal}");
    assert_eq!(refusal.entry, entry, "{refusal}");
    let text = refusal.to_string();
    assert!(text.starts_with(&format!("epoch {} is not signed: entry {entry} ", refusal.epoch)), "{text}");
    round
}

fn is_bond(fact: &Fact) -> bool {
    matches!(fact, Fact::BondChanged(_))
}

/// The place of the folded report of an epoch.
pub(super) fn place(script: &Script, of: u64) -> usize {
    script.place(|fact| matches!(fact, Fact::ReportFolded(folded) if folded.epoch == of))
}

#[tokio::test]
async fn a_log_that_is_rewritten_is_noticed_and_remembered() {
    let script = Script::new();
    let stage = Stage::set(script.shown(), END).await;
    assert_eq!(stage.round().await.signed.len(), 4);
    // A finding about the fisher is turned: everything after it is folded and published as it then is.
    let mut other = script.shown();
    let at = other.entries.iter().position(|entry| matches!(fact(entry), Fact::AuditFolded(_))).unwrap();
    let Fact::AuditFolded(mut audit) = fact(&other.entries[at]) else { unreachable!() };
    audit.x_lower = 1;
    audit.x_upper = 1;
    other.entries[at] = entry(Fact::AuditFolded(audit));
    other.epochs = published(&other.entries);
    stage.leader.show(|shown| (shown.entries, shown.epochs) = (other.entries, other.epochs));
    let refusal = stage.round().await.refused.unwrap();
    assert!(refusal.what.starts_with("the leader rewrote its log: it has "), "{refusal}");
    assert_eq!(refusal.entry, at as u64);
    // Taking it back does not undo it.
    let honest = script.shown();
    stage.leader.show(|shown| (shown.entries, shown.epochs) = (honest.entries, honest.epochs));
    let again = stage.round().await;
    assert_eq!((again.refused.map(|refusal| refusal.what), again.signed.len()), (Some(refusal.what), 0));
}

#[tokio::test]
async fn a_log_that_is_shorter_or_parts_later_is_rewritten_too() {
    let script = Script::new();
    let size = script.facts.len();
    let stage = Stage::set(script.shown(), END).await;
    stage.round().await;
    stage.leader.show(|shown| shown.entries.truncate(size - 1));
    let refusal = stage.round().await.refused.unwrap();
    assert!(refusal.what.contains(&format!("it has {} entries", size - 1)), "{refusal}");
    assert_eq!(refusal.entry, size as u64 - 1);

    let stage = Stage::set(script.shown(), END).await;
    stage.round().await;
    stage.leader.show(|shown| {
        shown.entries[2] = entry(closed(1));
        shown.entries.push(entry(closed(LAST + 1)));
    });
    let refusal = stage.round().await.refused.unwrap();
    assert_eq!(refusal.entry, 2, "{refusal}");
}

#[tokio::test]
async fn a_log_that_is_said_to_be_longer_or_larger_than_it_is_is_waited_for() {
    let script = Script::new();
    let waits = async |shown| {
        let round = told(shown).await;
        assert_eq!(round.refused, None);
        round.waits.unwrap()
    };
    let longer = waits(Shown { size: Some(u64::MAX), ..script.shown() }).await;
    assert!(longer.contains("and shows"), "{longer}");
    let mut larger = script.shown();
    larger.entries[3] = vec![0; (1 << 20) + 1];
    let larger = waits(larger).await;
    assert!(larger.contains("entry 3 has 1048577 bytes"), "{larger}");
}

#[tokio::test]
async fn publications_that_the_log_does_not_give_are_refused() {
    let wrong = || to_hex(&[7; 32]);
    let cases: [Lie; 8] = [
        (|epoch, root| epoch.log_root = root, "entries of root 0x0707"),
        (|epoch, _| epoch.log_size += 1, "it is published over"),
        (|epoch, root| epoch.root = root, "its scores are not"),
        (|epoch, root| epoch.data_hash = root, "its scores are not"),
        (|epoch, root| epoch.rewards_root = root, "the rewards are not"),
        (|epoch, root| epoch.parameters = root, "was published with parameters 0x0707"),
        (|epoch, _| epoch.root = "0x12".into(), "its publication: root is not 0x"),
        (|epoch, _| epoch.log_root.clear(), "its publication: log_root is not 0x"),
    ];
    for (change, words) in cases {
        let script = Script::new();
        let mut shown = script.shown();
        change(&mut shown.epochs[1], wrong());
        let size = script.place(|fact| *fact == closed(FIRST + 1)) as u64;
        let round = told(shown).await;
        let refusal = round.refused.unwrap();
        assert!(refusal.what.contains(words), "{words}: {refusal}");
        assert_eq!((refusal.epoch, refusal.entry), (FIRST + 1, size), "{refusal}");
        assert_eq!(round.signed, [FIRST, FIRST + 2, LAST], "{words}");
    }
}

#[tokio::test]
async fn facts_that_are_not_the_chains_are_refused() {
    let stranger = Cast::owner(0).address();
    refused(
        |script| {
            let at = script.place(is_bond);
            script.facts[at] = bond(script.cast.fisher.address(), 1 << 60, 0);
            at
        },
        "it says a bond of 1152921504606846976 of 0x",
    )
    .await;
    refused(
        |script| {
            let at = script.place(is_bond);
            script.facts.swap(at, at + 1);
            at
        },
        "the chain has a bond of",
    )
    .await;
    // Left out: the next one of the chain is in its place.
    refused(
        |script| {
            let at = script.place(is_bond);
            script.facts.remove(at + 2);
            script.facts.iter().skip(at + 2).position(is_bond).map_or(at + 2, |next| at + 2 + next)
        },
        "the chain has a bond of",
    )
    .await;
    let payment = PaymentSeen {
        block: Some(block(46)),
        log_index: 9,
        rental: vec![1; 32],
        node: vec![2; 32],
        kind: PaymentKind::Opened.into(),
        amount: "77".into(),
    };
    refused(
        |script| {
            script.facts.insert(0, Fact::PaymentSeen(payment.clone()));
            0
        },
        "it says that 77 of rental 0x0101",
    )
    .await;
    let invented = refused(
        |script| {
            let at = script.place(|fact| *fact == closed(FIRST + 1));
            script.facts.insert(at, bond(stranger, 5, 7));
            at
        },
        "the chain has block 65 as the beacon of epoch 13",
    )
    .await;
    assert_eq!((invented.signed, invented.refused.unwrap().epoch), (vec![FIRST], FIRST + 1));
}

#[tokio::test]
async fn an_epoch_that_closes_early_late_or_without_a_fact_is_refused() {
    refused(
        |script| {
            let at = script.place(|fact| *fact == closed(FIRST + 1));
            let Fact::EpochClosed(close) = &mut script.facts[at] else { unreachable!() };
            close.timestamp += 1;
            at
        },
        "it closes epoch 11 at 61, by the chain that is 60",
    )
    .await;
    // The beacon of the next epoch is the first thing after the end, and belongs before it.
    let round = refused(
        |script| {
            let at = script.place(|fact| *fact == closed(FIRST - 1));
            script.facts.swap(at, at - 1);
            at - 1
        },
        "it closes epoch 9 without block 50 as the beacon of epoch 10",
    )
    .await;
    assert!(round.signed.is_empty());
}

#[tokio::test]
async fn what_the_fold_refuses_is_refused_and_damaged_entries_are() {
    refused(
        |script| {
            let at = place(script, FIRST + 1);
            let Fact::ReportFolded(folded) = &mut script.facts[at] else { unreachable!() };
            folded.weight = 32;
            at
        },
        "is folded with weight 32/64, by the log before it is 64/64",
    )
    .await;
    let mut damaged = Script::new().shown();
    damaged.entries[7] = vec![0xff; 5];
    let refusal = told(damaged).await.refused.unwrap();
    assert_eq!(refusal.entry, 7);
    assert!(refusal.what.contains("cannot be decoded"), "{refusal}");
}

#[tokio::test]
async fn an_epoch_that_was_recorded_with_other_contents_is_never_signed() {
    let stage = Stage::set(Script::new().shown(), END).await;
    let mut countersigner = stage.start().await;
    let other = Epoch {
        epoch: FIRST,
        log_size: 0,
        log_root: [1; 32],
        root: [2; 32],
        rewards_root: [3; 32],
        parameters: [4; 32],
        data_hash: [5; 32],
        leaves: 6,
        state: EpochState::Confirmed,
        transaction: Vec::new(),
        signatures: Vec::new(),
    };
    countersigner.store.save_epoch(other, EpochChanges::default()).await.unwrap();
    countersigner.scores = scores(0);
    let Round { refused: Some(Refusal { what, epoch, .. }), signed, .. } = countersigner.round().await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!((what.as_str(), epoch), ("epoch 10 was recorded with other contents before", FIRST));
    assert!(signed.is_empty());
}
