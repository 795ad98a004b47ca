//! The public log, its proofs and the epochs that were published from it.
//!
//! Owns the reads of LogService. Entries are handed on as they were hashed.

use gpux_proto::{
    bytes::to_hex,
    oracle::{
        self, Epoch, EpochSignature, GetConsistencyProofRequest, GetConsistencyProofResponse, GetEpochRequest,
        GetEpochResponse, GetInclusionProofRequest, GetInclusionProofResponse, ListEntriesRequest, ListEntriesResponse,
    },
};

use super::{Query, page_size};
use crate::{
    api::error::Error,
    log::{Consistency, Hash, Inclusion, ProofError, consistency_nodes, inclusion_nodes},
    store::{self, Countersignature, EpochState},
};

/// The most bytes of entries in one answer.
const BYTES_MAX: usize = 8 << 20;

impl Query {
    /// The log's size and root.
    pub(in crate::api) async fn log_head(&self) -> Result<(u64, Hash), Error> {
        Ok(self.store.log_head().await?)
    }

    /// Lists entries in order.
    pub async fn list_entries(&self, request: ListEntriesRequest) -> Result<ListEntriesResponse, Error> {
        let size = u32::try_from(page_size(request.page_size)?).unwrap_or(u32::MAX);
        let rows = self.store.log_entries(request.start, size).await?;
        let mut bytes = 0;
        let entries = rows.into_iter().map(|row| row.bytes).take_while(|entry| {
            let first = bytes == 0;
            bytes += entry.len();
            first || bytes <= BYTES_MAX
        });
        Ok(ListEntriesResponse { start: request.start, entries: entries.collect() })
    }

    /// Proves that an entry is in the log.
    pub async fn inclusion_proof(&self, request: GetInclusionProofRequest) -> Result<GetInclusionProofResponse, Error> {
        let GetInclusionProofRequest { index, size } = request;
        self.require_size("size", size).await?;
        let nodes = self.store.tree_nodes(&inclusion_nodes(index, size).map_err(refused)?).await?;
        let proof = Inclusion::assemble(index, size, &nodes).map_err(refused)?;
        Ok(GetInclusionProofResponse { index, size, path: steps(&proof.path) })
    }

    /// Proves that a later log continues an earlier one.
    pub async fn consistency_proof(
        &self,
        request: GetConsistencyProofRequest,
    ) -> Result<GetConsistencyProofResponse, Error> {
        let GetConsistencyProofRequest { old_size, new_size } = request;
        self.require_size("new_size", new_size).await?;
        let nodes = self.store.tree_nodes(&consistency_nodes(old_size, new_size).map_err(refused)?).await?;
        let proof = Consistency::assemble(old_size, new_size, &nodes).map_err(refused)?;
        Ok(GetConsistencyProofResponse { old_size, new_size, path: steps(&proof.path) })
    }

    /// Returns what is, or is to be, published for an epoch.
    pub async fn get_epoch(&self, request: GetEpochRequest) -> Result<GetEpochResponse, Error> {
        let found = match request.epoch {
            0 => self.store.latest_epoch(Some(EpochState::Confirmed)).await?,
            epoch => self.store.epoch(epoch).await?,
        };
        let found = found.ok_or_else(|| match request.epoch {
            0 => Error::not_found("a published epoch"),
            epoch => Error::not_found(format!("epoch {epoch}")),
        })?;
        let signatures = self.store.countersignatures(found.epoch).await?;
        Ok(GetEpochResponse { epoch: Some(epoch(&found, &signatures)) })
    }

    async fn require_size(&self, field: &'static str, size: u64) -> Result<(), Error> {
        let (held, _) = self.store.log_head().await?;
        if size > held {
            return Err(Error::field("MALFORMED", field, format!("{field} {size} is beyond the log's {held} entries")));
        }
        Ok(())
    }
}

fn epoch(held: &store::Epoch, signatures: &[Countersignature]) -> Epoch {
    let signature = |held: &Countersignature| EpochSignature {
        operator: to_hex(&held.operator),
        signature: to_hex(&held.signature),
    };
    let state = match held.state {
        EpochState::Built => oracle::EpochState::Built,
        EpochState::Signed => oracle::EpochState::Signed,
        EpochState::Sent => oracle::EpochState::Sent,
        EpochState::Confirmed => oracle::EpochState::Confirmed,
    };
    let sent = matches!(held.state, EpochState::Sent | EpochState::Confirmed);
    Epoch {
        epoch: held.epoch,
        log_size: held.log_size,
        log_root: to_hex(&held.log_root),
        root: to_hex(&held.root),
        data_hash: to_hex(&held.data_hash),
        rewards_root: to_hex(&held.rewards_root),
        parameters: to_hex(&held.parameters),
        leaves: held.leaves,
        transaction: if sent { to_hex(&held.transaction) } else { String::new() },
        state: state.into(),
        signatures: signatures.iter().map(signature).collect(),
    }
}

fn steps(path: &[Hash]) -> Vec<Vec<u8>> {
    path.iter().map(|hash| hash.to_vec()).collect()
}

/// A proof that cannot be asked for; a subtree that is not there is the store's fault.
fn refused(error: ProofError) -> Error {
    match error {
        ProofError::NoSuchEntry { .. } => Error::field("MALFORMED", "index", error.to_string()),
        ProofError::Backwards { .. } => Error::field("MALFORMED", "old_size", error.to_string()),
        ProofError::MissingSubtree { .. } | ProofError::Length(_) | ProofError::Root => {
            tracing::error!(%error, "a stored tree is damaged");
            Error::new("INTERNAL", "the stored tree is damaged")
        }
    }
}
