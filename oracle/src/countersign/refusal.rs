//! Why something is not signed.
//!
//! Owns the line between what waiting mends and what it does not: a chain that is behind or a leader who is away is waited for,
//! a lie is refused with the epoch, the entry and what differs.

use crate::{ingest, publish, replay, store};

/// An epoch that is not signed, and will not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("epoch {epoch} is not signed: entry {entry} of the leader's log: {what}")]
pub struct Refusal {
    pub epoch: u64,
    /// The first entry that is wrong; of a wrong publication the one that closes its epoch.
    pub entry: u64,
    pub what: String,
}

/// What a leader said instead of an answer; some refusals have no words.
pub(super) fn said(status: &tonic::Status) -> String {
    if status.message().is_empty() { status.code().to_string() } else { status.message().to_owned() }
}

/// What stops a check.
#[derive(Debug)]
pub(super) enum Stop {
    /// It does not hold.
    Refused(String),
    /// It cannot be answered yet.
    Waits(String),
    /// This machine, or its own chain, failed.
    Failed(anyhow::Error),
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<publish::ChainError> for Stop {
    fn from(error: publish::ChainError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ingest::Refusal> for Stop {
    fn from(refusal: ingest::Refusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

impl From<publish::FoldError> for Stop {
    fn from(error: publish::FoldError) -> Self {
        Self::Refused(replay::described(&error))
    }
}
