//! A deployment for money: from a network file to contracts that stand, are checked to the byte, and change hands.
//!
//! Owns the file, the plan and its price, the run, the check of what stands, and the stages of the handover. Its invariant:
//! when a run is over, the key that paid for it has no role in anything; whoever decides is named in the file.

mod calls;
mod code;
mod cost;
mod file;
mod handover;
mod holders;
mod plan;
mod progress;
mod rpc;
mod run;
mod stage;
mod verify;

use std::path::PathBuf;

use alloy::primitives::{Address, B256};

pub use calls::{Priced, calls, told as calls_told};
pub use code::Part;
pub use cost::{Cost, Fees};
pub use file::{Defaults, FileError, Network, Periods, Rules, Windows};
pub use handover::{Action, By, Turn};
pub use plan::Addresses;
pub use rpc::Client;
pub use run::{Event, Plan, Planned};
pub use stage::Stage;
pub use verify::Check;

use crate::deployment::DeploymentError;

/// Why a deployment was not planned, made, checked or handed over.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The record of the deployment cannot be used.
    #[error(transparent)]
    Record(#[from] DeploymentError),
    /// The node did not answer, or with an error.
    #[error("the chain's RPC failed: {0}")]
    Rpc(String),
    /// The node took too long.
    #[error("the chain's RPC did not answer in time: try again, or another one")]
    Slow,
    /// The RPC serves another chain.
    #[error("the network file is for chain {named}, the RPC serves {served}")]
    ForeignChain {
        /// As the file says.
        named: u64,
        /// As served.
        served: u64,
    },
    /// The coin is none.
    #[error("token {0} is no coin of six decimals on this chain: amounts and scores count in millionths")]
    Token(Address),
    /// The administrator is a key.
    #[error("administrator {0} has no code: deploy the Safe first, since a lost key cannot be replaced")]
    AdminIsNoContract(Address),
    /// Nothing can be signed.
    #[error("this needs the deployer's key: name its file with --key-file")]
    NoKey,
    /// The deployer is a party.
    #[error("the deployer {0} is administrator or guardian too: use a key that has no other part, it keeps no role")]
    DeployerHasRole(Address),
    /// A transaction of the deployer is not in a block yet.
    #[error(
        "a transaction of the deployer {0} waits: addresses follow from its number, so wait until it is in a block"
    )]
    Waits(Address),
    /// What an earlier run left cannot be used.
    #[error("cannot use {path}, which says how far a run came: {reason}")]
    Progress {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another account began.
    #[error("the deployment was begun by {begun}, the key is that of {given}: use the first")]
    ForeignProgress {
        /// Who began.
        begun: Address,
        /// Whose key was given.
        given: Address,
    },
    /// The network file, or this program's contracts, are not those that the deployment was begun with.
    #[error("what is to be deployed has changed since the deployment began: restore it, or remove {0} and begin anew")]
    ChangedPlan(PathBuf),
    /// Something else stands where a contract must, or nothing does.
    #[error(
        "{part} does not stand at {address}: the deployer's key was used for something else, or its creation failed; \
         remove the progress file and begin anew"
    )]
    Misplaced {
        /// Which contract.
        part: Part,
        /// Where it must stand.
        address: Address,
    },
    /// Stages C and D are the Governor's.
    #[error("the network file names no governor: stages C and D hand over to it")]
    NoGovernor,
    /// The Governor's votes would have no effect here.
    #[error("governor {governor} does not decide through the timelock {timelock}: name the one that does")]
    Governor {
        /// As the network file says.
        governor: Address,
        /// The deployment's.
        timelock: Address,
    },
    /// The stage before is not over.
    #[error("the stage before must be over: until {0}, nothing is handed on")]
    StageBefore(&'static str),
    /// The vote was lost, cancelled or let lapse.
    #[error("the motion was voted on and did not pass: the Safe stays as it is until another motion takes its role")]
    Voted,
    /// A log of a role does not decode.
    #[error("the chain's RPC serves a false log: ask another one")]
    Log,
    /// A role was granted more often than anybody can mean.
    #[error("roles of {0} were granted over a thousand times: an administrator hides something, look at its logs")]
    TooManyGrants(Address),
    /// A transaction was included and failed.
    #[error("{what}: transaction {hash} reverted")]
    Reverted {
        /// Which step.
        what: &'static str,
        /// Its hash.
        hash: B256,
    },
    /// A transaction was not included in time; it may still be.
    #[error("{what}: the transaction is in no block after {} s; run again later", rpc::INCLUSION.as_secs())]
    Pending {
        /// Which step.
        what: &'static str,
    },
}
