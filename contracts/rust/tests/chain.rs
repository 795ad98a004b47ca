//! The contracts on a real chain, through the bindings: what Rust computes is what the chain computes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes, U256, aliases::U40, keccak256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::{
    Bonds, Court, DeployError, Deployment, DevelopmentOptions, Judge, Rentals, Rewards, Scores, TestToken,
    deploy_development, merkle, publish_digest,
};
use gpux_proto::{evidence, signing};

const RATE: u64 = 1_000;
const DEPOSIT: u128 = 3_600_000;
const PARAMETERS: B256 = B256::repeat_byte(0x77);

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

fn connect(anvil: &Anvil, index: usize) -> impl Provider + Clone + use<> {
    let wallet = EthereumWallet::from(signer(index));
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(10));
    provider
}

fn start(arguments: &[&str]) -> Anvil {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let options = Options { arguments, ..Options::default() };
    // A machine without the chain must fail here, and say `npm ci`.
    Anvil::start(Path::new(env!("CARGO_MANIFEST_DIR")), &options).unwrap_or_else(|error| panic!("{error}"))
}

fn options() -> DevelopmentOptions {
    let mut options = DevelopmentOptions::relaxed(signer(0).address(), signer(5).address(), PARAMETERS);
    options.court = Judge::Account(signer(9).address());
    options
}

async fn deploy(anvil: &Anvil) -> Deployment {
    deploy_development(connect(anvil, 0), &options()).await.unwrap()
}

fn terms(deployment: &Deployment, consumer: Address) -> evidence::Terms {
    let offer = evidence::Offer {
        chain_id: deployment.chain_id,
        rentals: deployment.rentals.to_vec(),
        node: vec![0x11; 32],
        provider: signer(1).address().to_vec(),
        descriptor_digest: vec![0x22; 32],
        rate: RATE.to_string(),
        capacity: 1,
        valid_until: (1 << 40) - 1,
    };
    let note = signing::note(deployment.chain_id, deployment.court, consumer, [9; 32]).to_vec();
    evidence::Terms { consumer: consumer.to_vec(), offer: Some(offer), note, nonce: 7 }
}

fn sign(index: usize, digest: B256) -> Bytes {
    signer(index).sign_hash_sync(&digest).unwrap().as_bytes().into()
}

fn publication(epoch: u64, root: B256) -> Scores::Publish {
    Scores::Publish {
        epoch,
        root,
        rewardsRoot: B256::ZERO,
        dataHash: keccak256(epoch.to_be_bytes()),
        logSize: epoch * 10,
        logRoot: B256::repeat_byte(3),
        parameters: PARAMETERS,
    }
}

fn leaf(epoch: u64, index: u64) -> Scores::Leaf {
    Scores::Leaf {
        epoch,
        node: keccak256(index.to_be_bytes()),
        provider: signer(1).address(),
        scoreLowBps: index as u16,
        scoreBps: 9_000,
        verdict: 1,
        probes: 12,
        certificates: B256::ZERO,
    }
}

#[tokio::test]
async fn a_rental_is_opened_stopped_and_paid_out() {
    let anvil = start(&[]);
    let deployment = deploy(&anvil).await;
    let consumer = signer(2).address();
    let provider = connect(&anvil, 2);
    let token = TestToken::new(deployment.token, &provider);
    let rentals = Rentals::new(deployment.rentals, &provider);
    token.mint(consumer, U256::from(DEPOSIT)).send().await.unwrap().get_receipt().await.unwrap();
    token.approve(deployment.rentals, U256::MAX).send().await.unwrap().get_receipt().await.unwrap();

    // What the wire's signing module computes is what the chain computes.
    let wire = terms(&deployment, consumer);
    let digest = B256::from(signing::offer_digest(wire.offer.as_ref().unwrap()).unwrap());
    let id = B256::from(signing::rental_id(&wire).unwrap());
    let terms = Rentals::Terms::try_from(&wire).unwrap();
    assert_eq!(rentals.offerDigest(terms.offer.clone()).call().await.unwrap(), digest);
    assert_eq!(rentals.rentalId(terms.clone()).call().await.unwrap(), id);

    let forged = rentals.open(vec![terms.clone()], vec![DEPOSIT], vec![sign(2, digest)]).call().await;
    let error = forged.unwrap_err().as_decoded_interface_error::<Rentals::RentalsErrors>().unwrap();
    assert!(matches!(error, Rentals::RentalsErrors::BadOfferSignature(_)), "{error:?}");

    let open = rentals.open(vec![terms.clone()], vec![DEPOSIT], vec![sign(1, digest)]);
    let receipt = open.send().await.unwrap().get_receipt().await.unwrap();
    let opened = receipt.decoded_log::<Rentals::Opened>().unwrap();
    assert_eq!((opened.rental, opened.node, &opened.terms), (id, terms.offer.node, &terms));
    assert_eq!(opened.deposit, DEPOSIT);

    let receipt = rentals.stop(vec![terms.clone()]).send().await.unwrap().get_receipt().await.unwrap();
    let stopped = receipt.decoded_log::<Rentals::Stopped>().unwrap();
    assert_eq!(stopped.refund + stopped.earned, DEPOSIT);
    let served = stopped.stop - opened.start;
    assert_eq!(u128::from(RATE) * served.to::<u128>(), stopped.earned);

    rentals.withdraw(consumer).send().await.unwrap().get_receipt().await.unwrap();
    assert_eq!(token.balanceOf(consumer).call().await.unwrap(), U256::from(stopped.refund));
    assert_eq!(token.balanceOf(deployment.rentals).call().await.unwrap(), U256::from(stopped.earned));
}

#[tokio::test]
async fn a_bond_is_paid_for_another_account() {
    let anvil = start(&[]);
    let deployment = deploy(&anvil).await;
    let provider = connect(&anvil, 3);
    let (payer, fisher) = (signer(3).address(), signer(4).address());
    let token = TestToken::new(deployment.token, &provider);
    token.mint(payer, U256::from(500)).send().await.unwrap().get_receipt().await.unwrap();
    token.approve(deployment.bonds, U256::from(500)).send().await.unwrap().get_receipt().await.unwrap();
    let bonds = Bonds::new(deployment.bonds, &provider);
    let receipt = bonds.deposit(fisher, 500).send().await.unwrap().get_receipt().await.unwrap();
    let deposited = receipt.decoded_log::<Bonds::Deposited>().unwrap();
    assert_eq!((deposited.fisher, deposited.from, deposited.newAmount), (fisher, payer, 500));
    assert_eq!(bonds.bond(fisher).call().await.unwrap().amount, 500);
}

/// Statement 18, with the tree that the oracle builds: every leaf of every size verifies, a changed one never.
#[tokio::test]
async fn scores_verifies_exactly_the_leaves_that_rust_proves() {
    let anvil = start(&[]);
    let deployment = deploy(&anvil).await;
    let provider = connect(&anvil, 6);
    let scores = Scores::new(deployment.scores, &provider);
    for size in 1..=65 {
        let leaves: Vec<_> = (0..size).map(|index| leaf(size, index)).collect();
        let tree = merkle::Tree::of_leaves(&leaves).unwrap();
        let publication = publication(size, tree.root());
        let digest = publish_digest(&publication, deployment.chain_id, deployment.scores);
        let publish = scores.publish(publication, vec![sign(5, digest)]);
        let receipt = publish.send().await.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status(), "size {size}");
        for leaf in &leaves {
            let proof = tree.proof(merkle::leaf_hash(leaf)).unwrap();
            assert!(scores.verify(leaf.clone(), proof).call().await.unwrap(), "size {size}");
        }
        let mut better = leaves[0].clone();
        let proof = tree.proof(merkle::leaf_hash(&better)).unwrap();
        assert_eq!(scores.leafHash(better.clone()).call().await.unwrap(), merkle::leaf_hash(&better));
        better.scoreBps += 1;
        assert!(!scores.verify(better, proof).call().await.unwrap(), "size {size}");
    }
    assert_eq!(scores.latestEpoch().call().await.unwrap(), 65);
}

/// The budget of DESIGN.md: 63,000 + 8,500 k gas, on a ring that is full, with a rewards root, everything cold.
#[tokio::test]
async fn publishing_stays_within_its_gas_budget() {
    let anvil = start(&[]);
    for count in [1_u8, 2, 5, 9] {
        let mut operators: Vec<usize> = (1..=usize::from(count)).collect();
        operators.sort_by_key(|index| signer(*index).address());
        let options = DevelopmentOptions {
            operators: operators.iter().map(|index| signer(*index).address()).collect(),
            threshold: count,
            ..options()
        };
        let deployment = deploy_development(connect(&anvil, 0), &options).await.unwrap();
        let scores = Scores::new(deployment.scores, connect(&anvil, 0));
        let mut used = 0;
        for epoch in 1..=4 {
            let mut publication = publication(epoch, keccak256(epoch.to_le_bytes()));
            publication.rewardsRoot = keccak256(publication.root);
            let digest = publish_digest(&publication, deployment.chain_id, deployment.scores);
            let signatures = operators.iter().map(|index| sign(*index, digest)).collect();
            let publish = scores.publish(publication, signatures);
            used = publish.send().await.unwrap().get_receipt().await.unwrap().gas_used;
        }
        let budget = 63_000 + 8_500 * u64::from(count);
        println!("publishing with {count} signatures: {used} gas of {budget}");
        assert!(used <= budget, "{used} gas with {count} signatures, budget {budget}");
    }
}

/// The whole market, as programs use it: Court is where Bonds and Rentals were told, and every part names the others.
#[tokio::test]
async fn a_market_has_a_court_and_rewards() {
    let anvil = start(&[]);
    let options = DevelopmentOptions::relaxed(signer(0).address(), signer(5).address(), PARAMETERS);
    let provider = connect(&anvil, 0);
    // The key was used before.
    TestToken::deploy(provider.clone()).await.unwrap();
    let deployment = deploy_development(provider.clone(), &options).await.unwrap();
    let court = Court::new(deployment.court, &provider);
    assert_eq!(court.RENTALS().call().await.unwrap(), deployment.rentals);
    assert_eq!(court.BONDS().call().await.unwrap(), deployment.bonds);
    assert_eq!(court.REWARDS().call().await.unwrap(), deployment.rewards);
    assert_eq!(court.SCORES().call().await.unwrap(), deployment.scores);
    assert_eq!(Rentals::new(deployment.rentals, &provider).COURT().call().await.unwrap(), deployment.court);
    assert_eq!(Bonds::new(deployment.bonds, &provider).COURT().call().await.unwrap(), deployment.court);
    assert_eq!(court.rulesVersion().call().await.unwrap(), 1);
    let longest = Rentals::new(deployment.rentals, &provider).MAX_FREEZE().call().await.unwrap();
    assert_eq!(longest, U40::from(5 + 15 + 5 + 15 + 60), "no freeze outlives the longest case");
    let rewards = Rewards::new(deployment.rewards, &provider);
    let leaf = rewards.leafHash(signer(3).address(), 1_000_000).call().await.unwrap();
    assert_eq!(leaf, merkle::reward_leaf_hash(signer(3).address(), 1_000_000));
}

#[tokio::test]
async fn a_foreign_chain_gets_no_development_market() {
    let anvil = start(&["--chain-id", "10"]);
    let error = deploy_development(connect(&anvil, 0), &options()).await.unwrap_err();
    assert!(matches!(error, DeployError::NotADevelopmentChain(10)), "{error}");
}

#[tokio::test]
async fn periods_that_the_contracts_cannot_hold_are_refused() {
    let anvil = start(&[]);
    let options = DevelopmentOptions { thaw: Duration::from_millis(1_500), ..options() };
    let error = deploy_development(connect(&anvil, 0), &options).await.unwrap_err();
    assert!(matches!(error, DeployError::Period { name: "thaw", .. }), "{error}");
}
