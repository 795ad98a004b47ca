//! From the log to the chain: epochs are closed, their leaves recorded, signed and published.
//!
//! Owns what an operator puts his name to. What is signed was recorded before, for good; what was recorded follows from the
//! log alone. Never reads a clock for anything that is folded.

mod chain;
mod closing;
mod epochs;
mod fold;
mod leaves;
mod operators;
mod power;
mod publisher;
mod signatures;

#[cfg(test)]
mod tests;

pub use chain::{Error as ChainError, ScoresChain, latest_epoch, published};
pub use epochs::{Epochs, Error as EpochError, lag};
pub use fold::{Error as FoldError, Folder};
pub use leaves::{Error as LeavesError, LeafFile, data_hash};
pub use operators::{Error as OperatorsError, Operators};
pub use publisher::{Error, Progress, Publisher, publication};
