//! Deploys a development market: a test token that anyone may mint, and all contracts with short periods.
//!
//! It refuses every chain but 31337 and 1337, because the token is worth nothing and the deployer stays administrator.
//! A deployment for money is `network`'s, with a timelock, and never this function.

use std::time::Duration;

use alloy::primitives::{Address, B256, aliases::U40};
use alloy::providers::Provider;
use alloy::sol_types::SolCall;

use crate::bindings::{AccessManager, Bonds, Court, Rentals, Rewards, Scores, TestToken};
use crate::deployment::Deployment;

/// The AccessManager's role that pauses openings and filings and disables a root before it is active.
pub const GUARDIAN_ROLE: u64 = 1;

/// The chains on which money is worth nothing.
pub(crate) const DEVELOPMENT_CHAINS: [u64; 2] = [31_337, 1_337];

/// Why a development market could not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The chain may hold money.
    #[error("chain {0} is no development chain: 31337 or 1337 is needed")]
    NotADevelopmentChain(u64),
    /// A period does not fit into the contracts' 40 bits of seconds, or is no whole number of seconds.
    #[error("period {name} of {value:?} is not a whole number of seconds below 2^40")]
    Period {
        /// Which one.
        name: &'static str,
        /// As given.
        value: Duration,
    },
    /// A transaction was not sent or failed.
    #[error("cannot deploy {contract}: {source}")]
    Contract {
        /// Which contract.
        contract: &'static str,
        /// What the node said.
        source: Box<alloy::contract::Error>,
    },
    /// A transaction was not included.
    #[error("cannot set up roles: {0}")]
    Pending(#[from] alloy::providers::PendingTransactionError),
    /// A transaction was included and failed.
    #[error("cannot set up roles: transaction {0} reverted")]
    Reverted(B256),
    /// Another account's contract, or none, stands where Bonds and Rentals name Court: another program used the key.
    #[error(
        "Court stands at {found}, and Bonds and Rentals were told {expected}; use the key for nothing else meanwhile"
    )]
    Misplaced {
        /// What Bonds and Rentals name.
        expected: Address,
        /// Where it is.
        found: Address,
    },
    /// The node did not answer.
    #[error("cannot ask the chain: {0}")]
    Transport(#[from] alloy::transports::TransportError),
}

/// Who rules, what filing costs, and how long each step of a case may take.
#[derive(Debug, Clone)]
pub struct CourtOptions {
    /// Rules first.
    pub arbiter: Address,
    /// Hears appeals, and rules when the arbiter is silent.
    pub appeal_court: Address,
    /// Receives the public part of slashes, lost bonds and levies.
    pub treasury: Address,
    /// The least bond of a case, in token units.
    pub min_bond: u128,
    /// What a drawn or withdrawn case costs its filer, in token units.
    pub fee: u128,
    /// A proof case is filed until this long after its rental ended; at most the short hold.
    pub filing: Duration,
    /// The provider answers this long.
    pub answer: Duration,
    /// The arbiter rules this long after that.
    pub ruling: Duration,
    /// A ruling is appealed this long.
    pub appeal: Duration,
    /// The appeal court rules this long.
    pub appeal_ruling: Duration,
    /// What was held stays frozen this long after the last possible ruling.
    pub execution: Duration,
}

impl CourtOptions {
    /// One account in all roles, windows of seconds.
    pub fn relaxed(admin: Address) -> Self {
        let seconds = Duration::from_secs;
        Self {
            arbiter: admin,
            appeal_court: admin,
            treasury: admin,
            min_bond: 50_000_000,
            fee: 1_000_000,
            filing: seconds(30),
            answer: seconds(5),
            ruling: seconds(15),
            appeal: seconds(5),
            appeal_ruling: seconds(15),
            execution: seconds(60),
        }
    }

    fn windows(&self) -> Result<Court::Windows, DeployError> {
        Ok(Court::Windows {
            filing: seconds("filing", self.filing)?,
            answer: seconds("answer", self.answer)?,
            ruling: seconds("ruling", self.ruling)?,
            appeal: seconds("appeal", self.appeal)?,
            appealRuling: seconds("appeal_ruling", self.appeal_ruling)?,
            execution: seconds("execution", self.execution)?,
        })
    }

    fn rules(&self) -> Court::Rules {
        Court::Rules {
            arbiter: self.arbiter,
            appealCourt: self.appeal_court,
            treasury: self.treasury,
            minBond: self.min_bond,
            fee: self.fee,
        }
    }
}

/// Who freezes, slashes, levies and locks.
#[derive(Debug, Clone)]
pub enum Judge {
    /// The contract Court.
    Court(CourtOptions),
    /// An account, for tests of what Court alone may do.
    Account(Address),
}

impl Judge {
    /// The longest that a case can take: answer, ruling, appeal, its ruling and execution, one after the other.
    fn longest(&self) -> Duration {
        match self {
            Self::Court(court) => court.answer + court.ruling + court.appeal + court.appeal_ruling + court.execution,
            Self::Account(_) => Duration::from_secs(50 * 86_400),
        }
    }
}

/// What a development market is deployed with.
#[derive(Debug, Clone)]
pub struct DevelopmentOptions {
    /// Administrator of all roles: the provider's own signing account, which also deploys.
    pub admin: Address,
    /// Pauses, and disables roots.
    pub guardian: Address,
    /// Who judges.
    pub court: Judge,
    /// Who signs epochs.
    pub operators: Vec<Address>,
    /// How many of them must.
    pub threshold: u8,
    /// Digest of the scoring parameters in force.
    pub parameters: B256,
    /// Hold with an honest leaf.
    pub hold_honest: Duration,
    /// Hold without one.
    pub hold: Duration,
    /// How long a bond thaws.
    pub thaw: Duration,
    /// Length of an epoch; Scores refuses an epoch that has not ended by its block's time.
    pub epoch_length: Duration,
    /// Between publication and effect; at most an epoch.
    pub activation_delay: Duration,
}

impl DevelopmentOptions {
    /// One account in all roles, one operator, periods of seconds.
    pub fn relaxed(admin: Address, operator: Address, parameters: B256) -> Self {
        Self {
            admin,
            guardian: admin,
            court: Judge::Court(CourtOptions::relaxed(admin)),
            operators: vec![operator],
            threshold: 1,
            parameters,
            hold_honest: Duration::from_secs(30),
            hold: Duration::from_secs(120),
            thaw: Duration::from_secs(10),
            epoch_length: Duration::from_secs(5),
            activation_delay: Duration::ZERO,
        }
    }
}

/// How many transactions of the deployer come before Court's.
const BEFORE_COURT: u64 = 6;

/// Deploys token, AccessManager, Bonds, Scores, Rentals, Rewards and Court, and sets the roles. The provider must sign for
/// `options.admin`, and nobody else may meanwhile: Court's address follows from the deployer's transactions.
pub async fn deploy_development(
    provider: impl Provider + Clone,
    options: &DevelopmentOptions,
) -> Result<Deployment, DeployError> {
    let chain_id = provider.get_chain_id().await?;
    if !DEVELOPMENT_CHAINS.contains(&chain_id) {
        return Err(DeployError::NotADevelopmentChain(chain_id));
    }
    let periods = Rentals::Periods {
        holdHonest: seconds("hold_honest", options.hold_honest)?,
        hold: seconds("hold", options.hold)?,
        maxFreeze: seconds("max_freeze", options.court.longest())?,
        maxLevyTime: U40::from(90 * 86_400),
    };
    let thaw = seconds("thaw", options.thaw)?;
    let epoch_length = seconds("epoch_length", options.epoch_length)?;
    let activation_delay = seconds("activation_delay", options.activation_delay)?;
    let named = |contract| move |source| DeployError::Contract { contract, source: Box::new(source) };

    let block = provider.get_block_number().await? + 1;
    let court = match options.court {
        Judge::Court(_) => options.admin.create(provider.get_transaction_count(options.admin).await? + BEFORE_COURT),
        Judge::Account(account) => account,
    };
    let token = *TestToken::deploy(provider.clone()).await.map_err(named("TestToken"))?.address();
    let manager = AccessManager::deploy(provider.clone(), options.admin).await.map_err(named("AccessManager"))?;
    let authority = *manager.address();
    let bonds = *Bonds::deploy(provider.clone(), token, court, thaw).await.map_err(named("Bonds"))?.address();
    let (operators, threshold) = (options.operators.clone(), options.threshold);
    let parameters = options.parameters;
    let scores =
        Scores::deploy(provider.clone(), authority, epoch_length, activation_delay, operators, threshold, parameters);
    let scores = *scores.await.map_err(named("Scores"))?.address();
    let rentals = Rentals::deploy(provider.clone(), token, scores, authority, court, periods);
    let rentals = *rentals.await.map_err(named("Rentals"))?.address();
    let rewards = *Rewards::deploy(provider.clone(), rentals).await.map_err(named("Rewards"))?.address();
    if let Judge::Court(options) = &options.court {
        let parts = Court::Parts { rentals, bonds, rewards, authority };
        let deployed = Court::deploy(provider.clone(), parts, options.windows()?, options.rules());
        let found = *deployed.await.map_err(named("Court"))?.address();
        if found != court {
            return Err(DeployError::Misplaced { expected: court, found });
        }
    }
    let deployment = Deployment {
        chain_id,
        development: true,
        block,
        token,
        access_manager: authority,
        rentals,
        bonds,
        scores,
        court,
        rewards,
        epoch_length_seconds: options.epoch_length.as_secs(),
    };
    set_roles(&manager, &deployment, options.guardian).await?;
    Ok(deployment)
}

/// Gives the guardian's functions to his role; all others stay with the administrator.
async fn set_roles<P: Provider>(
    manager: &AccessManager::AccessManagerInstance<P>,
    deployment: &Deployment,
    guardian: Address,
) -> Result<(), DeployError> {
    let rentals =
        [Rentals::pauseOpeningCall::SELECTOR, Rentals::pauseFilingCall::SELECTOR, Rentals::resumeFilingCall::SELECTOR];
    let targets = [
        (deployment.scores, vec![Scores::disableCall::SELECTOR.into()]),
        (deployment.rentals, rentals.map(Into::into).to_vec()),
    ];
    let failed = |source| DeployError::Contract { contract: "roles", source: Box::new(source) };
    for (target, selectors) in targets {
        let call = manager.setTargetFunctionRole(target, selectors, GUARDIAN_ROLE);
        included(call.send().await.map_err(failed)?).await?;
    }
    included(manager.labelRole(GUARDIAN_ROLE, "GUARDIAN".to_owned()).send().await.map_err(failed)?).await?;
    included(manager.grantRole(GUARDIAN_ROLE, guardian, 0).send().await.map_err(failed)?).await
}

async fn included(
    pending: alloy::providers::PendingTransactionBuilder<alloy::network::Ethereum>,
) -> Result<(), DeployError> {
    let receipt = pending.get_receipt().await?;
    if receipt.status() { Ok(()) } else { Err(DeployError::Reverted(receipt.transaction_hash)) }
}

fn seconds(name: &'static str, value: Duration) -> Result<U40, DeployError> {
    if value.subsec_nanos() != 0 {
        return Err(DeployError::Period { name, value });
    }
    U40::try_from(value.as_secs()).map_err(|_| DeployError::Period { name, value })
}
