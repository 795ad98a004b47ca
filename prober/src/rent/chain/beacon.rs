//! Compares an epoch's beacon with the fisher's own chain.
use super::{Chain, Error, refused};
use alloy::{primitives::B256, providers::Provider as _, rpc::types::Block};

/// What the chain says of a block that shall be an epoch's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beacon {
    /// It is.
    Confirmed,
    /// The chain has no such block, so far.
    Unknown,
    /// It is not, for this reason.
    Contradicted(&'static str),
}

impl Chain {
    /// Whether a hash is that of the first block at or after the beginning of an epoch.
    pub async fn beacon(&self, hash: [u8; 32], epoch: u64, epoch_secs: u32) -> Result<Beacon, Error> {
        let begins = epoch.saturating_mul(epoch_secs.into());
        let Some(block) = self.block(hash.into()).await? else { return Ok(Beacon::Unknown) };
        let number = block.header.number;
        let canonical = self.provider.get_block_by_number(number.into()).await.map_err(refused("a block"))?;
        if canonical.is_none_or(|canonical| canonical.header.hash != block.header.hash) {
            return Ok(Beacon::Contradicted("it is not on the chain any more"));
        }
        if block.header.timestamp < begins {
            return Ok(Beacon::Contradicted("its block lies before the epoch"));
        }
        if number == 0 {
            return Ok(Beacon::Confirmed);
        }
        // A later block of the epoch would be one that the oracle picked.
        Ok(match self.block(block.header.parent_hash).await? {
            None => Beacon::Unknown,
            Some(parent) if parent.header.timestamp < begins => Beacon::Confirmed,
            Some(_) => Beacon::Contradicted("its block is not the first of the epoch"),
        })
    }

    async fn block(&self, hash: B256) -> Result<Option<Block>, Error> {
        self.provider.get_block_by_hash(hash).await.map_err(refused("a block"))
    }
}
