//! The contracts of GPUX, for Rust: bindings of the committed artifacts, the record of a deployment, the deployment of
//! a development market and of one for money, what operators sign for the chain, key files, and the Merkle trees that it verifies.
//!
//! The crate never decides anything: what holds on chain is decided in `contracts/src`, and what is here says the same
//! in Rust, byte for byte (tests compare both on a real chain). It reads no clock and keeps no state.

pub mod anvil;
mod bindings;
pub mod court;
mod deploy;
mod deployment;
pub mod keys;
pub mod merkle;
pub mod network;
mod opening;
pub mod rpc;
mod typed_data;
mod wire;

pub use bindings::{AccessManager, Bonds, Court, Rentals, Rewards, Scores, TestToken, TimelockController};
pub use deploy::{CourtOptions, DeployError, DevelopmentOptions, GUARDIAN_ROLE, Judge, deploy_development};
pub use deployment::{Deployment, DeploymentError};
pub use opening::{OpeningError, opening};
pub use typed_data::{conviction_digest, opening_digest, publish_digest};
pub use wire::published;
