//! What stands, compared with what the network file says: code to the byte, every value that can change, every role.

use std::collections::BTreeSet;
use std::future::IntoFuture;

use alloy::primitives::{Address, B256, U256};

use super::Error;
use super::code::{Code, Difference, Part};
use super::plan::{ADMIN_ROLE, Addresses, RESTRICTED, Restricted, immutables, of_domain, rules};
use super::rpc::{Client, answered};
use super::stage::{Power, Stage, TimelockRole};
use crate::bindings::{AccessManager, Court, Rentals, Scores, TimelockController};
use crate::deploy::GUARDIAN_ROLE;
use crate::deployment::Deployment;
use crate::rpc::Said;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is as the file says.
    pub holds: bool,
    /// What it is, and if that is wrong what it must be.
    pub detail: String,
}

/// Checks as they are collected.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, name: impl Into<String>, holds: bool, detail: impl Into<String>) {
        self.0.push(Check { name: name.into(), holds, detail: detail.into() });
    }

    /// One value against another.
    fn same<T: PartialEq + ToString>(&mut self, name: impl Into<String>, found: &T, expected: &T) {
        let holds = found == expected;
        let detail = match holds {
            true => found.to_string(),
            false => format!("is {}, must be {}", found.to_string(), expected.to_string()),
        };
        self.add(name, holds, detail);
    }

    /// A value that a contract is asked for. A contract that does not answer is not what it must be.
    async fn asked<T, E>(
        &mut self,
        name: impl Into<String>,
        call: impl IntoFuture<Output = Result<T, E>>,
        expected: &T,
    ) -> Result<(), Error>
    where
        T: PartialEq + ToString,
        E: Said,
    {
        match answered(call).await {
            Ok(found) => self.same(name, &found, expected),
            Err(Error::Rpc(words)) => self.add(name, false, format!("no answer: {words}")),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn same_accounts(&mut self, name: impl Into<String>, found: &BTreeSet<Address>, expected: &[Address]) {
        let told = |accounts: &BTreeSet<Address>| {
            let told: Vec<_> = accounts.iter().map(ToString::to_string).collect();
            if told.is_empty() { "nobody".to_owned() } else { told.join(", ") }
        };
        self.same(name, &told(found), &told(&expected.iter().copied().collect()));
    }
}

/// A word as a number or an address, if it looks like one.
fn word(value: &B256) -> String {
    match u64::try_from(U256::from_be_bytes(value.0)) {
        Ok(number) => number.to_string(),
        Err(_) if value.starts_with(&[0; 12]) => Address::from_word(*value).to_string(),
        Err(_) => value.to_string(),
    }
}

impl Client {
    /// Compares what stands with the network file, as it must be in a stage of the handover. Fails only if the chain cannot
    /// be asked; what is wrong is a check that does not hold.
    pub async fn verify(&self, deployment: &Deployment, stage: Stage) -> Result<Vec<Check>, Error> {
        let at = self.addresses(deployment).await?;
        let power = Power::in_stage(stage, &self.network, at.of(Part::TimelockController))?;
        let mut checks = Checks::default();
        self.verify_record(deployment, &mut checks);
        self.verify_code(&at, &mut checks).await?;
        self.verify_scores(&at, &mut checks).await?;
        self.verify_rules(&at, &power, &mut checks).await?;
        self.verify_functions(&at, &mut checks).await?;
        self.verify_holders(deployment, &at, &power, &mut checks).await?;
        self.verify_timelock(deployment, &at, &power, &mut checks).await?;
        Ok(checks.0)
    }

    /// Where everything stands. The record does not name the timelock: it is the appeal court of the first rules.
    pub(super) async fn addresses(&self, deployment: &Deployment) -> Result<Addresses, Error> {
        deployment.require_chain(self.network.chain_id)?;
        let court = Court::new(deployment.court, &self.provider);
        let timelock = match answered(court.rulesOf(1).call()).await {
            Ok(rules) => rules.appealCourt,
            Err(Error::Rpc(_)) => Address::ZERO,
            Err(error) => return Err(error),
        };
        Ok(Addresses::each(|part| match part {
            Part::AccessManager => deployment.access_manager,
            Part::TimelockController => timelock,
            Part::Scores => deployment.scores,
            Part::Bonds => deployment.bonds,
            Part::Rentals => deployment.rentals,
            Part::Rewards => deployment.rewards,
            Part::Court => deployment.court,
        }))
    }

    fn verify_record(&self, deployment: &Deployment, checks: &mut Checks) {
        checks.same("record: token", &deployment.token, &self.network.token);
        let epoch = self.network.periods.epoch_length;
        checks.same("record: epoch length, s", &deployment.epoch_length_seconds, &epoch);
        checks.same("record: for development", &deployment.development, &false);
    }

    async fn verify_code(&self, at: &Addresses, checks: &mut Checks) -> Result<(), Error> {
        for part in Part::ALL {
            let values = immutables(&self.network, part, at);
            let found = self.code(at.of(part)).await?;
            let name = format!("{part}: code at {}", at.of(part));
            let differences = Code::of(part).differences(&found, &values);
            if differences.is_empty() {
                checks.add(name, true, format!("{} bytes", found.len()));
                // They were compared with the code, and are named so that a reader sees what it says.
                for (immutable, value) in values.iter().filter(|(name, _)| !of_domain(name)) {
                    checks.add(format!("{part}: {immutable}"), true, word(value));
                }
                continue;
            }
            for difference in differences {
                let detail = match difference {
                    Difference::Nothing => "there is none".to_owned(),
                    Difference::Foreign => "is another contract's, or of another version".to_owned(),
                    Difference::Immutable(immutable, expected, is) => {
                        format!("{immutable} is {}, must be {}", word(&is), word(&expected))
                    }
                };
                checks.add(&name, false, detail);
            }
        }
        Ok(())
    }

    async fn verify_scores(&self, at: &Addresses, checks: &mut Checks) -> Result<(), Error> {
        let scores = Scores::new(at.of(Part::Scores), &self.provider);
        let operators = &self.network.operators;
        checks.asked("Scores: threshold", scores.threshold().call(), &self.network.threshold).await?;
        // Together with each of them this leaves room for nobody else.
        checks.asked("Scores: number of operators", scores.operators().call(), &(operators.len() as u16)).await?;
        for operator in operators {
            checks.asked(format!("Scores: {operator} is operator"), scores.isOperator(*operator).call(), &true).await?;
        }
        checks.asked("Scores: parameters", scores.parameters().call(), &self.network.parameters).await
    }

    async fn verify_rules(&self, at: &Addresses, power: &Power<'_>, checks: &mut Checks) -> Result<(), Error> {
        let court = Court::new(at.of(Part::Court), &self.provider);
        let expected = rules(&self.network, power.arbiter(), at);
        let version = match answered(court.rulesVersion().call()).await {
            Err(Error::Rpc(words)) => {
                checks.add("Court: rules", false, format!("no answer: {words}"));
                return Ok(());
            }
            version => version?,
        };
        let found = answered(court.rulesOf(version).call()).await?;
        checks.same("Court: arbiter", &found.arbiter, &expected.arbiter);
        checks.same("Court: appeal court", &found.appealCourt, &expected.appealCourt);
        checks.same("Court: treasury", &found.treasury, &expected.treasury);
        checks.same("Court: least bond", &found.minBond, &expected.minBond);
        checks.same("Court: fee", &found.fee, &expected.fee);
        Ok(())
    }

    /// Which role each restricted function needs, and that AccessManager is asked at all.
    async fn verify_functions(&self, at: &Addresses, checks: &mut Checks) -> Result<(), Error> {
        let authority = at.of(Part::AccessManager);
        let manager = AccessManager::new(authority, &self.provider);
        for Restricted { part, name, selector, role } in RESTRICTED {
            let call = manager.getTargetFunctionRole(at.of(part), selector.into());
            checks.asked(format!("{part}.{name}: role"), call.call(), &role).await?;
        }
        for part in [Part::Scores, Part::Rentals, Part::Court] {
            // The three have this function in common.
            let asks = Rentals::new(at.of(part), &self.provider);
            checks.asked(format!("{part}: authority"), asks.authority().call(), &authority).await?;
            checks.asked(format!("{part}: closed"), manager.isTargetClosed(at.of(part)).call(), &false).await?;
        }
        checks.asked("guardians are named by role", manager.getRoleAdmin(GUARDIAN_ROLE).call(), &ADMIN_ROLE).await
    }

    async fn verify_holders(
        &self,
        deployment: &Deployment,
        at: &Addresses,
        power: &Power<'_>,
        checks: &mut Checks,
    ) -> Result<(), Error> {
        let authority = at.of(Part::AccessManager);
        let manager = AccessManager::new(authority, &self.provider);
        let (mut administrators, mut guardians, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (role, account) in self.granted(authority, deployment.block).await? {
            if answered(manager.hasRole(role, account).call()).await?.isMember {
                match role {
                    ADMIN_ROLE => administrators.insert(account),
                    GUARDIAN_ROLE => guardians.insert(account),
                    _ => others.insert(account),
                };
            }
        }
        checks.same_accounts("administrators", &administrators, &[power.administrator()]);
        checks.same_accounts("guardians", &guardians, &[self.network.guardian]);
        checks.same_accounts("holders of other roles", &others, &[]);
        Ok(())
    }

    async fn verify_timelock(
        &self,
        deployment: &Deployment,
        at: &Addresses,
        power: &Power<'_>,
        checks: &mut Checks,
    ) -> Result<(), Error> {
        let address = at.of(Part::TimelockController);
        let timelock = TimelockController::new(address, &self.provider);
        let delay = U256::from(self.network.periods.timelock_delay);
        checks.asked("timelock: delay, s", timelock.getMinDelay().call(), &delay).await?;
        let granted = self.granted_in_timelock(address, deployment.block).await?;
        for role in TimelockRole::ALL {
            let mut holders = BTreeSet::new();
            for (_, account) in granted.iter().filter(|(granted, _)| *granted == role.id()) {
                if answered(timelock.hasRole(role.id(), *account).call()).await? {
                    holders.insert(*account);
                }
            }
            checks.same_accounts(format!("timelock: {}", role.name()), &holders, &power.holders(role));
        }
        Ok(())
    }
}
