//! The stages of the handover, and who holds what in each.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256, keccak256};

use super::Error;
use super::file::Network;

/// How far power has gone from the Safe to the votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The Safe rules and administers; the timelock hears appeals.
    A,
    /// The timelock does all three, on the Safe's proposals.
    B,
    /// The Governor proposes to the timelock, the Safe only cancels.
    C,
    /// The Safe is gone.
    D,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "A" | "a" => Ok(Self::A),
            "B" | "b" => Ok(Self::B),
            "C" | "c" => Ok(Self::C),
            "D" | "d" => Ok(Self::D),
            _ => Err("a stage is A, B, C or D".to_owned()),
        }
    }
}

/// The timelock's roles, as OpenZeppelin names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimelockRole {
    Admin,
    Proposer,
    Canceller,
    Executor,
}

impl TimelockRole {
    pub(super) const ALL: [Self; 4] = [Self::Admin, Self::Proposer, Self::Canceller, Self::Executor];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Admin => "administrators",
            Self::Proposer => "proposers",
            Self::Canceller => "cancellers",
            Self::Executor => "executors",
        }
    }

    pub(super) fn id(self) -> B256 {
        match self {
            Self::Admin => B256::ZERO,
            Self::Proposer => keccak256("PROPOSER_ROLE"),
            Self::Canceller => keccak256("CANCELLER_ROLE"),
            Self::Executor => keccak256("EXECUTOR_ROLE"),
        }
    }
}

/// Who holds what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Power<'a> {
    network: &'a Network,
    timelock: Address,
    stage: Stage,
    /// The Governor where the stage has one, else the Safe.
    proposer: Address,
}

impl<'a> Power<'a> {
    /// In a stage. From C on the network file must name the Governor.
    pub(super) fn in_stage(stage: Stage, network: &'a Network, timelock: Address) -> Result<Self, Error> {
        let proposer = match stage {
            Stage::A | Stage::B => network.admin,
            Stage::C | Stage::D => network.governor.ok_or(Error::NoGovernor)?,
        };
        Ok(Self { network, timelock, stage, proposer })
    }

    pub(super) fn arbiter(&self) -> Address {
        if self.stage == Stage::A { self.network.arbiter } else { self.timelock }
    }

    pub(super) fn administrator(&self) -> Address {
        if self.stage == Stage::A { self.network.admin } else { self.timelock }
    }

    pub(super) fn holders(&self, role: TimelockRole) -> Vec<Address> {
        match role {
            TimelockRole::Admin => vec![self.timelock],
            TimelockRole::Proposer => vec![self.proposer],
            TimelockRole::Canceller if self.stage == Stage::C => vec![self.network.admin, self.proposer],
            TimelockRole::Canceller => vec![self.proposer],
            // Everybody may execute what has waited.
            TimelockRole::Executor => vec![Address::ZERO],
        }
    }
}
