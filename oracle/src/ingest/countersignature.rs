//! Checks an operator's signature over an epoch.
//!
//! Owns whose it is and what of: the signer is recovered over the publication as this oracle recorded it, so a signature over
//! anything else is a stranger's. How many are needed is Scores' and the publisher's to say.

use alloy::primitives::Address;
use gpux_contracts::publish_digest;
use gpux_proto::{bytes::from_hex, oracle::CountersignRequest, signing::recover_ecdsa};

use super::{Ingest, Refusal};
use crate::{
    publish::publication,
    store::{self, Countersignature, EpochState},
};

impl Ingest {
    /// Accepts an operator's signature over an epoch that is held; returns how many are held then. The same again changes nothing.
    pub async fn countersign(&self, request: &CountersignRequest) -> Result<u32, Refusal> {
        let epoch = self.store.epoch(request.epoch).await.map_err(Refusal::Store)?;
        let epoch = epoch.ok_or(Refusal::EpochUnknown(request.epoch))?;
        let signature: [u8; 65] = from_hex("signature", &request.signature)?;
        let deployment = &self.rules.deployment;
        let digest = publish_digest(&publication(&epoch), deployment.chain_id, deployment.scores);
        let operator: Address = recover_ecdsa("countersignature", &digest.0, &signature)?;
        if !self.operators.contains(operator).await.map_err(Refusal::Operators)? {
            return Err(Refusal::NotAnOperator { account: operator, epoch: epoch.epoch });
        }
        // What is on chain needs no more.
        if epoch.state != EpochState::Confirmed {
            let signature = Countersignature { epoch: epoch.epoch, operator: operator.into_array(), signature };
            self.store.countersign(signature).await.map_err(|error| match error {
                store::Error::CountersignaturesFull { .. } => Refusal::CountersignaturesFull(epoch.epoch),
                error => Refusal::Store(error),
            })?;
        }
        let held = self.store.countersignatures(epoch.epoch).await.map_err(Refusal::Store)?;
        Ok(u32::try_from(held.len()).unwrap_or(u32::MAX))
    }
}
