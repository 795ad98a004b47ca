//! A chain with the contracts, and the accounts that act on it.

use std::path::Path;
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::court::{Case, Client, Turn};
use gpux_contracts::{
    Bonds, Deployment, DevelopmentOptions, Judge, Rentals, Scores, TestToken, deploy_development, merkle,
    publish_digest,
};
use gpux_proto::{evidence, signing};

pub(super) const NODE: [u8; 32] = [0x11; 32];
pub(super) const RATE: u64 = 1_000_000;
pub(super) const SALT: [u8; 32] = [9; 32];
pub(super) const PARAMETERS: B256 = B256::repeat_byte(0x77);
// Accounts by their number; 0 deploys.
pub(super) const PROVIDER: usize = 1;
pub(super) const FISHER: usize = 2;
pub(super) const ANYBODY: usize = 3;
pub(super) const OPERATOR: usize = 5;
pub(super) const ARBITER: usize = 6;
pub(super) const APPEALS: usize = 7;

pub(super) fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

pub(super) struct Stage {
    pub(super) anvil: Anvil,
    pub(super) deployment: Deployment,
}

impl Stage {
    pub(super) async fn set() -> Self {
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

    pub(super) fn provider(&self, index: usize) -> DynProvider {
        provider(&self.anvil, index)
    }

    pub(super) async fn client(&self, index: usize) -> Client {
        let rpc = self.anvil.endpoint().parse().unwrap();
        Client::connect(rpc, self.deployment.clone(), Some(signer(index))).await.unwrap()
    }

    pub(super) fn terms(&self, nonce: u64) -> evidence::Terms {
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
    pub(super) async fn open(&self, nonce: u64) -> Rentals::Terms {
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
    pub(super) async fn convict(&self, epoch: u64) -> (Scores::Leaf, Vec<B256>) {
        self.publish(epoch, 2).await
    }

    /// Publishes an epoch whose only leaf gives the node a verdict.
    pub(super) async fn publish(&self, epoch: u64, verdict: u8) -> (Scores::Leaf, Vec<B256>) {
        let leaf = Scores::Leaf {
            epoch,
            node: NODE.into(),
            provider: signer(PROVIDER).address(),
            scoreLowBps: 1_000,
            scoreBps: 3_000,
            verdict,
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

    pub(super) async fn pass(&self, seconds: u64) {
        let provider = self.provider(0);
        let _: serde_json::Value =
            provider.raw_request("evm_increaseTime".into(), (U256::from(seconds),)).await.unwrap();
        let _: serde_json::Value = provider.raw_request("anvil_mine".into(), (U256::ONE,)).await.unwrap();
    }

    pub(super) async fn now(&self) -> u64 {
        self.client(ANYBODY).await.now().await.unwrap()
    }

    /// What of the fisher's stake is free for a bond.
    pub(super) async fn free_stake(&self) -> u128 {
        let bonds = Bonds::new(self.deployment.bonds, self.provider(0));
        let bond = bonds.bond(signer(FISHER).address()).call().await.unwrap();
        bond.amount - bond.thawing - bond.locked
    }

    pub(super) async fn balance(&self, account: alloy::primitives::Address) -> u128 {
        TestToken::new(self.deployment.token, self.provider(0)).balanceOf(account).call().await.unwrap().to()
    }

    pub(super) async fn credit(&self, account: alloy::primitives::Address) -> u128 {
        Rentals::new(self.deployment.rentals, self.provider(0)).credit(account).call().await.unwrap()
    }
}

pub(super) fn provider(anvil: &Anvil, index: usize) -> DynProvider {
    let wallet = EthereumWallet::from(signer(index));
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(10));
    provider.erased()
}

pub(super) async fn turn(client: &Client, case: &Case) -> Turn {
    case.turn(client.now().await.unwrap(), &client.windows().await.unwrap())
}
