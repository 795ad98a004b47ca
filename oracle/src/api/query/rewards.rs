//! What fishers have earned, with proofs for the Rewards contract.
//!
//! Owns the tree of one rewards root in memory. Its invariant: a proof is handed out only if the rebuilt root is the one that
//! was asked for.

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use gpux_contracts::merkle;
use gpux_proto::{
    bytes::{self, from_hex},
    oracle::{GetRewardRequest, GetRewardResponse, Reward},
};
use tokio::sync::Mutex;

use super::Query;
use crate::{
    api::error::Error,
    reward::RewardFile,
    store::{Blob, EpochState},
};

/// What one root assigns.
#[derive(Debug)]
struct Claims {
    file: RewardFile,
    tree: merkle::Tree,
}

/// The root that was asked for last: fishers claim by the active one, and ask for no other.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Option<Arc<Claims>>>);

impl Query {
    /// Returns a fisher's account, with a proof of what he may claim.
    pub async fn get_reward(&self, request: GetRewardRequest) -> Result<GetRewardResponse, Error> {
        let malformed = |field, error: bytes::Error| Error::field("MALFORMED", field, error.to_string());
        let fisher: [u8; 20] = from_hex("fisher", &request.fisher).map_err(|error| malformed("fisher", error))?;
        let claims = match request.root.as_str() {
            "" => self.newest_claims().await?,
            root => {
                let root = B256::from(from_hex::<32>("root", root).map_err(|error| malformed("root", error))?);
                let claims = self.claims(root).await?;
                Some(claims.ok_or_else(|| Error::not_found(format_args!("rewards root {root}")))?)
            }
        };
        let account = self.store.reward(fisher).await?;
        let known = account.is_some() || self.store.fisher(fisher).await?.is_some();
        let address = Address::from(fisher);
        let cumulative = claims.as_ref().and_then(|claims| claims.file.cumulative(&address));
        if !known && cumulative.is_none() {
            return Err(Error::not_found(format_args!("fisher {}", bytes::to_hex(&fisher))));
        }
        let (epoch, account) = account.map(|row| (row.epoch, row.account)).unwrap_or_default();
        let mut reward = Reward {
            fisher: bytes::to_hex(&fisher),
            earned: account.earned.to_string(),
            pending: account.pending.to_string(),
            forfeited: account.forfeited.to_string(),
            epoch,
            cumulative: cumulative.unwrap_or(0).to_string(),
            ..Reward::default()
        };
        if let Some(claims) = claims {
            reward.root = bytes::to_hex(claims.tree.root().as_slice());
            if let Some(cumulative) = cumulative {
                let proof = claims.tree.proof(merkle::reward_leaf_hash(address, cumulative));
                let proof = proof.map_err(|error| damaged(&error))?;
                reward.proof = proof.iter().map(|hash| bytes::to_hex(hash.as_slice())).collect();
            }
        }
        Ok(GetRewardResponse { reward: Some(reward) })
    }

    /// What the newest final epoch assigns; nothing before anybody may claim.
    async fn newest_claims(&self) -> Result<Option<Arc<Claims>>, Error> {
        let Some(epoch) = self.store.latest_epoch(Some(EpochState::Confirmed)).await? else { return Ok(None) };
        let root = B256::from(epoch.rewards_root);
        if root.is_zero() {
            return Ok(None);
        }
        let claims = self.claims(root).await?;
        Ok(Some(claims.ok_or_else(|| damaged(&"it is missing"))?))
    }

    /// What a root assigns, if this oracle ever computed it.
    async fn claims(&self, root: B256) -> Result<Option<Arc<Claims>>, Error> {
        let mut held = self.claims.0.lock().await;
        if let Some(claims) = held.as_ref().filter(|held| held.tree.root() == root) {
            return Ok(Some(Arc::clone(claims)));
        }
        let Some(file) = self.store.blob(Blob::Rewards, root.0).await? else { return Ok(None) };
        let built = tokio::task::spawn_blocking(move || build(root, &file)).await;
        let claims = Arc::new(built.map_err(|error| damaged(&error))??);
        *held = Some(Arc::clone(&claims));
        Ok(Some(claims))
    }
}

fn build(root: B256, file: &[u8]) -> Result<Claims, Error> {
    let file = RewardFile::read(file).map_err(|error| damaged(&error))?;
    let tree = file.tree().filter(|tree| tree.root() == root).ok_or_else(|| damaged(&"its root is another one"))?;
    Ok(Claims { file, tree })
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    tracing::error!(%error, "a reward file cannot be used");
    Error::new("INTERNAL", "the reward file cannot be used")
}
