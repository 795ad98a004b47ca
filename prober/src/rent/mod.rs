//! Renting: throw-away accounts that are paid ahead of time, the rental's terms and note, and taking everything back.
//!
//! `chain` is the only place that talks to the chain, `journal` remembers every key with money on it before it gets any,
//! `spending` what sessions cost, `purse` joins them. Invariant: whatever happens between two lines, a key with money on it stands in the journal, so that
//! `gpux-prober sweep` recovers it.
mod chain;
mod journal;
mod purse;
mod spending;
#[cfg(test)]
mod tests;

pub use chain::{Beacon, Chain, Standing, provider};
pub(crate) use chain::{GAS_RENTAL, refused};
pub use journal::{Entry, Journal};
pub use purse::{Purse, Rental};
pub use spending::{Spending, Spent};

use alloy::primitives::{Address, B256};
use std::{path::PathBuf, time::Duration};

/// Money could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The RPC did not answer or refused.
    #[error("the chain refused {what}: {reason}")]
    Chain {
        /// What was asked.
        what: &'static str,
        /// What it said, without the address of the RPC.
        reason: String,
    },
    /// The transaction was included and reverted.
    #[error("transaction {hash} ({what}) reverted")]
    Reverted {
        /// What it was for.
        what: &'static str,
        /// Its hash.
        hash: B256,
    },
    /// The transaction was not included in time.
    #[error("transaction {hash} ({what}) was not included within {waited:?}")]
    Pending {
        /// What it was for.
        what: &'static str,
        /// Its hash.
        hash: B256,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The deployment is for another chain.
    #[error("the deployment is for chain {recorded}, the RPC serves {served}")]
    ForeignChain {
        /// As recorded.
        recorded: u64,
        /// As served.
        served: u64,
    },
    /// The wallet cannot pay.
    #[error("wallet {wallet} has {has} of the {needs} {unit} that {accounts} throw-away accounts need")]
    Funds {
        /// The fisher's wallet.
        wallet: Address,
        /// What it has.
        has: String,
        /// What is needed.
        needs: String,
        /// Of what.
        unit: &'static str,
        /// For how many accounts.
        accounts: usize,
    },
    /// The session would cost more than the fisher allows.
    #[error("a session of {seconds} s at {rate} token units a second needs {needs}, more than the {limit} allowed")]
    Expensive {
        /// The session's longest duration.
        seconds: u64,
        /// The offer's rate.
        rate: u128,
        /// The deposit.
        needs: u128,
        /// The most that is allowed.
        limit: u128,
    },
    /// Something is left on an account after everything was taken back.
    #[error("account {0} still holds money; `gpux-prober sweep` tries again")]
    Left(Address),
    /// The journal cannot be read or written.
    #[error("journal {path}: {reason}")]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
    /// A message of the node's is malformed.
    #[error(transparent)]
    Field(#[from] gpux_proto::bytes::Error),
    /// The offer or terms cannot be digested.
    #[error(transparent)]
    Signing(#[from] gpux_proto::signing::Error),
}
