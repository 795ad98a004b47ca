//! The handover: grants of roles and one `setRules`, stage by stage, each sent by whoever may.
//!
//! Owns the order, which never leaves a moment without an administrator, and what has happened of it, which only the chain
//! says: so it is continued by anybody at any time. It moves no money and touches no case.

use std::fmt;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::Provider as _;
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue as _};

use super::Error;
use super::code::Part;
use super::plan::{ADMIN_ROLE, Addresses};
use super::rpc::{Client, answered};
use super::run::Event;
use super::stage::{Stage, TimelockRole};
use crate::bindings::{AccessManager, Court, TimelockController};
use crate::deployment::Deployment;

/// What the Governor's proposal is called; its digest is a part of the proposal's id.
const MOTION: &str = "GPUX: the Safe cancels no more";
/// What tells the operation of stage C from others of the timelock.
const SALT: &[u8] = b"gpux handover C";

sol! {
    /// What OpenZeppelin's Governor with a timelock can do, as far as it is needed here.
    #[sol(rpc)]
    interface IGovernor {
        function timelock() external view returns (address);
        function hashProposal(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash)
            external view returns (uint256);
        function state(uint256 proposal) external view returns (uint8);
        function proposalEta(uint256 proposal) external view returns (uint256);
        function propose(address[] targets, uint256[] values, bytes[] calldatas, string description)
            external returns (uint256);
        function castVote(uint256 proposal, uint8 support) external returns (uint256);
        function queue(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash)
            external payable returns (uint256);
        function execute(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash)
            external payable returns (uint256);
    }
}

/// Who can take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// This account.
    Account(Address),
    /// Whoever pays for it.
    Anybody,
    /// Whoever has enough votes to propose.
    Proposer,
    /// Everybody with votes, each for himself; no program votes for them.
    Voters,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "{account}"),
            Self::Anybody => f.write_str("anybody"),
            Self::Proposer => f.write_str("anybody with enough votes to propose"),
            Self::Voters => f.write_str("everybody with votes"),
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was taken.
    Done,
    /// It is next.
    Due,
    /// It is next, from this moment on, in seconds since 1970.
    From(u64),
    /// Others come first.
    Later,
}

/// A step of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub what: &'static str,
    /// Who can take it.
    pub by: By,
    /// Whom it calls.
    pub to: Address,
    /// With what.
    pub input: Bytes,
    /// Where it stands.
    pub turn: Turn,
}

/// A step before its place in the order is known.
struct Draft {
    action: Action,
    done: bool,
    /// When it can be taken, once it is next.
    from: u64,
}

impl Draft {
    fn new(what: &'static str, by: By, to: Address, call: &impl SolCall, done: bool) -> Self {
        let action = Action { what, by, to, input: call.abi_encode().into(), turn: Turn::Later };
        Self { action, done, from: 0 }
    }
}

/// What a batch of calls is made of, as timelock and Governor take it.
struct Batch {
    targets: Vec<Address>,
    values: Vec<U256>,
    calls: Vec<Bytes>,
}

impl Batch {
    fn of(target: Address, calls: Vec<Bytes>) -> Self {
        Self { targets: vec![target; calls.len()], values: vec![U256::ZERO; calls.len()], calls }
    }

    /// As `TimelockController.hashOperationBatch` has it, with no operation before it.
    fn operation(&self, salt: B256) -> B256 {
        keccak256((self.targets.clone(), self.values.clone(), self.calls.clone(), B256::ZERO, salt).abi_encode_params())
    }
}

impl Client {
    /// The steps of a stage, and where each stands.
    pub async fn handover(&self, deployment: &Deployment, stage: Stage) -> Result<Vec<Action>, Error> {
        let at = self.addresses(deployment).await?;
        // A foreign contract in the timelock's place would be handed everything.
        for part in [Part::AccessManager, Part::TimelockController, Part::Court] {
            if !self.stands(part, &at).await? {
                return Err(Error::Misplaced { part, address: at.of(part) });
            }
        }
        let drafts = match stage {
            Stage::A => vec![],
            Stage::B => self.to_timelock(&at).await?,
            Stage::C => self.to_governor(&at).await?,
            Stage::D => self.without_safe(&at).await?,
        };
        let latest = answered(self.provider.get_block(BlockId::latest())).await?;
        let now = latest.map_or(0, |block| block.header.timestamp);
        let mut next = true;
        let ordered = drafts.into_iter().map(|Draft { mut action, done, from }| {
            action.turn = match (done, next) {
                (true, _) => Turn::Done,
                (false, true) if from > now => Turn::From(from),
                (false, true) => Turn::Due,
                (false, false) => Turn::Later,
            };
            next &= done;
            action
        });
        Ok(ordered.collect())
    }

    /// Takes all steps of a stage that are due and that the key can take, and says which. Returns how it stands then.
    pub async fn hand_over(
        &self,
        deployment: &Deployment,
        stage: Stage,
        mut tell: impl FnMut(Event),
    ) -> Result<Vec<Action>, Error> {
        let account = self.account()?;
        loop {
            let actions = self.handover(deployment, stage).await?;
            let may = |action: &&Action| match action.by {
                By::Account(by) => by == account,
                By::Anybody | By::Proposer => true,
                By::Voters => false,
            };
            let Some(action) = actions.iter().find(|action| action.turn == Turn::Due).filter(may) else {
                return Ok(actions);
            };
            let request = self.request(Some(action.to), action.input.clone(), None);
            tell(Event::Sends(action.what));
            self.send(action.what, request, |hash| tell(Event::Sent(action.what, hash))).await?;
            tell(Event::Done(action.what));
        }
    }

    /// (A) to (B): the timelock rules and administers, its proposer is the Safe.
    async fn to_timelock(&self, at: &Addresses) -> Result<Vec<Draft>, Error> {
        let (admin, timelock) = (self.network.admin, at.of(Part::TimelockController));
        let (court, manager) = (at.of(Part::Court), at.of(Part::AccessManager));
        let safe_proposes = self.in_timelock(timelock, TimelockRole::Proposer, admin).await?;
        let given_up = !self.is_administrator(manager, admin).await?;
        if !safe_proposes && !given_up {
            return Err(Error::StageBefore("the Safe proposes to the timelock"));
        }
        let contract = Court::new(court, &self.provider);
        let version = answered(contract.rulesVersion().call()).await?;
        let mut rules = answered(contract.rulesOf(version).call()).await?;
        let ruled = rules.arbiter == timelock;
        // What else the administrator has changed meanwhile stays as it is.
        rules.arbiter = timelock;
        let granted = self.is_administrator(manager, timelock).await?;
        let grant = AccessManager::grantRoleCall { roleId: ADMIN_ROLE, account: timelock, executionDelay: 0 };
        let renounce = AccessManager::renounceRoleCall { roleId: ADMIN_ROLE, callerConfirmation: admin };
        let by = By::Account(admin);
        Ok(vec![
            Draft::new("the timelock rules later cases", by, court, &Court::setRulesCall { rules }, ruled),
            Draft::new("the timelock administers", by, manager, &grant, granted),
            Draft::new("the Safe gives up administering", by, manager, &renounce, given_up),
        ])
    }

    /// (B) to (C): the Governor proposes, the Safe only cancels. The timelock administers itself, so it grants after its delay.
    async fn to_governor(&self, at: &Addresses) -> Result<Vec<Draft>, Error> {
        let (admin, timelock) = (self.network.admin, at.of(Part::TimelockController));
        let governor = self.governor(timelock).await?;
        if self.is_administrator(at.of(Part::AccessManager), admin).await? {
            return Err(Error::StageBefore("the timelock alone administers"));
        }
        let grant = |role: TimelockRole, account| {
            TimelockController::grantRoleCall { role: role.id(), account }.abi_encode().into()
        };
        let revoke = TimelockController::revokeRoleCall { role: TimelockRole::Proposer.id(), account: admin };
        let batch = Batch::of(
            timelock,
            vec![
                grant(TimelockRole::Proposer, governor),
                grant(TimelockRole::Canceller, governor),
                revoke.abi_encode().into(),
            ],
        );
        let proposes = self.in_timelock(timelock, TimelockRole::Proposer, governor).await?;
        let cancels = self.in_timelock(timelock, TimelockRole::Canceller, governor).await?;
        let revoked = !self.in_timelock(timelock, TimelockRole::Proposer, admin).await?;
        let done = proposes && cancels && revoked;

        let contract = TimelockController::new(timelock, &self.provider);
        let salt = keccak256(SALT);
        let since = answered(contract.getTimestamp(batch.operation(salt)).call()).await?;
        let delay = answered(contract.getMinDelay().call()).await?;
        let Batch { targets, values, calls } = batch;
        let schedule = TimelockController::scheduleBatchCall {
            targets: targets.clone(),
            values: values.clone(),
            payloads: calls.clone(),
            predecessor: B256::ZERO,
            salt,
            delay,
        };
        let execute =
            TimelockController::executeBatchCall { targets, values, payloads: calls, predecessor: B256::ZERO, salt };
        let scheduled = done || !since.is_zero();
        let schedule = Draft::new(
            "the Safe proposes that the Governor proposes",
            By::Account(admin),
            timelock,
            &schedule,
            scheduled,
        );
        let mut execute = Draft::new("the Governor proposes, the Safe cancels", By::Anybody, timelock, &execute, done);
        execute.from = since.saturating_to();
        Ok(vec![schedule, execute])
    }

    /// (C) to (D): a vote takes the Safe's last role.
    async fn without_safe(&self, at: &Addresses) -> Result<Vec<Draft>, Error> {
        let (admin, timelock) = (self.network.admin, at.of(Part::TimelockController));
        let governor = self.governor(timelock).await?;
        let safe_proposes = self.in_timelock(timelock, TimelockRole::Proposer, admin).await?;
        if safe_proposes || !self.in_timelock(timelock, TimelockRole::Proposer, governor).await? {
            return Err(Error::StageBefore("the Governor alone proposes to the timelock"));
        }
        let done = !self.in_timelock(timelock, TimelockRole::Canceller, admin).await?;
        let revoke = TimelockController::revokeRoleCall { role: TimelockRole::Canceller.id(), account: admin };
        let Batch { targets, values, calls } = Batch::of(timelock, vec![revoke.abi_encode().into()]);
        let description = keccak256(MOTION);

        let contract = IGovernor::new(governor, &self.provider);
        let hash = contract.hashProposal(targets.clone(), values.clone(), calls.clone(), description);
        let id = answered(hash.call()).await?;
        // It answers with an error to a proposal that nobody made.
        let state = answered(contract.state(id).call()).await.ok();
        if matches!(state, Some(CANCELED | DEFEATED | EXPIRED)) && !done {
            return Err(Error::Voted);
        }
        let eta: u64 = match state {
            Some(QUEUED) => answered(contract.proposalEta(id).call()).await?.saturating_to(),
            _ => 0,
        };
        let propose = IGovernor::proposeCall {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calls.clone(),
            description: MOTION.to_owned(),
        };
        let queue = IGovernor::queueCall {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calls.clone(),
            descriptionHash: description,
        };
        let execute = IGovernor::executeCall { targets, values, calldatas: calls, descriptionHash: description };
        let vote = IGovernor::castVoteCall { proposal: id, support: 1 };
        let (proposed, voted) = (done || state.is_some(), done || state >= Some(SUCCEEDED));
        let mut execute = Draft::new("the Safe cancels no more", By::Anybody, governor, &execute, done);
        execute.from = eta;
        Ok(vec![
            Draft::new("the motion is made", By::Proposer, governor, &propose, proposed),
            Draft::new("it is voted on", By::Voters, governor, &vote, voted),
            Draft::new(
                "what was voted waits in the timelock",
                By::Anybody,
                governor,
                &queue,
                done || state >= Some(QUEUED),
            ),
            execute,
        ])
    }

    /// The Governor, if its decisions go through this timelock: another's votes would rule nothing here.
    async fn governor(&self, timelock: Address) -> Result<Address, Error> {
        let governor = self.network.governor.ok_or(Error::NoGovernor)?;
        match answered(IGovernor::new(governor, &self.provider).timelock().call()).await {
            Ok(own) if own == timelock => Ok(governor),
            Ok(_) | Err(Error::Rpc(_)) => Err(Error::Governor { governor, timelock }),
            Err(error) => Err(error),
        }
    }

    async fn is_administrator(&self, manager: Address, account: Address) -> Result<bool, Error> {
        let manager = AccessManager::new(manager, &self.provider);
        Ok(answered(manager.hasRole(ADMIN_ROLE, account).call()).await?.isMember)
    }

    async fn in_timelock(&self, timelock: Address, role: TimelockRole, account: Address) -> Result<bool, Error> {
        let timelock = TimelockController::new(timelock, &self.provider);
        answered(timelock.hasRole(role.id(), account).call()).await
    }
}

/// States of a proposal (`IGovernor.ProposalState`).
const CANCELED: u8 = 2;
const DEFEATED: u8 = 3;
const SUCCEEDED: u8 = 4;
const QUEUED: u8 = 5;
const EXPIRED: u8 = 6;
