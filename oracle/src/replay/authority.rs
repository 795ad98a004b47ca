//! Who says what was published: the chain, or an oracle.
//!
//! Owns the one question of a replay, "what was published for this epoch?". The chain's answer binds the operators; an
//! oracle's own answer shows only whether it contradicts itself.

use alloy::{primitives::B256, providers::DynProvider};
use gpux_contracts::{Deployment, Scores};
use gpux_proto::{
    bytes::{self, from_hex},
    oracle::{Epoch, GetEpochRequest, log_service_client::LogServiceClient},
};
use tonic::{Code, transport::Channel};

use super::source;
use crate::{log::Hash, publish};

/// Why nobody says what was published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The chain did not answer.
    #[error(transparent)]
    Chain(#[from] publish::ChainError),
    /// The RPC is no URL.
    #[error("the RPC's URL cannot be read")]
    Rpc,
    /// The oracle did not answer.
    #[error("the oracle does not say what it published")]
    Oracle(#[source] Box<tonic::Status>),
    /// The oracle's answer cannot be read.
    #[error("the oracle's answer cannot be read: {0}")]
    Answer(#[from] bytes::Error),
    /// The oracle cannot be reached.
    #[error(transparent)]
    Source(#[from] source::Error),
}

/// What was published for an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    pub epoch: u64,
    pub log_size: u64,
    pub log_root: Hash,
    pub root: Hash,
    pub data_hash: Hash,
    pub rewards_root: Hash,
    pub parameters: Hash,
}

/// Who is asked.
#[derive(Debug)]
pub enum Authority {
    /// The Scores contract.
    Chain { provider: DynProvider, deployment: Deployment },
    /// An oracle.
    Oracle(LogServiceClient<Channel>),
}

impl Authority {
    /// Asks the Scores contract of a deployment by way of a chain's RPC.
    pub fn chain(rpc: &str, deployment: Deployment) -> Result<Self, Error> {
        let url = rpc.parse().map_err(|_| Error::Rpc)?;
        Ok(Self::Chain { provider: gpux_contracts::rpc::reader(url), deployment })
    }

    /// Asks an oracle.
    pub async fn oracle(url: &str) -> Result<Self, Error> {
        Ok(Self::Oracle(source::connect(url).await?))
    }

    /// Whose word it is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Chain { .. } => "the chain",
            Self::Oracle(_) => "the oracle",
        }
    }

    /// The newest epoch that was published.
    pub async fn newest(&mut self) -> Result<Option<u64>, Error> {
        match self {
            Self::Chain { provider, deployment } => {
                let newest = publish::latest_epoch(provider, deployment.scores).await?;
                Ok((newest > 0).then_some(newest))
            }
            Self::Oracle(client) => Ok(asked(client, 0).await?.map(|found| found.epoch)),
        }
    }

    /// What was published for an epoch, if anything.
    pub async fn published(&mut self, epoch: u64) -> Result<Option<Published>, Error> {
        match self {
            Self::Chain { provider, deployment } => {
                let found = publish::published(provider, deployment.scores, deployment.block, epoch).await?;
                Ok(found.map(|found| on_chain(&found.publication)))
            }
            Self::Oracle(client) => asked(client, epoch).await,
        }
    }
}

fn on_chain(publication: &Scores::Publish) -> Published {
    let hash = |hash: B256| hash.0;
    Published {
        epoch: publication.epoch,
        log_size: publication.logSize,
        log_root: hash(publication.logRoot),
        root: hash(publication.root),
        data_hash: hash(publication.dataHash),
        rewards_root: hash(publication.rewardsRoot),
        parameters: hash(publication.parameters),
    }
}

async fn asked(client: &mut LogServiceClient<Channel>, epoch: u64) -> Result<Option<Published>, Error> {
    let found = match client.get_epoch(GetEpochRequest { epoch }).await {
        Ok(answer) => answer.into_inner().epoch.unwrap_or_default(),
        Err(status) if status.code() == Code::NotFound => return Ok(None),
        Err(status) => return Err(Error::Oracle(Box::new(status))),
    };
    Ok(Some(Published::try_from(&found)?))
}

impl TryFrom<&Epoch> for Published {
    type Error = bytes::Error;

    fn try_from(told: &Epoch) -> Result<Self, bytes::Error> {
        Ok(Self {
            epoch: told.epoch,
            log_size: told.log_size,
            log_root: from_hex("log_root", &told.log_root)?,
            root: from_hex("root", &told.root)?,
            data_hash: from_hex("data_hash", &told.data_hash)?,
            rewards_root: from_hex("rewards_root", &told.rewards_root)?,
            parameters: from_hex("parameters", &told.parameters)?,
        })
    }
}
