//! The ground on which a market stands: a data folder, keys, logs, a chain with the contracts, and how each program is
//! started on it. The development market and the end-to-end tests start programs here and nowhere else.

use crate::{
    binaries::{self, Binaries},
    chain::{Account, Chain},
    market::cast::Role,
    oracle::Oracle,
    process::Process,
};
use anyhow::Context as _;
use gpux_oracle::score;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The oracle lists a relay once its owner's bond is final.
const LISTED: Duration = Duration::from_secs(60);
/// Measuring itself takes a node a few seconds; whatever has not bound a port by then will not.
const BIND: Duration = Duration::from_secs(60);
/// A node has one card, so it sells one rental at a time: two on one card would each get half of what was promised.
const CAPACITY: usize = 1;

/// The ground.
#[derive(Debug)]
pub struct Stage {
    /// Everything that is written.
    pub folder: PathBuf,
    /// Key files.
    pub keys: PathBuf,
    /// Logs.
    pub logs: PathBuf,
    /// Where the programs lie.
    pub binaries: Binaries,
    /// Who signs epochs.
    pub operator: Account,
    /// The chain.
    pub chain: Chain,
}

/// A running oracle.
#[derive(Debug)]
pub struct RunningOracle {
    /// The program.
    pub process: Process,
    /// What it serves.
    pub api: Oracle,
    /// From its start to its open port.
    pub open_after: Duration,
}

/// A running node.
#[derive(Debug)]
pub struct RunningNode {
    /// The program.
    pub process: Process,
    /// Its public key, 0x and 64 digits.
    pub id: String,
    /// Where it answers.
    pub url: String,
}

impl Stage {
    /// Makes the folders, starts a chain and deploys with development parameters. Blocks do not come by themselves yet:
    /// transactions are mined at once until [`Chain::run`].
    pub async fn set(folder: &Path) -> anyhow::Result<Self> {
        let binaries = Binaries::beside_this_program()?;
        let (keys, logs) = (folder.join("keys"), folder.join("logs"));
        for folder in [&keys, &logs] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let operator = Account::create(&keys, "operator")?;
        let parameters = score::Parameters::development().digest();
        // One who judges, and one who has no part in anything.
        let (arbiter, onlooker) = (Account::create(&keys, "arbiter")?, Account::create(&keys, "onlooker")?);
        let roles = (operator.address(), arbiter.address());
        let chain = Chain::start(folder, &binaries::contracts(), roles, parameters.into()).await?;
        for account in [&operator, &arbiter, &onlooker] {
            chain.fund(account.address(), 0).await?;
        }
        Ok(Self { folder: folder.to_owned(), keys, logs, binaries, operator, chain })
    }

    /// The flags by which every program finds the chain.
    #[must_use]
    pub fn chain_flags(&self) -> Vec<String> {
        let deployment = self.chain.deployment_file.display().to_string();
        ["--rpc", &self.chain.endpoint(), "--deployment", &deployment].map(str::to_owned).to_vec()
    }

    /// The same, with a data folder of the program's own, for a development market.
    fn flags(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let data = self.data(name);
        fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
        let mut flags = self.chain_flags();
        flags.extend(["--data".to_owned(), data.display().to_string(), "--development".to_owned()]);
        Ok(flags)
    }

    /// An account by its name, made if it is new.
    pub fn account(&self, name: &str) -> anyhow::Result<Account> {
        Account::create(&self.keys, name)
    }

    /// The key file of an account.
    #[must_use]
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.keys.join(format!("{name}.key"))
    }

    /// A program's data folder.
    #[must_use]
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts an oracle on the data folder `name`, again if it ran before.
    pub async fn oracle(&self, name: &str) -> anyhow::Result<RunningOracle> {
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(self.flags(name)?);
        arguments.extend(["--operator-key-file".to_owned(), self.operator.file.display().to_string()]);
        let begun = Instant::now();
        let program = self.binaries.path("gpux-oracle")?;
        let mut process = Process::start(name, &program, &arguments, &self.logs).await?;
        let line = process.line_after("listening on ", BIND).await?;
        let open_after = begun.elapsed();
        let url = line.split_whitespace().next().context("the oracle names its URL")?;
        Ok(RunningOracle { process, api: Oracle::at(url)?, open_after })
    }

    /// Starts a node that plays a role and announces itself to an oracle.
    pub async fn node(&self, oracle: &str, role: &Role) -> anyhow::Result<RunningNode> {
        let provider = Account::create(&self.keys, &format!("provider-{}", role.name))?;
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.flags(role.name)?);
        let mut flag = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
        flag("--provider-key-file", &provider.file.display().to_string());
        flag("--oracle", oracle);
        flag("--capacity", &CAPACITY.to_string());
        for (name, value) in [("--simulate", role.simulate), ("--claim", role.claim), ("--cheat", role.cheat)] {
            if let Some(value) = value {
                flag(name, value);
            }
        }
        if role.simulate.is_none() {
            arguments.push("--measure-self".to_owned());
        }
        let program = self.binaries.path("gpux-node")?;
        let mut process = Process::start(role.name, &program, &arguments, &self.logs).await?;
        let line = process.line_after("listening on ", BIND).await?;
        let (url, id) = line.split_once(" as node ").context("a node names its URL and its key")?;
        Ok(RunningNode { id: id.trim().to_owned(), url: url.to_owned(), process })
    }

    /// Starts a relay of an owner, and waits until an oracle lists it.
    pub async fn relay(&self, name: &str, owner: &Account, oracle: &str) -> anyhow::Result<Process> {
        let deployment = self.chain.deployment_file.display().to_string();
        let (data, key) = (self.data(name).display().to_string(), owner.file.display().to_string());
        let flags = ["--deployment", &deployment, "--data", &data, "--key-file", &key, "--oracle", oracle];
        let arguments: Vec<String> =
            ["relay", "--development"].iter().chain(&flags).map(|flag| (*flag).to_owned()).collect();
        let mut process = Process::start(name, &self.binaries.path("gpux-prober")?, &arguments, &self.logs).await?;
        process.line_after("listening on ", BIND).await?;
        process.line_after("listed by the oracle", LISTED).await?;
        Ok(process)
    }

    /// Starts a fisher that probes an oracle's nodes; `more` are further flags.
    pub async fn fisher(&self, name: &str, key: &Account, oracle: &str, more: &[&str]) -> anyhow::Result<Process> {
        let mut arguments = vec!["run".to_owned()];
        arguments.extend(self.flags(name)?);
        let mut flag = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
        flag("--key-file", &key.file.display().to_string());
        flag("--oracle", oracle);
        flag("--job", &self.binaries.path("gpux-job")?.display().to_string());
        flag("--machine-lock", &self.folder.join("machine.lock").display().to_string());
        arguments.push("--json".to_owned());
        arguments.extend(more.iter().map(|flag| (*flag).to_owned()));
        Process::start(name, &self.binaries.path("gpux-prober")?, &arguments, &self.logs).await
    }
}
