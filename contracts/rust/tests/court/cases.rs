//! Cases through the client on a real chain: each way to file that needs no operator, each way to end, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::court::{Case, Client, Error, Kind, Outcome, State, Turn, worth};
use gpux_contracts::{
    Bonds, Deployment, DevelopmentOptions, Judge, Rentals, Scores, TestToken, conviction_digest, deploy_development,
    merkle, publish_digest,
};
use gpux_proto::{evidence, signing};

const NODE: [u8; 32] = [0x11; 32];
const RATE: u64 = 1_000_000;
const SALT: [u8; 32] = [9; 32];
const PARAMETERS: B256 = B256::repeat_byte(0x77);
// Accounts by their number; 0 deploys.
const PROVIDER: usize = 1;
const FISHER: usize = 2;
const ANYBODY: usize = 3;
const OPERATOR: usize = 5;
const ARBITER: usize = 6;
const APPEALS: usize = 7;

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

struct Stage {
    anvil: Anvil,
    deployment: Deployment,
}

impl Stage {
    async fn set() -> Self {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR"));
        let anvil = Anvil::start(contracts, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
        let mut options = DevelopmentOptions::relaxed(signer(0).address(), signer(OPERATOR).address(), PARAMETERS);
        if let Judge::Court(court) = &mut options.court {
            (court.arbiter, court.appeal_court) = (signer(ARBITER).address(), signer(APPEALS).address());
        }
        let stage = Self { deployment: deploy_development(provider(&anvil, 0), &options).await.unwrap(), anvil };
        let fisher = stage.provider(FISHER);
        let token = TestToken::new(stage.deployment.token, &fisher);
        let tokens = U256::from(10_u64.pow(12));
        token.mint(signer(FISHER).address(), tokens).send().await.unwrap().get_receipt().await.unwrap();
        for spender in [stage.deployment.rentals, stage.deployment.bonds] {
            token.approve(spender, tokens).send().await.unwrap().get_receipt().await.unwrap();
        }
        let bonds = Bonds::new(stage.deployment.bonds, &fisher);
        bonds.deposit(signer(FISHER).address(), 1_000_000_000).send().await.unwrap().get_receipt().await.unwrap();
        stage
    }

    fn provider(&self, index: usize) -> DynProvider {
        provider(&self.anvil, index)
    }

    async fn client(&self, index: usize) -> Client {
        let rpc = self.anvil.endpoint().parse().unwrap();
        Client::connect(rpc, self.deployment.clone(), Some(signer(index))).await.unwrap()
    }

    fn terms(&self, nonce: u64) -> evidence::Terms {
        let offer = evidence::Offer {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            node: NODE.to_vec(),
            provider: signer(PROVIDER).address().to_vec(),
            descriptor_digest: vec![0x22; 32],
            rate: RATE.to_string(),
            capacity: 9,
            valid_until: (1 << 40) - 1,
        };
        let consumer = signer(FISHER).address();
        let note = signing::note(self.deployment.chain_id, self.deployment.court, consumer, SALT).to_vec();
        evidence::Terms { consumer: consumer.to_vec(), offer: Some(offer), note, nonce }
    }

    /// Opens a rental of an hour.
    async fn open(&self, nonce: u64) -> Rentals::Terms {
        let wire = self.terms(nonce);
        let digest = B256::from(signing::offer_digest(wire.offer.as_ref().unwrap()).unwrap());
        let signature: Bytes = signer(PROVIDER).sign_hash_sync(&digest).unwrap().as_bytes().into();
        let terms = Rentals::Terms::try_from(&wire).unwrap();
        let rentals = Rentals::new(self.deployment.rentals, self.provider(FISHER));
        let open = rentals.open(vec![terms.clone()], vec![u128::from(RATE) * 3_600], vec![signature]);
        open.send().await.unwrap().get_receipt().await.unwrap();
        terms
    }

    /// Publishes an epoch whose only leaf says that the node under-delivers.
    async fn convict(&self, epoch: u64) -> (Scores::Leaf, Vec<B256>) {
        let leaf = Scores::Leaf {
            epoch,
            node: NODE.into(),
            provider: signer(PROVIDER).address(),
            scoreLowBps: 1_000,
            scoreBps: 3_000,
            verdict: 2,
            probes: 12,
            certificates: B256::ZERO,
        };
        let tree = merkle::Tree::of_leaves([&leaf]).unwrap();
        let publication = Scores::Publish {
            epoch,
            root: tree.root(),
            rewardsRoot: B256::ZERO,
            dataHash: keccak256(epoch.to_be_bytes()),
            logSize: epoch,
            logRoot: B256::repeat_byte(3),
            parameters: PARAMETERS,
        };
        let digest = publish_digest(&publication, self.deployment.chain_id, self.deployment.scores);
        let signature: Bytes = signer(OPERATOR).sign_hash_sync(&digest).unwrap().as_bytes().into();
        let scores = Scores::new(self.deployment.scores, self.provider(OPERATOR));
        scores.publish(publication, vec![signature]).send().await.unwrap().get_receipt().await.unwrap();
        let proof = tree.proof(merkle::leaf_hash(&leaf)).unwrap();
        (leaf, proof)
    }

    async fn pass(&self, seconds: u64) {
        let provider = self.provider(0);
        let _: serde_json::Value =
            provider.raw_request("evm_increaseTime".into(), (U256::from(seconds),)).await.unwrap();
        let _: serde_json::Value = provider.raw_request("anvil_mine".into(), (U256::ONE,)).await.unwrap();
    }

    async fn now(&self) -> u64 {
        self.client(ANYBODY).await.now().await.unwrap()
    }

    /// What of the fisher's stake is free for a bond.
    async fn free_stake(&self) -> u128 {
        let bonds = Bonds::new(self.deployment.bonds, self.provider(0));
        let bond = bonds.bond(signer(FISHER).address()).call().await.unwrap();
        bond.amount - bond.thawing - bond.locked
    }

    async fn credit(&self, account: alloy::primitives::Address) -> u128 {
        Rentals::new(self.deployment.rentals, self.provider(0)).credit(account).call().await.unwrap()
    }
}

fn provider(anvil: &Anvil, index: usize) -> DynProvider {
    let wallet = EthereumWallet::from(signer(index));
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(10));
    provider.erased()
}

async fn turn(client: &Client, case: &Case) -> Turn {
    case.turn(client.now().await.unwrap(), &client.windows().await.unwrap())
}

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
