//! The chain's facts: rentals, payments, bonds, cases, beacons.
//!
//! Owns the indexer and everything that asks the chain's RPC for it. Never sends a transaction (`publish` does) and never
//! judges what it reads. Its invariant: only facts of finalised blocks enter the log, each once, in their order.

mod backoff;
mod block;
mod facts;
mod indexer;
mod rpc;

#[cfg(test)]
pub(crate) mod tests;

pub use backoff::Backoff;
pub use indexer::{Error, Indexer, Progress};
pub use rpc::{Error as RpcError, Head, Heads, Rpc};
