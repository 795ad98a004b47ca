//! The contracts on a chain of their own, and what their users do there.

use std::path::Path;

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, U256, b256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_contracts::{
    Bonds, Court, Deployment, DevelopmentOptions, Judge, Rentals, TestToken,
    anvil::{Anvil, KEYS, Options},
    deploy_development,
};
use gpux_proto::{
    evidence::{Offer, Terms},
    signing,
};

use crate::score::Parameters;

pub(crate) const NODE: B256 = b256!("0101010101010101010101010101010101010101010101010101010101010101");

/// What opens the notes of rentals.
const SALT: [u8; 32] = [5; 32];

/// A chain with a development market. The first account is administrator, court, consumer and fisher.
pub(crate) struct Market {
    pub(crate) provider: DynProvider,
    pub(crate) deployment: Deployment,
    pub(crate) operator: PrivateKeySigner,
    /// The other two, in a market with three.
    pub(crate) others: [PrivateKeySigner; 2],
    admin: PrivateKeySigner,
    provider_key: PrivateKeySigner,
    anvil: Anvil,
}

impl Market {
    /// A market in which an account may do what Court may.
    pub(crate) async fn start() -> Self {
        Self::judged(Some(PrivateKeySigner::from_bytes(&KEYS[0]).unwrap().address())).await
    }

    /// A market with Court, or with an account in its place.
    pub(crate) async fn judged(account: Option<Address>) -> Self {
        Self::deployed(account, 1).await
    }

    /// A market of three operators, of whom two sign an epoch.
    pub(crate) async fn shared() -> Self {
        Self::deployed(Some(PrivateKeySigner::from_bytes(&KEYS[0]).unwrap().address()), 2).await
    }

    async fn deployed(account: Option<Address>, threshold: u8) -> Self {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
        let anvil = Anvil::start(&contracts, &Options::default()).unwrap();
        let [admin, operator, provider_key] =
            [0, 1, 2].map(|index: usize| PrivateKeySigner::from_bytes(&KEYS[index]).unwrap());
        let wallet = EthereumWallet::from(admin.clone());
        // A reorganisation takes nonces back, which a cache would not know.
        let provider = ProviderBuilder::new().with_simple_nonce_management().wallet(wallet);
        let provider = provider.connect_http(anvil.endpoint().parse().unwrap()).erased();
        let digest = B256::from(Parameters::development().digest());
        let mut options = DevelopmentOptions::relaxed(admin.address(), operator.address(), digest);
        if let Some(account) = account {
            options.court = Judge::Account(account);
        }
        let mut others = [5, 6].map(|index: usize| PrivateKeySigner::from_bytes(&KEYS[index]).unwrap());
        others.sort_by_key(PrivateKeySigner::address);
        if threshold > 1 {
            options.operators.extend(others.iter().map(PrivateKeySigner::address));
            options.threshold = threshold;
        }
        let deployment = deploy_development(provider.clone(), &options).await.unwrap();
        let token = TestToken::new(deployment.token, &provider);
        let all = U256::from(1_000_000_000_u64);
        token.mint(admin.address(), all).send().await.unwrap().get_receipt().await.unwrap();
        for spender in [deployment.bonds, deployment.rentals] {
            token.approve(spender, all).send().await.unwrap().get_receipt().await.unwrap();
        }
        Self { provider, deployment, operator, others, admin, provider_key, anvil }
    }

    /// A provider without keys.
    pub(crate) fn provider(endpoint: &str) -> DynProvider {
        ProviderBuilder::new().connect_http(endpoint.parse().unwrap()).erased()
    }

    /// Where the chain answers.
    pub(crate) fn endpoint(&self) -> String {
        self.anvil.endpoint()
    }

    pub(crate) fn fisher(&self) -> Address {
        self.admin.address()
    }

    pub(crate) async fn bond(&self, amount: u128) {
        let bonds = Bonds::new(self.deployment.bonds, &self.provider);
        bonds.deposit(self.fisher(), amount).send().await.unwrap().get_receipt().await.unwrap();
    }

    /// A bond in somebody's name.
    pub(crate) async fn bond_of(&self, account: Address, amount: u128) {
        let token = TestToken::new(self.deployment.token, &self.provider);
        token.mint(self.fisher(), U256::from(amount)).send().await.unwrap().get_receipt().await.unwrap();
        token.approve(self.deployment.bonds, U256::from(amount)).send().await.unwrap().get_receipt().await.unwrap();
        let bonds = Bonds::new(self.deployment.bonds, &self.provider);
        bonds.deposit(account, amount).send().await.unwrap().get_receipt().await.unwrap();
    }

    pub(crate) async fn thaw(&self, amount: u128) {
        let bonds = Bonds::new(self.deployment.bonds, &self.provider);
        bonds.thaw(amount).send().await.unwrap().get_receipt().await.unwrap();
    }

    pub(crate) async fn lock(&self, amount: u128) {
        let bonds = Bonds::new(self.deployment.bonds, &self.provider);
        bonds.lock(self.fisher(), amount).send().await.unwrap().get_receipt().await.unwrap();
    }

    pub(crate) fn court(&self) -> Court::CourtInstance<&DynProvider> {
        Court::new(self.deployment.court, &self.provider)
    }

    /// The same, by the provider of the node.
    pub(crate) async fn answer(&self, id: B256, statement: B256) {
        let wallet = EthereumWallet::from(self.provider_key.clone());
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(self.anvil.endpoint().parse().unwrap());
        let court = Court::new(self.deployment.court, &provider);
        court.answer(id, statement).send().await.unwrap().get_receipt().await.unwrap();
    }

    /// Files about the rental with this nonce, and returns the case.
    pub(crate) async fn file_bare(&self, nonce: u64, statement: B256) -> B256 {
        let terms = Court::Terms::from(Rentals::Terms::try_from(&self.terms(nonce)).unwrap());
        let court = self.court();
        let receipt = court.fileBare(terms, SALT.into(), statement).send().await.unwrap().get_receipt().await.unwrap();
        receipt.decoded_log::<Court::Filed>().unwrap().id
    }

    /// Ends a case about the rental with this nonce.
    pub(crate) async fn finalise(&self, id: B256, nonce: u64) {
        let terms = Court::Terms::from(Rentals::Terms::try_from(&self.terms(nonce)).unwrap());
        self.court().finalise(id, vec![terms]).send().await.unwrap().get_receipt().await.unwrap();
    }

    fn terms(&self, nonce: u64) -> Terms {
        let offer = Offer {
            chain_id: self.deployment.chain_id,
            rentals: self.deployment.rentals.to_vec(),
            node: NODE.to_vec(),
            provider: self.provider_key.address().to_vec(),
            descriptor_digest: vec![2; 32],
            rate: "1000".into(),
            capacity: 1,
            valid_until: 4_000_000_000,
        };
        let note = signing::note(self.deployment.chain_id, self.deployment.court, self.admin.address(), SALT).to_vec();
        Terms { consumer: self.admin.address().to_vec(), offer: Some(offer), note, nonce }
    }

    pub(crate) async fn open(&self, nonce: u64, deposit: u128) -> B256 {
        let terms = self.terms(nonce);
        let digest = signing::offer_digest(terms.offer.as_ref().unwrap()).unwrap();
        let signature = self.provider_key.sign_hash_sync(&digest.into()).unwrap().as_bytes().to_vec();
        let rentals = Rentals::new(self.deployment.rentals, &self.provider);
        let typed = Rentals::Terms::try_from(&terms).unwrap();
        let call = rentals.open(vec![typed], vec![deposit], vec![signature.into()]);
        call.send().await.unwrap().get_receipt().await.unwrap();
        signing::rental_id(&terms).unwrap().into()
    }

    pub(crate) async fn top_up(&self, rental: B256, amount: u128) {
        let rentals = Rentals::new(self.deployment.rentals, &self.provider);
        rentals.topUp(vec![rental], vec![amount]).send().await.unwrap().get_receipt().await.unwrap();
    }

    pub(crate) async fn stop(&self, nonce: u64) {
        self.pass(2).await;
        let rentals = Rentals::new(self.deployment.rentals, &self.provider);
        rentals
            .stop(vec![Rentals::Terms::try_from(&self.terms(nonce)).unwrap()])
            .send()
            .await
            .unwrap()
            .get_receipt()
            .await
            .unwrap();
    }

    /// Mines empty blocks.
    pub(crate) async fn mine(&self, blocks: u64) {
        let _: serde_json::Value = self.provider.raw_request("anvil_mine".into(), (U256::from(blocks),)).await.unwrap();
    }

    /// Lets the chain's time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        let _: serde_json::Value =
            self.provider.raw_request("evm_increaseTime".into(), (U256::from(seconds),)).await.unwrap();
        self.mine(1).await;
    }

    /// Replaces the newest blocks by empty ones.
    pub(crate) async fn reorganise(&self, depth: u64) {
        let none: [(); 0] = [];
        let _: serde_json::Value = self.provider.raw_request("anvil_reorg".into(), (depth, none)).await.unwrap();
    }

    /// Whether each transaction gets a block at once.
    pub(crate) async fn automine(&self, on: bool) {
        let _: serde_json::Value = self.provider.raw_request("evm_setAutomine".into(), (on,)).await.unwrap();
    }

    /// The time of the newest block.
    pub(crate) async fn time(&self) -> u64 {
        let latest = alloy::eips::BlockId::latest();
        self.provider.get_block(latest).await.unwrap().unwrap().header.timestamp
    }
}
