//! The plan, and its transactions one after the other.
//!
//! Bonds and Rentals name Court before it exists, so every address follows from the deployer's account and the number of its
//! first transaction. That is written down before anything is sent; whatever happens then, the next run finds on chain what
//! stands and sends the rest. Its invariant: a contract is sent with its own number or not at all, so none is created twice.

use std::path::Path;
use std::time::Duration;

use alloy::consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718 as _;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::providers::Provider as _;
use alloy::rpc::types::state::{AccountOverride, StateOverride};
use alloy::signers::SignerSync as _;
use alloy::sol_types::SolValue as _;

use super::code::{Code, Part};
use super::cost::{Cost, ether, gwei};
use super::plan::{ADMIN_ROLE, Addresses, Step, digest, immutables, steps};
use super::progress::Progress;
use super::rpc::{Client, INCLUSION, answered};
use super::{Error, Fees, Network};
use crate::bindings::AccessManager;
use crate::deployment::Deployment;

/// How often a transaction that is known and not included is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// What a run has to say as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The step stands already.
    Stands(&'static str),
    /// The step is sent now.
    Sends(&'static str),
    /// It was sent, in this transaction.
    Sent(&'static str, B256),
    /// It is in a block, and as it must be.
    Done(&'static str),
}

/// One transaction of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The contract that it creates, or "roles".
    pub name: &'static str,
    /// What it creates, or whom it calls.
    pub address: Address,
    /// Its number among the deployer's.
    pub nonce: u64,
    /// What it will cost; nothing if it stands already.
    pub cost: Option<Cost>,
}

/// What a run would send.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The chain.
    pub chain_id: u64,
    /// Whose key pays.
    pub deployer: Address,
    /// What he has, in wei.
    pub balance: U256,
    /// The prices that costs rest on.
    pub fees: Fees,
    /// One after the other.
    pub steps: Vec<Planned>,
}

impl Plan {
    /// The price of all that is still to be sent, in wei.
    pub fn wei(&self) -> U256 {
        self.steps.iter().filter_map(|step| step.cost).map(|cost| cost.wei()).sum()
    }

    /// As a table for people.
    pub fn told(&self) -> String {
        let mut text = format!("chain {}, deployer {}\n\n", self.chain_id, self.deployer);
        text += "| transaction | address | gas | bytes | compressed | execution, ETH | data, ETH |\n";
        text += "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
        let (mut gas, mut execution, mut data) = (0, U256::ZERO, U256::ZERO);
        for step in &self.steps {
            let start = format!("| {} | {} |", step.name, step.address);
            match step.cost {
                None => text += &format!("{start} stands | | | | |\n"),
                Some(cost) => {
                    gas += cost.gas;
                    execution += cost.execution_wei;
                    data += cost.data_wei;
                    let (paid, posted) = (ether(cost.execution_wei), ether(cost.data_wei));
                    text +=
                        &format!("{start} {} | {} | {} | {paid} | {posted} |\n", cost.gas, cost.bytes, cost.compressed);
                }
            }
        }
        text += &format!("| all | | {gas} | | | {} | {} |\n\n", ether(execution), ether(data));
        let Fees { gas_price_wei, l1_base_fee_wei, base_fee_scalar, blob_base_fee_wei, blob_base_fee_scalar } =
            self.fees;
        text += &format!(
            "{} ETH in all, of {} that the deployer has, at {} gwei a unit of gas, an L1 base fee of {} gwei (scalar \
             {base_fee_scalar}) and an L1 blob base fee of {} gwei (scalar {blob_base_fee_scalar})\n",
            ether(self.wei()),
            ether(self.balance),
            gwei(gas_price_wei),
            gwei(l1_base_fee_wei),
            gwei(blob_base_fee_wei),
        );
        text
    }
}

/// What a deployment that has begun, or is to begin, rests on.
struct Begun {
    progress: Progress,
    at: Addresses,
    steps: Vec<Step>,
    /// Whether a run wrote it down.
    written: bool,
}

impl Client {
    /// What a run would send, with the addresses and the price of each transaction; nothing if the folder has a record of a
    /// deployment. Sends nothing.
    pub async fn plan(&self, folder: &Path) -> Result<Option<Plan>, Error> {
        if self.recorded(folder)?.is_some() {
            return Ok(None);
        }
        let begun = self.begun(folder).await?;
        let deployer = begun.progress.deployer;
        let mut planned = Vec::new();
        for (index, step) in begun.steps.iter().enumerate() {
            let nonce = begun.progress.first_nonce + index as u64;
            let address = match step.creates {
                Some(part) => begun.at.of(part),
                None => begun.at.of(Part::AccessManager),
            };
            let stands = match step.creates {
                Some(part) => self.stands(part, &begun.at).await?,
                None => self.has_roles(deployer, &begun.at).await?,
            };
            let cost = if stands { None } else { Some(self.cost(step, nonce, &begun).await?) };
            planned.push(Planned { name: step.name(), address, nonce, cost });
        }
        let balance = answered(self.provider.get_balance(deployer)).await?;
        let Network { chain_id, fees, .. } = self.network;
        Ok(Some(Plan { chain_id, deployer, balance, fees, steps: planned }))
    }

    /// Deploys what does not stand yet, and writes the record into the folder as `<chain id>.json`. A second run changes
    /// nothing, and one after an interruption goes on.
    pub async fn run(&self, folder: &Path, mut tell: impl FnMut(Event)) -> Result<Deployment, Error> {
        if let Some(deployment) = self.recorded(folder)? {
            tell(Event::Stands("deployment"));
            return Ok(deployment);
        }
        let begun = self.begun(folder).await?;
        if !begun.written {
            begun.progress.write(folder)?;
        }
        for (index, step) in begun.steps.iter().enumerate() {
            match step.creates {
                Some(part) => self.create(part, begun.progress.first_nonce + index as u64, &begun, &mut tell).await?,
                None => self.set_roles(step, &begun, &mut tell).await?,
            }
        }
        let deployment = self.record(&begun);
        deployment.write(folder)?;
        begun.progress.remove(folder)?;
        Ok(deployment)
    }

    /// The record of a deployment on this chain, if there is one.
    fn recorded(&self, folder: &Path) -> Result<Option<Deployment>, Error> {
        let path = folder.join(format!("{}.json", self.network.chain_id));
        if !path.exists() {
            return Ok(None);
        }
        let deployment = Deployment::read(&path)?;
        deployment.require_chain(self.network.chain_id)?;
        Ok(Some(deployment))
    }

    fn record(&self, begun: &Begun) -> Deployment {
        Deployment {
            chain_id: self.network.chain_id,
            development: false,
            block: begun.progress.block,
            token: self.network.token,
            access_manager: begun.at.of(Part::AccessManager),
            rentals: begun.at.of(Part::Rentals),
            bonds: begun.at.of(Part::Bonds),
            scores: begun.at.of(Part::Scores),
            court: begun.at.of(Part::Court),
            rewards: begun.at.of(Part::Rewards),
            epoch_length_seconds: self.network.periods.epoch_length,
        }
    }

    /// What a run left, or the beginning of a new one.
    async fn begun(&self, folder: &Path) -> Result<Begun, Error> {
        let deployer = self.account()?;
        // Giving up the deployer's role would leave nobody.
        if deployer == self.network.admin || deployer == self.network.guardian {
            return Err(Error::DeployerHasRole(deployer));
        }
        let left = Progress::read(folder, self.network.chain_id)?;
        let written = left.is_some();
        let mut progress = match left {
            Some(progress) if progress.deployer != deployer => {
                return Err(Error::ForeignProgress { begun: progress.deployer, given: deployer });
            }
            Some(progress) => progress,
            None => {
                let (included, known) = self.nonces(deployer).await?;
                if included != known {
                    return Err(Error::Waits(deployer));
                }
                let block = answered(self.provider.get_block_number()).await? + 1;
                Progress { chain_id: self.network.chain_id, deployer, first_nonce: included, block, plan: B256::ZERO }
            }
        };
        let at = Addresses::predicted(deployer, progress.first_nonce);
        let steps = steps(&self.network, deployer, &at);
        let plan = digest(&steps);
        if written && progress.plan != plan {
            return Err(Error::ChangedPlan(Progress::path(folder, self.network.chain_id)));
        }
        progress.plan = plan;
        Ok(Begun { progress, at, steps, written })
    }

    /// Whether the contract stands where it must, to the byte.
    pub(super) async fn stands(&self, part: Part, at: &Addresses) -> Result<bool, Error> {
        let found = self.code(at.of(part)).await?;
        if found.is_empty() {
            return Ok(false);
        }
        match Code::of(part).differences(&found, &immutables(&self.network, part, at)).is_empty() {
            true => Ok(true),
            false => Err(Error::Misplaced { part, address: at.of(part) }),
        }
    }

    async fn create(&self, part: Part, nonce: u64, begun: &Begun, tell: &mut impl FnMut(Event)) -> Result<(), Error> {
        let Begun { progress, at, steps, .. } = begun;
        // What an earlier run sent is waited for, and not sent again.
        if self.nonces(progress.deployer).await?.1 > nonce {
            self.wait_for(part.name(), progress.deployer, nonce).await?;
            if !self.stands(part, at).await? {
                return Err(Error::Misplaced { part, address: at.of(part) });
            }
            tell(Event::Stands(part.name()));
            return Ok(());
        }
        tell(Event::Sends(part.name()));
        let request = self.request(None, steps[part as usize].input.clone(), Some(nonce));
        self.send(part.name(), request, |hash| tell(Event::Sent(part.name(), hash))).await?;
        if !self.stands(part, at).await? {
            return Err(Error::Misplaced { part, address: at.of(part) });
        }
        tell(Event::Done(part.name()));
        Ok(())
    }

    /// Waits until the transaction of this number is in a block.
    async fn wait_for(&self, what: &'static str, deployer: Address, nonce: u64) -> Result<(), Error> {
        let included = async {
            while self.nonces(deployer).await?.0 <= nonce {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        tokio::time::timeout(INCLUSION, included).await.map_err(|_| Error::Pending { what })?
    }

    async fn set_roles(&self, step: &Step, begun: &Begun, tell: &mut impl FnMut(Event)) -> Result<(), Error> {
        let deployer = begun.progress.deployer;
        let (included, known) = self.nonces(deployer).await?;
        if known > included {
            self.wait_for(step.name(), deployer, known - 1).await?;
        }
        if self.has_roles(deployer, &begun.at).await? {
            tell(Event::Stands(step.name()));
            return Ok(());
        }
        tell(Event::Sends(step.name()));
        // Whatever its number: the roles do not depend on it.
        let request = self.request(step.to, step.input.clone(), None);
        self.send(step.name(), request, |hash| tell(Event::Sent(step.name(), hash))).await?;
        tell(Event::Done(step.name()));
        Ok(())
    }

    /// Whether the deployer has given his role up. He does so last in the transaction that sets all roles.
    async fn has_roles(&self, deployer: Address, at: &Addresses) -> Result<bool, Error> {
        if !self.stands(Part::AccessManager, at).await? {
            return Ok(false);
        }
        let manager = AccessManager::new(at.of(Part::AccessManager), &self.provider);
        Ok(!answered(manager.hasRole(ADMIN_ROLE, deployer).call()).await?.isMember)
    }

    /// What a step costs. What it needs and does not stand yet is laid under the estimate, since its code is known.
    async fn cost(&self, step: &Step, nonce: u64, begun: &Begun) -> Result<Cost, Error> {
        let deployer = begun.progress.deployer;
        let mut state = StateOverride::default();
        // A key without money can plan.
        let funded = AccountOverride { balance: Some(U256::MAX >> 1), nonce: Some(nonce), ..Default::default() };
        state.insert(deployer, funded);
        for part in Part::ALL.into_iter().filter(|part| step.creates.is_none_or(|created| *part < created)) {
            let address = begun.at.of(part);
            if self.stands(part, &begun.at).await? {
                continue;
            }
            let code = Code::of(part).expected(&immutables(&self.network, part, &begun.at));
            let mut laid = AccountOverride { code: Some(code), ..Default::default() };
            if part == Part::AccessManager {
                laid.state_diff = Some([(admin_slot(deployer), B256::with_last_byte(1))].into_iter().collect());
            }
            state.insert(address, laid);
        }
        let request = self.request(step.to, step.input.clone(), Some(nonce)).from(deployer);
        let gas = answered(self.provider.estimate_gas(request).overrides(state)).await?;
        Ok(Cost::of(&self.signed(step, nonce, gas)?, gas, &self.network.fees))
    }

    /// The transaction in the form in which it would be sent.
    fn signed(&self, step: &Step, nonce: u64, gas: u64) -> Result<Bytes, Error> {
        let key = self.key.as_ref().ok_or(Error::NoKey)?;
        let price = u128::from(self.network.fees.gas_price_wei);
        let transaction = TxEip1559 {
            chain_id: self.network.chain_id,
            nonce,
            gas_limit: gas,
            max_fee_per_gas: price * 2,
            max_priority_fee_per_gas: price,
            to: step.to.map_or(TxKind::Create, TxKind::Call),
            input: step.input.clone(),
            ..Default::default()
        };
        let signature = key.sign_hash_sync(&transaction.signature_hash()).map_err(|_| Error::NoKey)?;
        Ok(TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into())
    }
}

/// Where AccessManager keeps since when an account is administrator: `_roles[0].members[account]`, its second variable.
fn admin_slot(account: Address) -> B256 {
    let role = keccak256((U256::from(ADMIN_ROLE), U256::from(1)).abi_encode());
    keccak256((account, role).abi_encode())
}
