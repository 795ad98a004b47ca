//! The tree whose root an epoch publishes, in the format of OpenZeppelin's StandardMerkleTree: leaves hashed twice and
//! sorted, laid out as a complete binary tree in an array, each inner node the hash of its two children in rising order.
//!
//! It holds hashes only and never the leaves themselves. The root depends on the set of leaves alone, not on their order.

use alloy::primitives::{Address, B256, keccak256};
use alloy::sol_types::SolValue;

use crate::bindings::Scores;

/// Why there is no tree or no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A tree needs at least one leaf.
    #[error("a merkle tree of no leaves has no root")]
    Empty,
    /// Two equal leaves could not be told apart.
    #[error("leaf {0} is in the tree twice")]
    Duplicate(B256),
    /// The leaf is not in this tree.
    #[error("leaf {0} is not in the tree")]
    Absent(B256),
}

/// A leaf's hash; as `Scores.leafHash`.
pub fn leaf_hash(leaf: &Scores::Leaf) -> B256 {
    // Twice, so that an inner node (one hash of 64 bytes) never passes for a leaf.
    keccak256(keccak256(leaf.abi_encode()))
}

/// The hash of what a fisher may claim in all, in token units; as `Rewards.leafHash`.
pub fn reward_leaf_hash(fisher: Address, cumulative: u128) -> B256 {
    keccak256(keccak256((fisher, cumulative).abi_encode()))
}

/// A built tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The root first; children of i at 2i + 1 and 2i + 2; the sorted leaves last, in falling order.
    nodes: Vec<B256>,
    leaves: usize,
}

impl Tree {
    /// Builds the tree of these leaves.
    pub fn of_leaves<'a>(leaves: impl IntoIterator<Item = &'a Scores::Leaf>) -> Result<Self, Error> {
        Self::of_hashes(leaves.into_iter().map(leaf_hash).collect())
    }

    /// Builds the tree of leaves that were hashed already.
    pub fn of_hashes(mut hashes: Vec<B256>) -> Result<Self, Error> {
        let leaves = hashes.len();
        if leaves == 0 {
            return Err(Error::Empty);
        }
        hashes.sort_unstable();
        if let Some(pair) = hashes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Duplicate(pair[0]));
        }
        let mut nodes = vec![B256::ZERO; leaves - 1];
        nodes.extend(hashes.into_iter().rev());
        for index in (0..leaves - 1).rev() {
            nodes[index] = node_hash(nodes[2 * index + 1], nodes[2 * index + 2]);
        }
        Ok(Self { nodes, leaves })
    }

    /// What is published.
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// How many leaves the tree has.
    pub fn leaf_count(&self) -> usize {
        self.leaves
    }

    /// The siblings on the way from a leaf's hash to the root.
    pub fn proof(&self, leaf: B256) -> Result<Vec<B256>, Error> {
        let first = self.leaves - 1;
        // The leaves lie in falling order.
        let place = self.nodes[first..].binary_search_by(|other| leaf.cmp(other)).map_err(|_| Error::Absent(leaf))?;
        let mut index = first + place;
        let mut proof = Vec::new();
        while index > 0 {
            let sibling = if index % 2 == 1 { index + 1 } else { index - 1 };
            proof.push(self.nodes[sibling]);
            index = (index - 1) / 2;
        }
        Ok(proof)
    }
}

/// Whether the proof leads from the leaf's hash to the root.
pub fn verify(root: B256, leaf: B256, proof: &[B256]) -> bool {
    proof.iter().fold(leaf, |hash, sibling| node_hash(hash, *sibling)) == root
}

fn node_hash(a: B256, b: B256) -> B256 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    keccak256([low.0, high.0].concat())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{U256, b256};

    use super::*;

    fn hashes(count: u64) -> Vec<B256> {
        (0..count).map(|index| keccak256(keccak256(index.to_be_bytes()))).collect()
    }

    #[test]
    fn every_leaf_of_every_size_has_a_proof_and_no_other_value_has() {
        for count in 1..=65 {
            let leaves = hashes(count);
            let tree = Tree::of_hashes(leaves.clone()).unwrap();
            for leaf in &leaves {
                let proof = tree.proof(*leaf).unwrap();
                assert!(verify(tree.root(), *leaf, &proof), "size {count}");
                let stranger = keccak256(leaf);
                assert!(!verify(tree.root(), stranger, &proof), "size {count}");
                assert_eq!(tree.proof(stranger), Err(Error::Absent(stranger)));
            }
        }
    }

    /// The example of the README of OpenZeppelin's `@openzeppelin/merkle-tree`: two (address, uint256) values.
    #[test]
    fn the_librarys_published_example_has_its_root() {
        let value = |byte, amount: u64| {
            let encoded = (Address::repeat_byte(byte), U256::from(amount)).abi_encode();
            keccak256(keccak256(encoded))
        };
        let hashes = vec![value(0x11, 5_000_000_000_000_000_000), value(0x22, 2_500_000_000_000_000_000)];
        let tree = Tree::of_hashes(hashes).unwrap();
        assert_eq!(tree.root(), b256!("d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"));
    }

    #[test]
    fn the_root_does_not_depend_on_the_order() {
        let mut leaves = hashes(19);
        let root = Tree::of_hashes(leaves.clone()).unwrap().root();
        leaves.reverse();
        leaves.rotate_left(7);
        assert_eq!(Tree::of_hashes(leaves).unwrap().root(), root);
    }

    #[test]
    fn no_leaves_and_equal_leaves_are_refused() {
        assert_eq!(Tree::of_hashes(Vec::new()), Err(Error::Empty));
        let twice = hashes(1)[0];
        assert_eq!(Tree::of_hashes(vec![twice, twice]), Err(Error::Duplicate(twice)));
    }
}
