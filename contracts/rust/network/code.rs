//! The code of each contract as it must stand on chain, to the byte.
//!
//! Artifacts say where in the bytecode the code on chain lies, and where in that each immutable. With the immutables' values
//! the code is known before anything is deployed, so it is compared whole, and no getter is taken at its word.

use std::collections::BTreeMap;
use std::fmt;

use alloy::primitives::{B256, Bytes, hex};
use serde::Deserialize;

/// A contract of a deployment, in the order in which they are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Who may do what.
    AccessManager,
    /// The appeal court, and after the handover arbiter and administrator.
    TimelockController,
    /// Roots of epochs.
    Scores,
    /// Stakes.
    Bonds,
    /// The escrow.
    Rentals,
    /// Bounties.
    Rewards,
    /// Disputes.
    Court,
}

impl Part {
    /// All, in the order in which they are created: each names only what came before, and Court.
    pub const ALL: [Self; 7] = [
        Self::AccessManager,
        Self::TimelockController,
        Self::Scores,
        Self::Bonds,
        Self::Rentals,
        Self::Rewards,
        Self::Court,
    ];

    /// Its name in the sources.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessManager => "AccessManager",
            Self::TimelockController => "TimelockController",
            Self::Scores => "Scores",
            Self::Bonds => "Bonds",
            Self::Rentals => "Rentals",
            Self::Rewards => "Rewards",
            Self::Court => "Court",
        }
    }

    fn artifact(self) -> &'static str {
        match self {
            Self::AccessManager => include_str!("../../artifacts/AccessManager.json"),
            Self::TimelockController => include_str!("../../artifacts/TimelockController.json"),
            Self::Scores => include_str!("../../artifacts/Scores.json"),
            Self::Bonds => include_str!("../../artifacts/Bonds.json"),
            Self::Rentals => include_str!("../../artifacts/Rentals.json"),
            Self::Rewards => include_str!("../../artifacts/Rewards.json"),
            Self::Court => include_str!("../../artifacts/Court.json"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Values of a contract's immutables, by their names in the sources.
pub(super) type Immutables = BTreeMap<&'static str, B256>;

#[derive(Debug, Deserialize)]
struct Artifact {
    bytecode: String,
    runtime: Runtime,
}

/// Where in the bytecode the code on chain lies, in bytes, and the places of each immutable in it.
#[derive(Debug, Deserialize)]
struct Runtime {
    start: usize,
    length: usize,
    immutables: BTreeMap<String, Vec<usize>>,
}

/// A contract's code.
#[derive(Debug)]
pub(super) struct Code {
    creation: Vec<u8>,
    runtime: Runtime,
}

/// What of a code is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// There is no code.
    Nothing,
    /// It is another contract's.
    Foreign,
    /// An immutable has another value: its name, what it must be and what it is.
    Immutable(String, B256, B256),
}

impl Code {
    /// The committed code of a contract.
    pub(super) fn of(part: Part) -> Self {
        let artifact: Artifact =
            serde_json::from_str(part.artifact()).expect("committed artifacts are well formed: a test reads them all");
        let creation =
            hex::decode(artifact.bytecode).expect("committed bytecode is hexadecimal: a test reads them all");
        Self { creation, runtime: artifact.runtime }
    }

    /// What creates the contract, with its encoded arguments.
    pub(super) fn creation(&self, arguments: &[u8]) -> Bytes {
        [&self.creation, arguments].concat().into()
    }

    /// What must stand on chain.
    pub(super) fn expected(&self, values: &Immutables) -> Bytes {
        let Runtime { start, length, immutables } = &self.runtime;
        let mut code = self.creation[*start..start + length].to_vec();
        for (name, places) in immutables {
            let value = values.get(name.as_str()).expect("every immutable has a value: a test asks for all");
            for place in places {
                code[*place..place + 32].copy_from_slice(value.as_slice());
            }
        }
        code.into()
    }

    /// What differs between what stands on chain and what must; nothing if it is the same to the byte.
    pub(super) fn differences(&self, found: &[u8], values: &Immutables) -> Vec<Difference> {
        let expected = self.expected(values);
        if *expected == *found {
            return Vec::new();
        }
        if found.is_empty() {
            return vec![Difference::Nothing];
        }
        if found.len() != expected.len() {
            return vec![Difference::Foreign];
        }
        let mut rest = found.to_vec();
        let mut different = Vec::new();
        for (name, places) in &self.runtime.immutables {
            let wanted = values[name.as_str()];
            for place in places {
                let is = B256::from_slice(&rest[*place..place + 32]);
                let difference = Difference::Immutable(name.clone(), wanted, is);
                if is != wanted && !different.contains(&difference) {
                    different.push(difference);
                }
                rest[*place..place + 32].copy_from_slice(wanted.as_slice());
            }
        }
        // A contract that was written to look alike, or whose immutables are spread over other places, is none of ours.
        if *rest == *expected { different } else { vec![Difference::Foreign] }
    }

    #[cfg(test)]
    pub(super) fn names(&self) -> Vec<&str> {
        self.runtime.immutables.keys().map(String::as_str).collect()
    }
}
