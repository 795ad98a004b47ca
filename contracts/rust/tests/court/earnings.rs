//! What a provider earned, with and without an honest leaf, and a levy with its end.

use std::collections::BTreeMap;

use alloy::primitives::Address;
use gpux_contracts::court::{Client, Earnings, Error, Leaves, Outcome};

use super::stage::*;

async fn earned(client: &Client, leaves: &Leaves) -> Earnings {
    client.earnings(signer(PROVIDER).address(), leaves).await.unwrap()
}

async fn honest(stage: &Stage) -> Leaves {
    let epoch = stage.now().await / 5 - 1;
    let (leaf, proof) = stage.publish(epoch, 1).await;
    BTreeMap::from([(NODE.into(), (leaf, proof))])
}

#[tokio::test]
async fn an_honest_leaf_shortens_the_hold_and_credit_is_paid_out() {
    let stage = Stage::set().await;
    for nonce in 1..=2 {
        stage.open(nonce).await;
    }
    stage.pass(60).await;
    let provider = stage.client(PROVIDER).await;
    assert_eq!(provider.rented_nodes(signer(PROVIDER).address()).await.unwrap(), [NODE]);
    assert_eq!(provider.rented_nodes(signer(ANYBODY).address()).await.unwrap(), [] as [[u8; 32]; 0]);
    // The long hold is 120 s, the short one 30 s; a second or two pass on their own.
    let long = earned(&provider, &Leaves::new()).await;
    assert_eq!((long.rentals.len(), long.collectable(), long.credit), (2, 0, 0));
    assert!(long.held() >= 2 * 60 * u128::from(RATE));
    let leaves = honest(&stage).await;
    let short = earned(&provider, &leaves).await;
    assert!(short.collectable() >= 2 * 30 * u128::from(RATE) && short.held() <= 2 * 30 * u128::from(RATE), "{short:?}");
    let (leaf, proof) = leaves.values().next().unwrap().clone();
    assert!(provider.is_active(&leaf, &proof).await.unwrap());
    let better = gpux_contracts::Scores::Leaf { scoreBps: leaf.scoreBps + 1, ..leaf };
    assert!(!provider.is_active(&better, &proof).await.unwrap());

    provider.collect(&short, &leaves).await.unwrap();
    let after = earned(&provider, &leaves).await;
    assert!(after.credit >= short.collectable(), "{after:?}");
    provider.withdraw_credit(signer(ANYBODY).address()).await.unwrap();
    assert_eq!(stage.balance(signer(ANYBODY).address()).await, after.credit);
    assert_eq!(earned(&provider, &leaves).await.credit, 0);
    let refused = provider.withdraw_credit(Address::ZERO).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
}

#[tokio::test]
async fn a_convicted_node_pays_its_levy_until_an_honest_leaf_lifts_it() {
    let stage = Stage::set().await;
    stage.open(1).await;
    stage.pass(60).await;
    let (leaf, proof) = stage.convict(stage.now().await / 5 - 1).await;
    let (anybody, arbiter, provider) =
        (stage.client(ANYBODY).await, stage.client(ARBITER).await, stage.client(PROVIDER).await);
    let id = anybody.file_statistical(leaf.clone(), proof.clone()).await.unwrap();
    stage.pass(6).await;
    let cap = anybody.case(id).await.unwrap().cap;
    arbiter.rule(id, Outcome::Upheld, cap, 2_000).await.unwrap();
    stage.pass(6).await;
    anybody.finalise(&anybody.case(id).await.unwrap()).await.unwrap();
    let convicting = anybody.lift_levy(leaf, proof).await.unwrap_err().to_string();
    assert!(convicting.contains("no active leaf that calls the node honest"), "{convicting}");

    // What it earns now is levied by a fifth, whoever collects.
    stage.pass(200).await;
    let owed = earned(&provider, &Leaves::new()).await;
    provider.collect(&owed, &Leaves::new()).await.unwrap();
    let (credit, levied) = (stage.credit(signer(PROVIDER).address()).await, stage.credit(stage.deployment.court).await);
    assert!(levied > 0 && levied.abs_diff(credit / 4) <= u128::from(RATE) * 20, "{levied} of {credit}");

    let leaves = honest(&stage).await;
    let (leaf, proof) = leaves.values().next().unwrap().clone();
    anybody.lift_levy(leaf.clone(), proof.clone()).await.unwrap();
    let twice = anybody.lift_levy(leaf, proof).await.unwrap_err().to_string();
    assert!(twice.contains("no levy that runs"), "{twice}");
    // What was earned under it pays nonetheless; what comes after is whole.
    stage.pass(200).await;
    let owed = earned(&provider, &Leaves::new()).await;
    provider.collect(&owed, &Leaves::new()).await.unwrap();
    let before = stage.credit(stage.deployment.court).await;
    stage.pass(200).await;
    let owed = earned(&provider, &Leaves::new()).await;
    assert!(owed.collectable() > 0);
    provider.collect(&owed, &Leaves::new()).await.unwrap();
    assert_eq!(stage.credit(stage.deployment.court).await, before, "no levy on what was earned after its end");
}
