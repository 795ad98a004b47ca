//! The program: what it opens, and how it goes on.
//!
//! Owns start and end. Nothing is opened before the key, the deployment and the directories are good. A leader or a chain that
//! does not answer is asked again; a refusal is told once, and the rest goes on.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::providers::Provider as _;
use anyhow::Context as _;
use gpux_contracts::{Deployment, keys};
use gpux_proto::oracle::evidence_service_client::EvidenceServiceClient;
use tokio_util::sync::CancellationToken;

use super::{Countersigner, Round, copy::Copy, entries::Entries, reports::Reports};
use crate::{
    chain::{self, Backoff, Indexer, Rpc},
    ingest::{Clock, Rules},
    publish::ScoresChain,
    replay,
    score::Parameters,
    serve,
    store::{Sqlite, Store},
};

/// How often `once` looks again at what has to wait: a block that the leader has final already is here a moment later.
const LOOKS_MAX: u32 = 10;

/// What a co-operator is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The leader's URL.
    pub of: String,
    /// The directory of everything that is kept, made if need be.
    pub data: PathBuf,
    /// The URL of this operator's own node; never shown, since it may contain a token.
    pub rpc: String,
    /// The deployment's record.
    pub deployment: PathBuf,
    /// The operator's key: a Web3 keystore or a bare key file.
    pub operator_key_file: PathBuf,
    /// The keystore's password.
    pub operator_password_file: Option<PathBuf>,
    /// Whether to end after everything that is there was looked at.
    pub once: bool,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was stopped, or `once` found nothing wrong.
    Well,
    /// `once` refused something.
    Refused,
}

/// Countersigns until the token is cancelled.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<Ended> {
    let mut running = Running::prepare(&options).await?;
    let (mut backoff, mut told, mut looks) = (Backoff::default(), String::new(), 0);
    loop {
        let round = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Ended::Well),
            round = running.round() => round,
        };
        let wait = match round {
            Ok(round) => {
                backoff.reset();
                tell(&round, &mut told);
                looks += u32::from(!round.more);
                let only_waits = round.refused.is_none() && round.waits.is_some() && looks < LOOKS_MAX;
                if options.once && !round.more && !only_waits {
                    return ended(round);
                }
                if round.more { Duration::ZERO } else { running.poll }
            }
            Err(error) if options.once => return Err(error),
            Err(error) => {
                let broken = error.downcast_ref::<chain::Error>().is_some_and(chain::Error::is_fatal);
                anyhow::ensure!(!broken, "the chain cannot be followed: {}", serve::chained(&error));
                let wait = backoff.wait();
                tracing::warn!(error = %serve::chained(&error), failures = backoff.failures(), "cannot countersign");
                wait
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(Ended::Well),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How a single look ends.
fn ended(round: Round) -> anyhow::Result<Ended> {
    match (round.refused, round.waits) {
        (Some(_), _) => Ok(Ended::Refused),
        (None, Some(waits)) => anyhow::bail!("not everything could be looked at: {waits}"),
        (None, None) => Ok(Ended::Well),
    }
}

/// Tells what is new.
fn tell(round: &Round, told: &mut String) {
    let now = match (&round.refused, &round.waits) {
        (Some(refusal), _) => refusal.to_string(),
        (None, Some(waits)) => waits.clone(),
        (None, None) => String::new(),
    };
    if now == *told {
        return;
    }
    if let Some(refusal) = &round.refused {
        tracing::error!(epoch = refusal.epoch, entry = refusal.entry, "{refusal}");
    } else if !now.is_empty() {
        tracing::info!("waiting: {now}");
    }
    *told = now;
}

struct Running {
    indexer: Indexer,
    countersigner: Countersigner,
    poll: Duration,
}

impl Running {
    async fn prepare(options: &Options) -> anyhow::Result<Self> {
        let deployment = Deployment::read(&options.deployment)?;
        let parameters = if deployment.development { Parameters::development() } else { Parameters::production() };
        let epoch_secs = u64::from(parameters.epoch_secs);
        anyhow::ensure!(
            epoch_secs == deployment.epoch_length_seconds,
            "epochs last {epoch_secs} s here and {} s on chain",
            deployment.epoch_length_seconds
        );
        let operator = keys::wallet(&options.operator_key_file, options.operator_password_file.as_deref())?;
        let url = options.rpc.parse().map_err(|_| anyhow::anyhow!("the RPC's URL cannot be read"))?;
        let provider = gpux_contracts::rpc::reader(url);
        let served = provider.get_chain_id().await.map_err(|_| anyhow::anyhow!("cannot ask for the chain's id"))?;
        deployment.require_chain(served)?;

        let market = serve::market(&deployment, &parameters);
        // The chain's facts and the leader's log are two logs: that they agree is what is checked.
        let own = open(options.data.join("chain"), &market).await?;
        let store = open(options.data.join("leader"), &market).await?;
        let channel = replay::channel(&options.of)?;
        let evidence = EvidenceServiceClient::new(channel.clone());
        let rules = Rules { deployment: deployment.clone(), parameters, releases: Vec::new() };
        let scores = ScoresChain::new(provider.clone(), operator.clone(), &deployment);
        let countersigner = Countersigner {
            leader: replay::log_client(channel),
            reports: Reports::new(evidence, operator, Clock::system()),
            scores,
            copy: Copy::new(store.clone(), options.data.join("contradiction.txt")),
            entries: Entries::new(store.clone(), own.clone(), rules).await?,
            store,
        };
        let poll = if deployment.development { Duration::from_millis(200) } else { Duration::from_secs(5) };
        Ok(Self { indexer: Indexer::new(Rpc::new(provider), own, deployment, epoch_secs), countersigner, poll })
    }

    /// Follows the own chain to its end, then looks at the leader.
    async fn round(&mut self) -> anyhow::Result<Round> {
        while !self.indexer.step().await?.caught_up {}
        self.countersigner.round().await
    }
}

async fn open(directory: PathBuf, market: &[u8]) -> anyhow::Result<Arc<dyn Store>> {
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&directory).await?);
    store.claim(market).await?;
    Ok(store)
}
