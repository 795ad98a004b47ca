//! What the chain says of a rental. Owns the reads that a node makes; never keeps an answer, since a rental can be stopped
//! or prolonged in any block. Time here is the newest block's, which is what the contract meters by.
use alloy::{
    eips::BlockId,
    primitives::{Address, B256, aliases::U40},
    providers::{DynProvider, Provider as _},
    transports::RpcError,
};
use anyhow::Context as _;
use gpux_contracts::{Deployment, rpc};
use std::{fmt, future::Future, time::Duration};

/// How long the chain may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the Rentals contract stores of a rental, with the newest block's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rental {
    /// When it started, in seconds since 1970; zero when there is no such rental.
    pub start: u64,
    /// When it was stopped, or zero.
    pub stop: u64,
    /// Token units a second.
    pub rate: u128,
    /// The last second that is paid in full.
    pub paid_until: u64,
    /// The newest block's time.
    pub now: u64,
}

impl Rental {
    /// Whether it was opened and not stopped.
    #[must_use]
    pub fn open(&self) -> bool {
        self.start != 0 && self.stop == 0
    }

    /// How long it is still paid for; nothing when it is not open.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::from_secs(if self.open() { self.paid_until.saturating_sub(self.now) } else { 0 })
    }
}

/// The chain did not answer. The cause goes to the log, not to the renter: it may name the provider's RPC.
#[derive(Debug)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the chain does not answer")
    }
}

impl std::error::Error for Unavailable {}

/// Where rentals are looked up: the chain, or a test's table.
pub trait Rentals: Send + Sync + 'static {
    /// Reads a rental by its id.
    fn rental(&self, id: [u8; 32]) -> impl Future<Output = Result<Rental, Unavailable>> + Send;
}

/// The Rentals contract, read over JSON-RPC.
#[derive(Debug, Clone)]
pub struct Contract {
    provider: DynProvider,
    rentals: Address,
}

impl Contract {
    /// Connects, and refuses a chain other than the deployment's.
    pub async fn connect(url: &str, deployment: &Deployment) -> anyhow::Result<Self> {
        let url = url.parse().context("the RPC's URL")?;
        let provider = rpc::reader(url);
        deployment.require_chain(provider.get_chain_id().await.context("the chain does not answer")?)?;
        Ok(Self { provider, rentals: deployment.rentals })
    }

    async fn read(&self, id: B256) -> Result<Rental, alloy::contract::Error> {
        let contract = gpux_contracts::Rentals::new(self.rentals, &self.provider);
        // Both reads are of one block, so that a stop between them cannot be missed.
        let block = self.provider.get_block(BlockId::latest()).await?;
        let Some(block) = block else { return Err(RpcError::NullResp.into()) };
        let at = BlockId::hash(block.header.hash);
        let stored = contract.rentalOf(id).block(at).call().await?;
        let start = stored.start.to::<u64>();
        let paid_until = if start == 0 { U40::ZERO } else { contract.paidUntil(id).block(at).call().await? };
        Ok(Rental {
            start,
            stop: stored.stop.to::<u64>(),
            rate: stored.rate.to::<u128>(),
            paid_until: paid_until.to::<u64>(),
            now: block.header.timestamp,
        })
    }
}

impl Rentals for Contract {
    async fn rental(&self, id: [u8; 32]) -> Result<Rental, Unavailable> {
        match tokio::time::timeout(PATIENCE, self.read(id.into())).await {
            Ok(Ok(rental)) => Ok(rental),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the chain cannot be read");
                Err(Unavailable)
            }
            Err(_) => {
                tracing::warn!(patience = ?PATIENCE, "the chain does not answer in time");
                Err(Unavailable)
            }
        }
    }
}
