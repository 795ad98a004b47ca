//! What everybody may claim: the file whose tree `Rewards` pays by.
//!
//! Owns the canonical text, one line a fisher in the order of their addresses, and the step to the tree. It says nothing of
//! the epoch, so that equal claims have equal files and one name: the root.

use std::fmt::Write as _;

use alloy::primitives::{Address, B256};
use gpux_contracts::merkle;
use gpux_proto::bytes;

/// The first line; it names the columns and, with them, the version of the format.
const HEADER: &str = "fisher,cumulative\n";
/// The most fishers: a tree of more would not fit the process.
const FISHERS_MAX: usize = 16_000_000;

/// Why there is no reward file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The file is not in the canonical form.
    #[error("line {line} of the reward file is not in the canonical form")]
    Form { line: usize },
    /// The file has too many fishers.
    #[error("{0} fishers are more than {FISHERS_MAX}")]
    TooMany(usize),
}

/// What each fisher may claim in all, in the token's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RewardFile {
    /// In the order of the addresses.
    fishers: Vec<(Address, u128)>,
}

impl RewardFile {
    /// The file of these amounts, each fisher once; those without any are left out, since nobody can claim nothing.
    pub fn of(amounts: impl IntoIterator<Item = (Address, u128)>) -> Self {
        let mut fishers: Vec<_> = amounts.into_iter().filter(|(_, amount)| *amount > 0).collect();
        fishers.sort_unstable();
        Self { fishers }
    }

    /// Reads a file that was written by `bytes`; no other form is accepted.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(file).map_err(|_| Error::Form { line: 1 })?;
        let rows = text.strip_prefix(HEADER).ok_or(Error::Form { line: 1 })?;
        let count = rows.lines().count();
        if count > FISHERS_MAX {
            return Err(Error::TooMany(count));
        }
        let fisher = |(at, row)| fisher(row).ok_or(Error::Form { line: at + 2 });
        let read = Self { fishers: rows.lines().enumerate().map(fisher).collect::<Result<_, _>>()? };
        if let Some(at) = read.fishers.windows(2).position(|pair| pair[0].0 >= pair[1].0) {
            return Err(Error::Form { line: at + 3 });
        }
        // Leading zeros or a missing newline would be another file with the same claims.
        if read.bytes() == file { Ok(read) } else { Err(Error::Form { line: count + 1 }) }
    }

    /// The canonical text.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(HEADER.len() + self.fishers.len() * 64);
        text.push_str(HEADER);
        for (fisher, amount) in &self.fishers {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{},{amount}", bytes::to_hex(fisher.as_slice()));
        }
        text.into_bytes()
    }

    /// How many fishers may claim something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fishers.len()
    }

    /// Whether nobody may claim anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fishers.is_empty()
    }

    /// What a fisher may claim in all.
    #[must_use]
    pub fn cumulative(&self, fisher: &Address) -> Option<u128> {
        let at = self.fishers.binary_search_by_key(fisher, |(fisher, _)| *fisher).ok()?;
        Some(self.fishers[at].1)
    }

    /// The tree whose leaves are `Rewards.leafHash`; none if nobody may claim anything, which the root zero says.
    #[must_use]
    pub fn tree(&self) -> Option<merkle::Tree> {
        let hashes = self.fishers.iter().map(|(fisher, amount)| merkle::reward_leaf_hash(*fisher, *amount)).collect();
        // Each fisher is there once, so no two leaves are equal.
        merkle::Tree::of_hashes(hashes).ok()
    }

    /// The root of the tree, or zero.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree().map_or(B256::ZERO, |tree| tree.root())
    }
}

fn fisher(row: &str) -> Option<(Address, u128)> {
    let (fisher, amount) = row.split_once(',')?;
    let amount: u128 = amount.parse().ok()?;
    (amount > 0).then_some((bytes::from_hex::<20>("fisher", fisher).ok()?.into(), amount))
}
