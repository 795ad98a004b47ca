//! A development chain with the contracts deployed, and accounts with money that is worth nothing.
//!
//! While a market is set up every transaction is mined at once; [`Chain::run`] then lets blocks come once a second, as a
//! running chain's do. The deployer's key is anvil's published one; all others are made here and kept in the data folder.

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, ensure};
use gpux_contracts::{
    Bonds, Deployment, DevelopmentOptions, Judge, Rewards, TestToken,
    anvil::{self, Anvil},
    deploy_development, keys,
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// One token of six decimals.
pub const TOKEN: u128 = 1_000_000;
/// How often a local chain is asked for a receipt.
const POLL: Duration = Duration::from_millis(40);

/// A key with its file (0600) in the data folder.
#[derive(Debug, Clone)]
pub struct Account {
    /// The key.
    pub signer: PrivateKeySigner,
    /// Its file.
    pub file: PathBuf,
}

impl Account {
    /// Makes `<folder>/<name>.key`, or reads it.
    pub fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let file = folder.join(format!("{name}.key"));
        let signer = keys::wallet_or_create(&file).with_context(|| format!("cannot make {}", file.display()))?;
        Ok(Self { signer, file })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }
}

/// A running chain.
#[derive(Debug)]
pub struct Chain {
    anvil: Anvil,
    admin: DynProvider,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The file that says so.
    pub deployment_file: PathBuf,
}

impl Chain {
    /// Starts the chain and deploys; the operator signs epochs, which carry the digest `parameters`, and the arbiter rules.
    pub async fn start(
        folder: &Path,
        contracts: &Path,
        (operator, arbiter): (Address, Address),
        parameters: B256,
    ) -> anyhow::Result<Self> {
        let anvil = Anvil::start(contracts, &anvil::Options::default())?;
        let admin_key = PrivateKeySigner::from_bytes(&anvil::KEYS[0])?;
        let admin = provider(&anvil.endpoint(), admin_key.clone())?;
        let mut options = DevelopmentOptions::relaxed(admin_key.address(), operator, parameters);
        if let Judge::Court(court) = &mut options.court {
            court.arbiter = arbiter;
        }
        let deployment = deploy_development(admin.clone(), &options).await?;
        let deployment_file = deployment.write(folder)?;
        Ok(Self { anvil, admin, deployment, deployment_file })
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.anvil.endpoint()
    }

    /// Its process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.anvil.process_id()
    }

    /// A provider that reads, and signs for the deployer.
    #[must_use]
    pub fn admin(&self) -> &DynProvider {
        &self.admin
    }

    /// A provider that signs for an account.
    pub fn signed_by(&self, signer: &PrivateKeySigner) -> anyhow::Result<DynProvider> {
        provider(&self.endpoint(), signer.clone())
    }

    /// Gives an account ether for fees and test tokens.
    pub async fn fund(&self, account: Address, tokens: u128) -> anyhow::Result<()> {
        let ether = U256::from(100) * U256::from(10).pow(U256::from(18));
        let () = self.admin.raw_request("anvil_setBalance".into(), (account, ether)).await?;
        if tokens > 0 {
            let token = TestToken::new(self.deployment.token, self.admin.clone());
            let receipt = token.mint(account, U256::from(tokens)).send().await?.get_receipt().await?;
            ensure!(receipt.status(), "minting for {account} reverted");
        }
        Ok(())
    }

    /// Bonds tokens of a fisher, by his own key.
    pub async fn bond(&self, fisher: &PrivateKeySigner, tokens: u128) -> anyhow::Result<()> {
        let provider = self.signed_by(fisher)?;
        let token = TestToken::new(self.deployment.token, provider.clone());
        let approval = token.approve(self.deployment.bonds, U256::from(tokens)).send().await?.get_receipt().await?;
        ensure!(approval.status(), "the approval of {} reverted", fisher.address());
        let bonds = Bonds::new(self.deployment.bonds, provider);
        let receipt = bonds.deposit(fisher.address(), tokens).send().await?.get_receipt().await?;
        ensure!(receipt.status(), "the bond of {} reverted", fisher.address());
        Ok(())
    }

    /// What of an account's stake does not thaw.
    pub async fn stake(&self, account: Address) -> anyhow::Result<u128> {
        let bond = Bonds::new(self.deployment.bonds, self.admin.clone()).bond(account).call().await?;
        Ok(bond.amount.saturating_sub(bond.thawing))
    }

    /// The tokens of an account.
    pub async fn balance(&self, account: Address) -> anyhow::Result<u128> {
        Ok(TestToken::new(self.deployment.token, self.admin.clone()).balanceOf(account).call().await?.to())
    }

    /// Grants tokens to Rewards, as a treasury would.
    pub async fn grant(&self, tokens: u128) -> anyhow::Result<()> {
        let treasury = PrivateKeySigner::from_bytes(&anvil::KEYS[0])?;
        self.fund(treasury.address(), tokens).await?;
        let token = TestToken::new(self.deployment.token, self.admin.clone());
        let approval = token.approve(self.deployment.rewards, U256::from(tokens)).send().await?.get_receipt().await?;
        ensure!(approval.status(), "the approval of the grant reverted");
        let rewards = Rewards::new(self.deployment.rewards, self.admin.clone());
        let receipt = rewards.grant(tokens).send().await?.get_receipt().await?;
        ensure!(receipt.status(), "the grant reverted");
        Ok(())
    }

    /// From here on a block comes once a second, with or without transactions, so that blocks become final.
    pub async fn run(&self) -> anyhow::Result<()> {
        let _: serde_json::Value = self.admin.raw_request("evm_setAutomine".into(), [false]).await?;
        let _: serde_json::Value = self.admin.raw_request("evm_setIntervalMining".into(), [1]).await?;
        Ok(())
    }
}

fn provider(endpoint: &str, signer: PrivateKeySigner) -> anyhow::Result<DynProvider> {
    let wallet = EthereumWallet::from(signer);
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(endpoint.parse()?).erased();
    provider.client().set_poll_interval(POLL);
    Ok(provider)
}
