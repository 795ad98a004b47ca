//! One probing from beginning to end: the node describes itself, a rental is opened, the session runs, the bundle is judged, the
//! rental is stopped. What `run` and `check` share. Invariant: once a rental is opened it is stopped and everything is taken
//! back, also when the session fails or this process is asked to end.
use crate::{
    lie::Lie,
    lock::MachineLock,
    offered::{self, Offered, Place},
    relay::Listed,
    rent::{self, Purse, Rental},
    report::{Finding, Judge},
    session::{self, Ended, Failure, Fault, LOCK_WAIT_MAX, Order, Watch, words},
};
use gpux_kernels::{
    evidence::{Expectation, expected},
    plan::{Market, Plan, plan},
    probe::ProbeId,
    release::{self, Built, Release},
};
use gpux_proto::{
    bytes,
    evidence::{Description, Step},
    node::{DescribeRequest, node_service_client::NodeServiceClient},
    relay::{self, relay_service_client::RelayServiceClient},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::transport::{Channel, Endpoint, Uri};

/// How long a node may take to accept a connection, and to describe itself.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const DESCRIBE_MAX: Duration = Duration::from_secs(5);
/// The largest description.
const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
/// Attempts to reach a node, and the pause between them.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(700);
/// How long a node that is full, or a block behind, is asked again within one rental.
const PASSING_MAX: Duration = Duration::from_secs(45);

/// A fisher at work.
#[derive(Debug)]
pub struct Fisher {
    /// His money.
    pub purse: Purse,
    /// The market.
    pub market: Market,
    /// The released worker, of which each session uploads another variant.
    pub release: Arc<Release>,
    /// What keeps other timed sessions of this machine away.
    pub lock: Option<MachineLock>,
    /// How he lies, in a development market.
    pub lie: Option<Lie>,
    /// Rentals that are being given back.
    pub returns: TaskTracker,
    /// Ends everything.
    pub stop: CancellationToken,
}

/// Whether and how a node was reached.
#[derive(Debug)]
pub struct Reached {
    /// To the node, or to the relay that carries to it.
    pub channel: Result<Channel, Failure>,
    /// The relay's key.
    pub relay: Option<[u8; 32]>,
}

/// What one probing came to.
#[derive(Debug)]
pub struct Probed {
    /// The rental.
    pub rental: Rental,
    /// The session.
    pub ended: Ended,
    /// The finding.
    pub finding: Finding,
    /// What the node claims to reach.
    pub expectation: Expectation,
}

/// There is no finding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rental could not be opened.
    #[error(transparent)]
    Rent(#[from] rent::Error),
    /// The node claims nothing that this probe measures.
    #[error("the node claims nothing that probe {0} measures here")]
    NotClaimed(ProbeId),
    /// This process was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// The worker cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The verifier ended without an answer.
    #[error("the verification did not end")]
    Verifier,
}

/// There is no worker to upload.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The release has no such variant.
    #[error(transparent)]
    Release(#[from] release::Error),
    /// The system gives no randomness.
    #[error("no randomness for a variant: {0}")]
    Random(#[from] getrandom::Error),
    /// The thread that built it ended without an answer.
    #[error("the build did not end")]
    Ended,
}

/// Builds the worker of a fresh variant, which nobody knows before the report.
pub fn build(release: &Release) -> Result<Built, BuildError> {
    let mut variant = release::IDENTITY;
    getrandom::fill(&mut variant)?;
    Ok(release.build(&variant)?)
}

fn channel(uri: &Uri) -> Channel {
    Endpoint::from(uri.clone()).connect_timeout(CONNECT_MAX).tcp_nodelay(true).connect_lazy()
}

/// A node that was not reached, and may be a moment later.
fn again(detail: String) -> Failure {
    Failure { passing: true, ..Failure::new(Step::Describe, Fault::Host, detail) }
}

/// Who is asked to describe a node.
enum Asked<'a> {
    Node(NodeServiceClient<Channel>),
    Relay(RelayServiceClient<Channel>, &'a [u8; 32]),
}

impl Fisher {
    /// The market's chain and contract.
    pub fn place(&self) -> Place {
        let deployment = self.purse.chain().deployment();
        Place { chain_id: deployment.chain_id, rentals: deployment.rentals }
    }

    /// Asks a node to describe itself, a few times.
    pub async fn describe(&self, uri: &Uri) -> Result<(Channel, Offered), Failure> {
        let channel = channel(uri);
        let client = NodeServiceClient::new(channel.clone()).max_decoding_message_size(DESCRIPTION_BYTES_MAX);
        Ok((channel, self.patiently(Asked::Node(client)).await?))
    }

    /// The same through a relay. A relay that gives something else than a description by this node's key has failed, and
    /// not the node.
    pub async fn describe_through(&self, relay: &Listed, node: &[u8; 32]) -> Result<(Channel, Offered), Failure> {
        let channel = channel(&relay.endpoint);
        let client = RelayServiceClient::new(channel.clone()).max_decoding_message_size(DESCRIPTION_BYTES_MAX);
        Ok((channel, self.patiently(Asked::Relay(client, node)).await?))
    }

    /// Asks a few times, each within a time; whoever does not keep it is at fault.
    async fn patiently(&self, mut asked: Asked<'_>) -> Result<Offered, Failure> {
        let fault = if matches!(asked, Asked::Node(_)) { Fault::Host } else { Fault::Fisher };
        let late = || Failure { fault, ..again("no description before the deadline".into()) };
        let mut attempt = 1;
        loop {
            let answer = tokio::time::timeout(CONNECT_MAX + DESCRIBE_MAX, self.ask(&mut asked)).await;
            match answer.unwrap_or_else(|_| Err(late())) {
                Err(failure) if failure.passing && attempt < ATTEMPTS => attempt += 1,
                answer => return answer,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self, asked: &mut Asked<'_>) -> Result<Offered, Failure> {
        let step = Step::Describe;
        match asked {
            Asked::Node(client) => {
                let answer = client.describe(DescribeRequest {}).await.map_err(|status| again(words(&status)))?;
                self.verified(answer.into_inner().description).map_err(|e| Failure::new(step, Fault::Host, e))
            }
            Asked::Relay(client, node) => {
                let answer = client.describe(relay::DescribeRequest { node: node.to_vec() }).await;
                let answer = answer.map_err(|status| match Failure::relayed(step, &status) {
                    failure if failure.fault == Fault::Host => again(words(&status)),
                    failure => failure,
                })?;
                let lie = |what: String| Failure::new(step, Fault::Fisher, format!("the relay gives {what}"));
                match self.verified(answer.into_inner().description) {
                    Ok(offered) if offered.node == **node => Ok(offered),
                    Ok(_) => Err(lie("another node's description".into())),
                    Err(error) => Err(lie(format!("a void description: {error}"))),
                }
            }
        }
    }

    fn verified(&self, description: Option<Description>) -> Result<Offered, offered::Error> {
        let description = description.ok_or(bytes::Error::Missing("description"))?;
        offered::verify(&description, self.place(), crate::clock::now())
    }

    /// How long a rental for a session must last, in seconds.
    #[must_use]
    pub fn seconds(&self, plan: &Plan) -> u64 {
        let waits = if self.lock.is_some() { LOCK_WAIT_MAX } else { Duration::ZERO };
        // A second more: the chain counts whole ones.
        (session::longest(plan) + waits + PASSING_MAX).as_secs() + 1
    }

    /// Rents and probes. Without a channel (the node was not reachable) the rental alone is opened and stopped: paid
    /// evidence that the node was away.
    pub async fn probe(
        self: &Arc<Self>,
        reached: Reached,
        offered: &Offered,
        probe: ProbeId,
        watch: &Watch,
    ) -> Result<Probed, Error> {
        let plan = plan(probe, self.market).ok_or(Error::NotClaimed(probe))?;
        let expectation = expected(&offered.descriptor, probe, self.market).ok_or(Error::NotClaimed(probe))?;
        // Before the rental: a worker that cannot be built must cost nothing.
        let release = Arc::clone(&self.release);
        let built = tokio::task::spawn_blocking(move || build(&release)).await.map_err(|_| BuildError::Ended)?;
        let worker = built?;
        let rental = self.purse.rent(offered, probe, self.seconds(&plan)).await?;
        let ended = tokio::select! {
            ended = self.converse(reached, (offered, &rental), &worker, (&plan, watch)) => Ok(ended),
            () = self.stop.cancelled() => Err(Error::Interrupted),
        };
        self.returns.spawn({
            let (fisher, rental) = (Arc::clone(self), rental.clone());
            async move { fisher.purse.give_back(&rental).await }
        });
        let mut ended = ended?;
        if let Some(lie) = self.lie {
            lie.tell(&mut ended);
        }
        let judged = tokio::task::spawn_blocking({
            let (fisher, expectation) = (Arc::clone(self), expectation.clone());
            move || {
                let deployment = fisher.purse.chain().deployment();
                let (market, release) = (fisher.market, &fisher.release);
                let judge = Judge { market, deployment, expectation: &expectation, release };
                (judge.find(probe, &ended), ended)
            }
        });
        let (finding, ended) = judged.await.map_err(|_| Error::Verifier)?;
        Ok(Probed { rental, ended, finding, expectation })
    }

    async fn converse(
        &self,
        reached: Reached,
        (offered, rental): (&Offered, &Rental),
        worker: &Built,
        (plan, watch): (&Plan, &Watch),
    ) -> Ended {
        let Reached { channel, relay } = reached;
        let channel = match channel {
            Ok(channel) => channel,
            Err(failure) => {
                let now = crate::clock::now();
                return Ended { bundle: None, failure: Some(failure), started: now, ended: now, relay };
            }
        };
        let order = Order {
            offered,
            terms: &rental.terms,
            consumer: &rental.consumer,
            worker,
            plan,
            lock: self.lock.as_ref(),
            watch,
        };
        let first = Instant::now();
        loop {
            let ended = session::run(channel.clone(), relay, &order).await;
            let passing = ended.bundle.is_none() && ended.failure.as_ref().is_some_and(|failure| failure.passing);
            if !passing || first.elapsed() > PASSING_MAX {
                return ended;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
