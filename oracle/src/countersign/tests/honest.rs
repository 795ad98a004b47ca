//! What is right is signed, once, and waited for where it must be.

use gpux_contracts::publish_digest;
use gpux_proto::{bytes::from_hex, signing::recover_ecdsa};

use super::stage::{FIRST, LAST, Script, Stage, deployment, operator, scores};
use crate::{publish::publication, store::EpochState};

/// When the last epoch has ended on the chain.
const END: u64 = (LAST + 1) * 5;

#[tokio::test]
async fn every_epoch_of_an_honest_log_is_signed_once() {
    let stage = Stage::set(Script::new().shown(), END).await;
    let mut countersigner = stage.start().await;
    let round = countersigner.round().await.unwrap();
    assert_eq!((round.refused, round.waits), (None, None));
    assert_eq!(round.signed, (FIRST..=LAST).collect::<Vec<_>>());
    let of = deployment();
    for (epoch, signature) in stage.leader.show(|shown| shown.taken.clone()) {
        let epoch = countersigner.store.epoch(epoch).await.unwrap().unwrap();
        let digest = publish_digest(&publication(&epoch), of.chain_id, of.scores);
        let signature: [u8; 65] = from_hex("signature", &signature).unwrap();
        assert_eq!(recover_ecdsa("epoch", &digest.0, &signature), Ok(operator().address()));
    }
    countersigner.scores = scores(0);
    let again = countersigner.round().await.unwrap();
    assert_eq!((again.signed.len(), again.refused, again.waits), (0, None, None));
    // What was checked is not asked for again after a restart.
    let asked = stage.leader.show(|shown| shown.asked);
    assert_eq!(asked as u64, LAST - FIRST + 1);
    drop(countersigner);
    let restarted = stage.round().await;
    assert_eq!((restarted.signed.len(), restarted.refused, restarted.waits), (0, None, None));
    assert_eq!(stage.leader.show(|shown| (shown.asked, shown.taken.len())), (asked, 4));
}

#[tokio::test]
async fn what_is_on_chain_needs_no_signature() {
    let stage = Stage::set(Script::new().shown(), END).await;
    let mut countersigner = stage.start().await;
    countersigner.scores = scores(FIRST + 1);
    assert_eq!(countersigner.round().await.unwrap().signed, [FIRST + 2, LAST]);
    let confirmed = countersigner.store.epoch(FIRST).await.unwrap().unwrap();
    assert_eq!(confirmed.state, EpochState::Confirmed);
}

#[tokio::test]
async fn an_own_chain_that_is_behind_is_waited_for() {
    let stage = Stage::set(Script::new().shown(), (FIRST + 2) * 5 - 1).await;
    let mut countersigner = stage.start().await;
    let round = countersigner.round().await.unwrap();
    assert_eq!((round.signed, round.refused), (vec![FIRST], None));
    let waits = round.waits.unwrap();
    assert!(waits.contains("the own chain is behind: fact 7 of it is not final yet"), "{waits}");
    stage.finalise((FIRST + 2) * 5, END).await;
    countersigner.scores = scores(FIRST);
    let round = countersigner.round().await.unwrap();
    assert_eq!((round.signed, round.refused, round.waits), (vec![FIRST + 1, FIRST + 2, LAST], None, None));
}

#[tokio::test]
async fn a_leader_who_says_nothing_yet_is_waited_for() {
    let mut shown = Script::new().shown();
    let last = shown.epochs.pop().unwrap();
    let stage = Stage::set(shown, END).await;
    let round = stage.round().await;
    assert_eq!((round.signed, round.refused), (vec![FIRST, FIRST + 1, FIRST + 2], None));
    assert!(round.waits.unwrap().contains("does not say yet what it publishes"));
    stage.leader.show(|shown| shown.epochs.push(last));
    assert_eq!(stage.round().await.signed, [LAST]);
}

#[tokio::test]
async fn a_signature_that_was_not_taken_is_sent_again_and_is_the_same() {
    let stage = Stage::set(Script::new().shown(), END).await;
    stage.leader.show(|shown| shown.is_deaf = true);
    let round = stage.round().await;
    assert_eq!((round.signed.len(), round.refused), (0, None));
    assert!(round.waits.unwrap().contains("the leader did not take it: away"));
    let countersigner = stage.start().await;
    let held = countersigner.store.countersignatures(FIRST).await.unwrap();
    assert_eq!(countersigner.store.epoch(FIRST).await.unwrap().unwrap().state, EpochState::Signed);
    drop(countersigner);
    stage.leader.show(|shown| shown.is_deaf = false);
    assert_eq!(stage.round().await.signed.len(), 4);
    let sent = stage.leader.show(|shown| shown.taken[0].clone());
    assert_eq!(sent, (FIRST, gpux_proto::bytes::to_hex(&held[0].signature)));
}

#[tokio::test]
async fn a_stranger_signs_nothing() {
    let stage = Stage::set(Script::new().shown(), END).await;
    let mut countersigner = stage.start().await;
    let answers = alloy::transports::mock::Asserter::new();
    for word in [0, 0, 2, 0] {
        let word = alloy::sol_types::SolValue::abi_encode(&alloy::primitives::U256::from(word));
        answers.push_success(&alloy::primitives::Bytes::from(word));
    }
    let provider = alloy::providers::ProviderBuilder::new().disable_recommended_fillers();
    let provider = alloy::providers::Provider::erased(provider.connect_mocked_client(answers));
    countersigner.scores = crate::publish::ScoresChain::new(provider, operator(), &deployment());
    let error = countersigner.round().await.unwrap_err();
    assert!(error.to_string().ends_with("is not an operator of Scores"), "{error}");
    assert!(stage.leader.show(|shown| shown.taken.is_empty()));
}
