//! Who holds a role: everybody who was ever granted it, asked whether he has it still.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use alloy::providers::Provider as _;
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent as _;

use super::Error;
use super::rpc::{Client, answered};
use crate::bindings::{AccessManager, TimelockController};

/// The fewest blocks that every RPC answers about at once.
const RANGE_MIN: u64 = 1_000;
/// A deployment grants about ten roles in its life. Who can grant more has the role of an administrator.
const GRANTS_MAX: usize = 1_000;

impl Client {
    /// The accounts that an AccessManager's role was granted to, by role.
    pub(super) async fn granted(&self, manager: Address, since: u64) -> Result<BTreeSet<(u64, Address)>, Error> {
        let topic = AccessManager::RoleGranted::SIGNATURE_HASH;
        let logs = self.logs(manager, topic, since).await?;
        let decoded = logs.iter().map(|log| AccessManager::RoleGranted::decode_log(&log.inner));
        decoded.map(|log| log.map(|log| (log.roleId, log.account)).map_err(|_| Error::Log)).collect()
    }

    /// The accounts that a timelock's role was granted to, by role.
    pub(super) async fn granted_in_timelock(
        &self,
        at: Address,
        since: u64,
    ) -> Result<BTreeSet<(B256, Address)>, Error> {
        let topic = TimelockController::RoleGranted::SIGNATURE_HASH;
        let logs = self.logs(at, topic, since).await?;
        let decoded = logs.iter().map(|log| TimelockController::RoleGranted::decode_log(&log.inner));
        decoded.map(|log| log.map(|log| (log.role, log.account)).map_err(|_| Error::Log)).collect()
    }

    /// All logs of one kind: at once if the RPC answers that, else in pieces.
    async fn logs(&self, address: Address, topic: B256, since: u64) -> Result<Vec<Log>, Error> {
        let end = answered(self.provider.get_block_number()).await?;
        let (mut from, mut span, mut found) = (since, end.saturating_sub(since) + 1, Vec::new());
        while from <= end {
            let to = end.min(from + span - 1);
            let filter = Filter::new().address(address).event_signature(topic).from_block(from).to_block(to);
            match answered(self.provider.get_logs(&filter)).await {
                Ok(logs) => found.extend(logs),
                Err(Error::Rpc(_) | Error::Slow) if span > RANGE_MIN => {
                    span = (span / 2).max(RANGE_MIN);
                    continue;
                }
                Err(error) => return Err(error),
            }
            if found.len() > GRANTS_MAX {
                return Err(Error::TooManyGrants(address));
            }
            from = to + 1;
        }
        Ok(found)
    }
}
