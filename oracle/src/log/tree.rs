//! The tree: hashes of leaves and inner nodes, and the frontier that appends in logarithmic time.
//!
//! The frontier is the list of perfect subtrees that the log consists of, largest first: one for each bit of its size.
//! Whoever keeps it can append and name the root without any older entry.

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The root of a log without entries: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The hash of an entry's bytes. The prefix keeps a leaf from being shown as an inner node (RFC 9162, 2.1.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// The hash of two subtrees side by side.
pub(super) fn join(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The place of a perfect subtree: it covers entries `index << level` to `(index + 1) << level`, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub level: u8,
    pub index: u64,
}

/// A perfect subtree's place and hash; once made it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeNode {
    pub position: Position,
    pub hash: Hash,
}

/// What is needed to append to a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Perfect subtrees, largest first; as many as `size` has bits.
    roots: Vec<Hash>,
}

/// A frontier whose hashes do not fit its size.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a log of {size} entries has {expected} perfect subtrees, not {found}")]
pub struct FrontierError {
    size: u64,
    expected: u32,
    found: usize,
}

impl Frontier {
    /// The frontier of a log without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores what was kept.
    pub fn restore(size: u64, roots: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones();
        if usize::try_from(expected).ok() != Some(roots.len()) {
            return Err(FrontierError { size, expected, found: roots.len() });
        }
        Ok(Self { size, roots })
    }

    /// The number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes to keep, largest subtree first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The places of those hashes.
    #[must_use]
    pub fn positions(size: u64) -> Vec<Position> {
        perfect_subtrees(0, size)
    }

    /// Appends an entry; returns the subtrees that it completed, its own leaf first.
    pub fn append(&mut self, leaf: Hash) -> Vec<TreeNode> {
        let mut node = TreeNode { position: Position { level: 0, index: self.size }, hash: leaf };
        let mut finished = vec![node];
        // Every trailing one of the size is a subtree that waits for a right-hand neighbour of its own height.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("a frontier has a subtree for each bit of its size");
            node = TreeNode {
                position: Position { level: node.position.level + 1, index: node.position.index / 2 },
                hash: join(&left, &node.hash),
            };
            finished.push(node);
        }
        self.roots.push(node.hash);
        self.size += 1;
        finished
    }

    /// The root of the log.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(&self.roots).unwrap_or_else(empty_root)
    }
}

/// The hash over perfect subtrees side by side, largest first.
pub(super) fn fold_right(hashes: &[Hash]) -> Option<Hash> {
    let (last, rest) = hashes.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| join(left, &right)))
}

/// The perfect subtrees of `length` entries from `start`, largest first; `start` is a multiple of the largest.
pub(super) fn perfect_subtrees(start: u64, length: u64) -> Vec<Position> {
    let (mut start, mut left) = (start, length);
    let mut positions = Vec::new();
    while left > 0 {
        let level = left.ilog2() as u8;
        positions.push(Position { level, index: start >> level });
        start += 1 << level;
        left -= 1 << level;
    }
    positions
}
