//! A node's leaf in the newest root on chain, with its proof.
//!
//! Owns the tree of one epoch in memory, rebuilt from its leaf file when a newer epoch is on chain: a proof then costs a
//! lookup. Its invariant: a proof is handed out only if the rebuilt root is the one that was published.

use std::sync::Arc;

use alloy::primitives::B256;
use gpux_contracts::merkle;
use gpux_proto::{bytes, oracle::OnChain};
use tokio::sync::Mutex;

use super::Query;
use crate::{
    api::error::Error,
    publish::LeafFile,
    store::{Blob, Epoch, EpochState},
};

/// A published epoch with its tree.
#[derive(Debug)]
struct Published {
    epoch: Epoch,
    file: LeafFile,
    tree: merkle::Tree,
}

/// The newest one that was asked for. One task rebuilds it while the others wait: none of them could answer without it.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Option<Arc<Published>>>);

impl Query {
    /// The node's leaf; none before an epoch with the node is on chain.
    pub(super) async fn on_chain(&self, node: [u8; 32]) -> Result<Option<OnChain>, Error> {
        let Some(published) = self.published().await? else { return Ok(None) };
        let Some(leaf) = published.file.leaf(&B256::from(node)) else { return Ok(None) };
        let proof = published.tree.proof(merkle::leaf_hash(leaf)).map_err(|error| damaged(&error))?;
        Ok(Some(OnChain {
            epoch: leaf.epoch,
            root: bytes::to_hex(&published.epoch.root),
            certificates: bytes::to_hex(leaf.certificates.as_slice()),
            score_low_bps: leaf.scoreLowBps.into(),
            score_bps: leaf.scoreBps.into(),
            verdict: leaf.verdict.into(),
            probes: leaf.probes,
            proof: proof.iter().map(|hash| bytes::to_hex(hash.as_slice())).collect(),
            transaction: transaction(&published.epoch),
            scores: bytes::to_hex(self.view.deployment.scores.as_slice()),
        }))
    }

    /// The newest confirmed epoch, or before the first one the newest whose transaction is under way.
    async fn published(&self) -> Result<Option<Arc<Published>>, Error> {
        let epoch = match self.store.latest_epoch(Some(EpochState::Confirmed)).await? {
            None => self.store.latest_epoch(Some(EpochState::Sent)).await?,
            confirmed => confirmed,
        };
        let Some(epoch) = epoch else { return Ok(None) };
        let mut held = self.published.0.lock().await;
        if let Some(published) = held.as_ref().filter(|held| held.epoch == epoch) {
            return Ok(Some(Arc::clone(published)));
        }
        let file = self.store.blob(Blob::Leaves, epoch.data_hash).await?;
        let file = file.ok_or_else(|| damaged(&"it is missing"))?;
        let built = tokio::task::spawn_blocking(move || build(epoch, &file)).await;
        let published = Arc::new(built.map_err(|error| damaged(&error))??);
        *held = Some(Arc::clone(&published));
        Ok(Some(published))
    }
}

fn build(epoch: Epoch, file: &[u8]) -> Result<Published, Error> {
    let file = LeafFile::read(file).map_err(|error| damaged(&error))?;
    let tree = file.tree().map_err(|error| damaged(&error))?;
    if tree.root() != B256::from(epoch.root) {
        return Err(damaged(&"its root is not the published one"));
    }
    Ok(Published { epoch, file, tree })
}

fn transaction(epoch: &Epoch) -> String {
    if epoch.transaction.len() == 32 { bytes::to_hex(&epoch.transaction) } else { String::new() }
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    tracing::error!(%error, "the published leaf file cannot be used");
    Error::new("INTERNAL", "the published leaf file cannot be used")
}
