//! The append-only Merkle log (RFC 9162, SHA-256).
//!
//! Owns the tree's arithmetic: appending, inclusion and consistency proofs, their verification, and which part of an entry
//! the fold reads. Never stores anything: the frontier and the finished subtrees are handed to `store`. Its invariant: a
//! root commits to every entry before it, in order, and a later root cannot disown an earlier one.

mod folded;
mod proof;
mod tree;

pub use folded::{Error as FoldedError, folded};
pub use proof::{Consistency, Error as ProofError, Inclusion, consistency_nodes, inclusion_nodes};
pub use tree::{Frontier, FrontierError, Hash, Position, TreeNode, empty_root, leaf_hash};
