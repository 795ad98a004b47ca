//! The running oracle: its parts and how they are wired.
//!
//! Owns start and end: configuration is checked before a port opens, ports open before anything is followed, one token ends
//! all tasks, and a task that fails ends the others. Never holds state of its own: what must survive is in the store.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy::providers::{DynProvider, Provider as _};
use anyhow::{Context as _, bail, ensure};
use gpux_contracts::{Deployment, keys};
use gpux_proto::signing::SigningKey;
use tokio::{net::TcpListener, sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, Api, Health, Metrics, View},
    chain::{self, Backoff, Indexer, Rpc},
    ingest::{Clock, Ingest, Rules},
    publish::{Epochs, Operators, Progress, Publisher, ScoresChain},
    releases,
    score::Parameters,
    store::{Sqlite, Store},
};

/// How long tasks may take to end.
const GRACE: Duration = Duration::from_secs(15);
/// How often the publisher looks when nobody wakes it.
const IDLE: Duration = Duration::from_secs(30);
/// How many times more slowly it looks for signatures than for blocks.
const SIGNATURES_POLLS: u32 = 5;

/// What the oracle is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory, made if need be.
    pub data: PathBuf,
    /// The URL of the chain's RPC; never shown, since it may contain a token.
    pub rpc: String,
    /// The deployment's record.
    pub deployment: PathBuf,
    /// The operator's key: a Web3 keystore or a bare key file.
    pub operator_key_file: PathBuf,
    /// The keystore's password.
    pub operator_password_file: Option<PathBuf>,
    /// Where gRPC and HTTP are served.
    pub listen: SocketAddr,
    /// Where metrics and health are served.
    pub admin_listen: SocketAddr,
    /// The released workers whose evidence counts.
    pub releases: Vec<PathBuf>,
    /// What one address may ask.
    pub limits: api::Limits,
    /// What one key may send in a second; 0 is no limit.
    pub key_writes_per_second: u32,
    /// Whether this is a development market.
    pub development: bool,
}

/// How fast the oracle looks at the chain.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Between two looks; a fraction of the time between blocks.
    poll: Duration,
    /// After this long without a block a transaction is sent again.
    stuck_after: Duration,
}

impl Pace {
    fn of(development: bool) -> Self {
        if development {
            Self { poll: Duration::from_millis(200), stuck_after: Duration::from_secs(10) }
        } else {
            Self { poll: Duration::from_secs(1), stuck_after: Duration::from_secs(60) }
        }
    }
}

/// What was checked and opened before any port.
struct Prepared {
    store: Arc<dyn Store>,
    rules: Rules,
    epochs: Epochs,
    provider: DynProvider,
    scores: ScoresChain,
    key: SigningKey,
}

/// Runs the oracle until the token is cancelled; `ready` learns the bound addresses (public, then admin).
pub async fn run(
    options: Options,
    token: CancellationToken,
    ready: impl FnOnce(SocketAddr, SocketAddr),
) -> anyhow::Result<()> {
    let prepared = prepare(&options).await?;
    let pace = Pace::of(options.development);
    let listener = bind(options.listen).await?;
    let admin = bind(options.admin_listen).await?;
    let (health, metrics) = (Health::new(), Metrics::new());
    let parameters = &prepared.rules.parameters;
    let operators = Operators::on_chain(prepared.provider.clone(), prepared.rules.deployment.scores);
    let view = View {
        market: parameters.market,
        deployment: prepared.rules.deployment.clone(),
        epoch_secs: parameters.epoch_secs.into(),
        sealed_epochs: parameters.sealed_epochs.into(),
        operators: operators.clone(),
    };
    let ingest = Ingest::new(prepared.store.clone(), prepared.rules.clone(), Clock::system(), prepared.key.clone())
        .with_schedules(prepared.epochs.schedules().clone())
        .with_operators(operators)
        .with_key_rate(options.key_writes_per_second);
    let api = Api::new(prepared.store.clone(), ingest, view, health.clone(), metrics.clone());
    ready(listener.local_addr()?, admin.local_addr()?);

    let closed = Arc::new(Notify::new());
    let mut tasks = JoinSet::new();
    let stop = token.child_token();
    let served = api::serve(api.clone(), listener, options.limits, stop.clone());
    tasks.spawn(async move { served.await.context("the public port failed") });
    let served = api::serve_admin(api, admin, stop.clone());
    tasks.spawn(async move { served.await.context("the admin port failed") });
    let follower = Follower {
        indexer: Indexer::new(
            Rpc::new(prepared.provider.clone()),
            prepared.store.clone(),
            prepared.rules.deployment.clone(),
            prepared.rules.parameters.epoch_secs.into(),
        ),
        provider: prepared.provider,
        deployment: prepared.rules.deployment,
        epochs: prepared.epochs,
        store: prepared.store.clone(),
        closed: closed.clone(),
        health,
        metrics: metrics.clone(),
        poll: pace.poll,
    };
    tasks.spawn(follower.run(stop.clone()));
    let publisher = Publisher::new(prepared.store, prepared.scores, pace.stuck_after);
    tasks.spawn(publish(publisher, closed, metrics, pace.poll, stop.clone()));
    supervise(tasks, stop).await
}

/// Waits for the first task to end, ends the others, and waits for them.
async fn supervise(mut tasks: JoinSet<anyhow::Result<()>>, stop: CancellationToken) -> anyhow::Result<()> {
    let mut result = Ok(());
    if let Some(ended) = tasks.join_next().await {
        result = ended.context("a task ended abnormally").flatten();
    }
    stop.cancel();
    let rest = async {
        while let Some(ended) = tasks.join_next().await {
            let ended = ended.context("a task ended abnormally").flatten();
            if result.is_ok() {
                result = ended;
            }
        }
    };
    if tokio::time::timeout(GRACE, rest).await.is_err() {
        tracing::warn!(grace_secs = GRACE.as_secs(), "tasks did not end in time and are dropped");
    }
    result
}

/// Checks the configuration and opens the store.
async fn prepare(options: &Options) -> anyhow::Result<Prepared> {
    let deployment = Deployment::read(&options.deployment)?;
    ensure!(
        deployment.development == options.development,
        "the deployment of chain {} is {} market, start with{} --development",
        deployment.chain_id,
        if deployment.development { "a development" } else { "no development" },
        if deployment.development { "" } else { "out" },
    );
    let parameters = if options.development { Parameters::development() } else { Parameters::production() };
    if u64::from(parameters.epoch_secs) != deployment.epoch_length_seconds {
        bail!("epochs last {} s here and {} s on chain", parameters.epoch_secs, deployment.epoch_length_seconds);
    }
    let releases = releases::read(&options.releases)?;
    ensure!(
        options.development || !releases.is_empty(),
        "no release of the worker is accepted, so no evidence would count: give --release"
    );
    let operator = keys::wallet(&options.operator_key_file, options.operator_password_file.as_deref())?;
    let url = options.rpc.parse().map_err(|_| anyhow::anyhow!("the RPC's URL cannot be read"))?;
    let provider = gpux_contracts::rpc::reader(url);

    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("cannot make data directory {}", options.data.display()))?;
    let key = SigningKey::from_bytes(&keys::ed25519_or_create(&options.data.join("oracle.key"))?);
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&options.data).await?);
    store.claim(&market(&deployment, &parameters)).await?;
    let scores = ScoresChain::new(provider.clone(), operator, &deployment);
    let rules = Rules { deployment, parameters, releases };
    let epochs = Epochs::restore(store.clone(), rules.parameters.clone(), rules.evidence());
    let epochs = epochs.await.context("cannot fold the log")?;
    Ok(Prepared { store, rules, epochs, provider, scores, key })
}

/// What a data directory is for: another market's rows would be nonsense here.
pub(crate) fn market(deployment: &Deployment, parameters: &Parameters) -> Vec<u8> {
    let mut market = b"gpux/market/1\0".to_vec();
    market.extend(deployment.chain_id.to_le_bytes());
    for contract in [deployment.rentals, deployment.bonds, deployment.scores, deployment.court] {
        market.extend(contract.as_slice());
    }
    market.extend(parameters.digest());
    market
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Follows the chain and closes epochs by its time.
struct Follower {
    provider: DynProvider,
    deployment: Deployment,
    indexer: Indexer,
    epochs: Epochs,
    store: Arc<dyn Store>,
    closed: Arc<Notify>,
    health: Health,
    metrics: Metrics,
    poll: Duration,
}

impl Follower {
    async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut backoff = Backoff::default();
        let mut checked = false;
        loop {
            let step = async {
                if !checked {
                    self.check_chain().await?;
                    checked = true;
                }
                self.step().await
            };
            let wait = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                step = step => match step {
                    Ok(wait) => {
                        backoff.reset();
                        self.health.set_chain(true);
                        wait
                    }
                    Err(error) => {
                        self.health.set_chain(false);
                        give_up_on_fatal(&error)?;
                        let wait = backoff.wait();
                        tracing::warn!(error = %chained(&error), failures = backoff.failures(), "cannot follow the chain");
                        wait
                    }
                },
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Refuses a node of another chain: the same addresses may hold other contracts there.
    async fn check_chain(&self) -> anyhow::Result<()> {
        let served = self.provider.get_chain_id().await.context("cannot ask for the chain's id")?;
        Ok(self.deployment.require_chain(served).map_err(Fatal::ForeignChain)?)
    }

    async fn step(&mut self) -> anyhow::Result<Duration> {
        let progress = self.indexer.step().await?;
        if let Some(finalised) = progress.finalised
            && let Some(epoch) = self.epochs.advance(&finalised).await?
        {
            tracing::debug!(epoch, block = finalised.number, "an epoch is ready to be published");
            self.closed.notify_one();
        }
        self.metrics.set_log_entries(self.store.log_head().await?.0);
        Ok(if progress.caught_up { self.poll } else { Duration::ZERO })
    }
}

/// Errors that waiting does not mend.
#[derive(Debug, thiserror::Error)]
enum Fatal {
    #[error(transparent)]
    ForeignChain(gpux_contracts::DeploymentError),
}

fn give_up_on_fatal(error: &anyhow::Error) -> anyhow::Result<()> {
    let broken = error.downcast_ref::<chain::Error>().is_some_and(chain::Error::is_fatal);
    if broken || error.downcast_ref::<Fatal>().is_some() {
        bail!("the chain cannot be followed: {}", chained(error));
    }
    Ok(())
}

/// Publishes what is closed, as soon as it is.
async fn publish(
    mut publisher: Publisher,
    closed: Arc<Notify>,
    metrics: Metrics,
    poll: Duration,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut backoff = Backoff::default();
    loop {
        let step = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            step = publisher.step() => step,
        };
        let wait = match step {
            Ok(progress) => {
                backoff.reset();
                for _ in 0..progress.confirmed {
                    metrics.epoch_published();
                }
                match progress {
                    // Other operators take their time, and each look costs the chain's RPC some calls.
                    Progress { missing: 1.., .. } => poll * SIGNATURES_POLLS,
                    Progress { waiting: true, .. } => poll,
                    _ => IDLE,
                }
            }
            Err(error) => {
                let wait = backoff.wait();
                let failures = backoff.failures();
                tracing::warn!(error = %chained(&anyhow::Error::new(error)), failures, "cannot publish");
                wait
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = closed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// An error with its causes, without the RPC's URL, which may contain a token.
pub(crate) fn chained(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains("://") { "<url> " } else { word }).collect()
}

#[cfg(test)]
mod tests;
