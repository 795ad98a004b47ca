//! Each way to file, each way to end, and what is refused.

use alloy::primitives::{B256, keccak256};
use alloy::signers::SignerSync;
use gpux_contracts::court::{Client, Error, Kind, Outcome, State, Turn, Watch, worth};
use gpux_contracts::{Deployment, conviction_digest};
use gpux_proto::signing;

use super::stage::*;

#[tokio::test]
async fn a_statistical_case_takes_what_the_node_holds_and_half_of_it_pays_those_who_found_out() {
    let stage = Stage::set().await;
    for nonce in 1..=3 {
        stage.open(nonce).await;
    }
    stage.pass(60).await;
    let epoch = stage.now().await / 5 - 1;
    let (leaf, proof) = stage.convict(epoch).await;
    let (anybody, arbiter) = (stage.client(ANYBODY).await, stage.client(ARBITER).await);
    let id = anybody.file_statistical(leaf.clone(), proof.clone()).await.unwrap();
    let case = anybody.case(id).await.unwrap();
    assert_eq!((case.kind, case.state, case.bond), (Kind::Statistical, State::Open, 0));
    assert!(case.cap >= 3 * 60 * u128::from(RATE), "{}", case.cap);
    assert_eq!(anybody.open_case(NODE.into()).await.unwrap(), Some(id));
    assert!(matches!(turn(&anybody, &case).await, Turn::Provider { .. }));
    let again = anybody.file_statistical(leaf, proof).await.unwrap_err();
    assert!(again.to_string().contains("filed before"), "{again}");
    // The provider is heard first.
    let early = arbiter.rule(id, Outcome::Upheld, case.cap, 100).await.unwrap_err();
    assert!(matches!(&early, Error::Refused(words) if words.contains("begins after")), "{early}");
    stage.client(PROVIDER).await.answer(id, keccak256("it is a 3090")).await.unwrap();
    let stranger = anybody.rule(id, Outcome::Upheld, case.cap, 100).await.unwrap_err();
    assert!(stranger.to_string().contains("no part in this step"), "{stranger}");
    let above = arbiter.rule(id, Outcome::Upheld, case.cap + 1, 0).await.unwrap_err();
    assert!(above.to_string().contains("above the cap"), "{above}");
    arbiter.rule(id, Outcome::Upheld, case.cap, 100).await.unwrap();
    let ruled = anybody.case(id).await.unwrap();
    assert!(matches!(turn(&anybody, &ruled).await, Turn::Parties { .. }));
    assert!(anybody.finalise(&ruled).await.unwrap_err().to_string().contains("begins after"));
    stage.pass(10).await;
    assert_eq!(turn(&anybody, &ruled).await, Turn::Anybody { expires: false });
    anybody.finalise(&ruled).await.unwrap();
    assert_eq!(anybody.case(id).await.unwrap().state, State::Final);
    assert_eq!(stage.credit(stage.deployment.rewards).await, case.cap / 2);
    assert_eq!(anybody.open_case(NODE.into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_proof_case_needs_the_operators_and_pays_who_filed_it() {
    let stage = Stage::set().await;
    stage.open(1).await;
    let own = stage.open(2).await;
    stage.pass(20).await;
    let fisher = stage.client(FISHER).await;
    let evidence = keccak256("bundle");
    let rental = B256::from(signing::rental_id(&stage.terms(2)).unwrap());
    let (chain, court) = (stage.deployment.chain_id, stage.deployment.court);
    let digest = conviction_digest(evidence, NODE.into(), rental, chain, court);
    let contract = gpux_contracts::Court::new(court, stage.provider(0));
    assert_eq!(contract.convictionDigest(evidence, NODE.into(), rental).call().await.unwrap(), digest);
    let signed = |index: usize, digest: B256| signer(index).sign_hash_sync(&digest).unwrap();
    for forged in [vec![], vec![signed(ANYBODY, digest)], vec![signed(OPERATOR, evidence)]] {
        let refused = fisher.file_proof(own.clone(), SALT.into(), evidence, forged).await.unwrap_err();
        assert!(refused.to_string().contains("signatures do not suffice"), "{refused}");
    }
    let operator = vec![signed(OPERATOR, digest), signed(OPERATOR, digest)];
    let id = fisher.file_proof(own, SALT.into(), evidence, operator).await.unwrap();
    let case = fisher.case(id).await.unwrap();
    assert_eq!((case.kind, case.bond), (Kind::Proof, 50_000_000));
    assert!(case.cap >= 40 * u128::from(RATE), "both rentals are in reach: {}", case.cap);
    stage.pass(6).await;
    stage.client(ARBITER).await.rule(id, Outcome::Upheld, case.cap, 0).await.unwrap();
    stage.pass(10).await;
    let before = stage.credit(signer(FISHER).address()).await;
    fisher.finalise(&fisher.case(id).await.unwrap()).await.unwrap();
    // Rounded down for each rental.
    let share = stage.credit(signer(FISHER).address()).await - before;
    assert!(share <= case.cap / 2 && share + 2 >= case.cap / 2, "{share} of {}", case.cap);
}

#[tokio::test]
async fn a_false_accusation_costs_its_bond_and_a_withdrawn_one_a_fee() {
    let stage = Stage::set().await;
    let terms = stage.open(1).await;
    stage.pass(10).await;
    let (fisher, arbiter) = (stage.client(FISHER).await, stage.client(ARBITER).await);
    let before = stage.free_stake().await;
    let copied = stage.client(ANYBODY).await.file_bare(terms.clone(), SALT.into(), keccak256("slow")).await;
    assert!(copied.unwrap_err().to_string().contains("did not rent"));
    let id = fisher.file_bare(terms.clone(), SALT.into(), keccak256("slow")).await.unwrap();
    let case = fisher.case(id).await.unwrap();
    assert_eq!((case.kind, case.bond), (Kind::Bare, 50_000_000));
    stage.client(PROVIDER).await.answer(id, keccak256("no")).await.unwrap();
    arbiter.rule(id, Outcome::Rejected, 0, 0).await.unwrap();
    stage.pass(10).await;
    fisher.finalise(&fisher.case(id).await.unwrap()).await.unwrap();
    let stake = stage.free_stake().await;
    assert_eq!(before - stake, 50_000_000);

    let id = fisher.file_bare(terms, SALT.into(), keccak256("slower")).await.unwrap();
    fisher.withdraw(id).await.unwrap();
    fisher.finalise(&fisher.case(id).await.unwrap()).await.unwrap();
    assert_eq!(fisher.case(id).await.unwrap().outcome, Outcome::Withdrawn);
    assert_eq!(stake - stage.free_stake().await, 1_000_000);
}

#[tokio::test]
async fn an_upheld_bare_case_takes_its_own_rental_and_an_appeal_is_heard() {
    let stage = Stage::set().await;
    let terms = stage.open(1).await;
    stage.pass(20).await;
    let (fisher, appeals) = (stage.client(FISHER).await, stage.client(APPEALS).await);
    let id = fisher.file_bare(terms, SALT.into(), keccak256("slow")).await.unwrap();
    let cap = fisher.case(id).await.unwrap().cap;
    stage.pass(6).await;
    stage.client(ARBITER).await.rule(id, Outcome::Drawn, 0, 0).await.unwrap();
    fisher.appeal(id).await.unwrap();
    let appealed = fisher.case(id).await.unwrap();
    assert!(matches!(turn(&fisher, &appealed).await, Turn::AppealCourt { .. }));
    appeals.rule(id, Outcome::Upheld, cap, 0).await.unwrap();
    let ruled = fisher.case(id).await.unwrap();
    assert_eq!(turn(&fisher, &ruled).await, Turn::Anybody { expires: false });
    stage.client(ANYBODY).await.finalise(&ruled).await.unwrap();
    assert_eq!(stage.credit(stage.deployment.rewards).await, cap / 2);
}

#[tokio::test]
async fn silence_escalates_and_then_expires_at_no_cost() {
    let stage = Stage::set().await;
    let terms = stage.open(1).await;
    stage.pass(10).await;
    let (fisher, anybody) = (stage.client(FISHER).await, stage.client(ANYBODY).await);
    let before = stage.free_stake().await;
    let id = fisher.file_bare(terms, SALT.into(), keccak256("slow")).await.unwrap();
    assert!(anybody.escalate(id).await.unwrap_err().to_string().contains("begins after"));
    stage.pass(21).await;
    let case = anybody.case(id).await.unwrap();
    assert!(matches!(turn(&anybody, &case).await, Turn::Escalate { .. }));
    anybody.escalate(id).await.unwrap();
    assert_eq!(anybody.case(id).await.unwrap().state, State::Appealed);
    stage.pass(20).await;
    let case = anybody.case(id).await.unwrap();
    assert_eq!(turn(&anybody, &case).await, Turn::Anybody { expires: true });
    anybody.finalise(&case).await.unwrap();
    assert_eq!(anybody.case(id).await.unwrap().outcome, Outcome::Expired);
    assert_eq!(stage.free_stake().await, before);
}

#[tokio::test]
async fn a_watch_tells_each_turn_once_and_only_to_whom_it_concerns() {
    let stage = Stage::set().await;
    let terms = stage.open(1).await;
    stage.pass(10).await;
    let (fisher, provider) = (stage.client(FISHER).await, stage.client(PROVIDER).await);
    let (mut own, mut other, mut all) =
        (Watch::of(signer(PROVIDER).address()), Watch::of(signer(ANYBODY).address()), Watch::default());
    assert_eq!(own.look(&provider).await.unwrap(), vec![]);
    let id = fisher.file_bare(terms, SALT.into(), keccak256("slow")).await.unwrap();
    for watch in [&mut own, &mut all] {
        let [seen] = watch.look(&provider).await.unwrap().try_into().unwrap();
        assert!(matches!(seen.turn, Turn::Provider { .. }) && seen.changed && seen.case.id == id, "{seen:?}");
        assert!(seen.told.contains("the provider has not answered"), "{}", seen.told);
        assert!(!watch.look(&provider).await.unwrap()[0].changed, "nothing happened since");
    }
    assert_eq!(other.look(&provider).await.unwrap(), vec![]);
    fisher.withdraw(id).await.unwrap();
    fisher.finalise(&fisher.case(id).await.unwrap()).await.unwrap();
    let [ended] = own.look(&provider).await.unwrap().try_into().unwrap();
    assert_eq!((ended.turn, ended.changed), (Turn::Nobody, true));
    assert_eq!(own.look(&provider).await.unwrap(), vec![], "what has ended is not looked at again");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let stage = Stage::set().await;
    let anybody = stage.client(ANYBODY).await;
    assert!(matches!(anybody.case(B256::repeat_byte(7)).await, Err(Error::Unknown(_))));
    assert_eq!(worth(&anybody.holdings(NODE.into()).await.unwrap()), 0);
    let (leaf, proof) = stage.convict(1).await;
    let nothing = anybody.file_statistical(leaf, proof).await.unwrap_err();
    assert!(matches!(nothing, Error::NothingHeld(_)), "{nothing}");
    let foreign = Deployment { chain_id: 10, ..stage.deployment.clone() };
    let rpc: alloy::transports::http::reqwest::Url = stage.anvil.endpoint().parse().unwrap();
    let foreign = Client::connect(rpc, foreign, None).await.unwrap_err();
    assert!(matches!(foreign, Error::ForeignChain { recorded: 10, served: 31_337 }), "{foreign}");
    let gone = Client::connect("http://127.0.0.1:9".parse().unwrap(), stage.deployment.clone(), None).await;
    assert!(matches!(gone, Err(Error::Rpc(_))));
}

/// One account in two programs: none counts on the number of its last transaction.
#[tokio::test]
async fn two_clients_of_one_account_do_not_stand_in_each_others_way() {
    let stage = Stage::set().await;
    let terms = stage.open(1).await;
    stage.pass(10).await;
    let (one, other) = (stage.client(FISHER).await, stage.client(FISHER).await);
    let id = one.file_bare(terms, SALT.into(), keccak256("slow")).await.unwrap();
    other.withdraw(id).await.unwrap();
    one.finalise(&one.case(id).await.unwrap()).await.unwrap();
    assert_eq!(other.case(id).await.unwrap().state, State::Final);
}
