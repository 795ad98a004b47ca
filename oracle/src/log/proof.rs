//! Proofs that an entry is in the log, and that a longer log continues a shorter one (RFC 9162, 2.1.3 and 2.1.4).
//!
//! Making a proof takes a few finished subtrees and nothing else: `inclusion_nodes` and `consistency_nodes` say which,
//! the store brings them, `assemble` puts them together. Checking needs only the proof and the roots, and accepts no
//! proof that is longer or shorter than it must be.

use std::collections::BTreeMap;

use super::tree::{Hash, Position, TreeNode, empty_root, fold_right, join, perfect_subtrees};

/// Why a proof cannot be made or does not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// There is no such entry in a log of this size.
    #[error("entry {index} is not among the first {size}")]
    NoSuchEntry { index: u64, size: u64 },
    /// The later log is the shorter one.
    #[error("a log of {new} entries cannot continue one of {old}")]
    Backwards { old: u64, new: u64 },
    /// A subtree that the proof is made of was not brought.
    #[error("subtree {index} of level {level} is missing")]
    MissingSubtree { level: u8, index: u64 },
    /// The proof has not the length that its sizes ask for.
    #[error("proof has a wrong length of {0}")]
    Length(usize),
    /// The proof leads to another root.
    #[error("proof leads to another root")]
    Root,
}

/// A run of entries whose root is one step of a proof.
type Span = (u64, u64);

/// The finished subtrees that an inclusion proof is made of.
pub fn inclusion_nodes(index: u64, size: u64) -> Result<Vec<Position>, Error> {
    Ok(positions(&inclusion_spans(index, size)?))
}

/// The finished subtrees that a consistency proof is made of.
pub fn consistency_nodes(old: u64, new: u64) -> Result<Vec<Position>, Error> {
    Ok(positions(&consistency_spans(old, new)?))
}

/// The proof that an entry is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    pub index: u64,
    pub size: u64,
    /// From the leaf to the root.
    pub path: Vec<Hash>,
}

impl Inclusion {
    /// Makes the proof from the subtrees that `inclusion_nodes` named.
    pub fn assemble(index: u64, size: u64, nodes: &[TreeNode]) -> Result<Self, Error> {
        Ok(Self { index, size, path: hashes(&inclusion_spans(index, size)?, nodes)? })
    }

    /// Checks the proof against a root (RFC 9162, 2.1.3.2).
    pub fn verify(&self, leaf: &Hash, root: &Hash) -> Result<(), Error> {
        if self.index >= self.size {
            return Err(Error::NoSuchEntry { index: self.index, size: self.size });
        }
        let (mut place, mut last) = (self.index, self.size - 1);
        let mut hash = *leaf;
        for step in &self.path {
            if last == 0 {
                return Err(Error::Length(self.path.len()));
            }
            if place & 1 == 1 || place == last {
                hash = join(step, &hash);
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                hash = join(&hash, step);
            }
            place >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(Error::Length(self.path.len()));
        }
        if hash == *root { Ok(()) } else { Err(Error::Root) }
    }
}

/// The proof that a log continues an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub old: u64,
    pub new: u64,
    pub path: Vec<Hash>,
}

impl Consistency {
    /// Makes the proof from the subtrees that `consistency_nodes` named.
    pub fn assemble(old: u64, new: u64, nodes: &[TreeNode]) -> Result<Self, Error> {
        Ok(Self { old, new, path: hashes(&consistency_spans(old, new)?, nodes)? })
    }

    /// Checks the proof against both roots (RFC 9162, 2.1.4.2).
    pub fn verify(&self, old_root: &Hash, new_root: &Hash) -> Result<(), Error> {
        if self.old > self.new {
            return Err(Error::Backwards { old: self.old, new: self.new });
        }
        if self.old == 0 || self.old == self.new {
            if !self.path.is_empty() {
                return Err(Error::Length(self.path.len()));
            }
            let expected = if self.old == 0 { empty_root() } else { *new_root };
            let same = *old_root == expected && (self.new != 0 || *new_root == expected);
            return if same { Ok(()) } else { Err(Error::Root) };
        }
        // A perfect old tree is itself the first step.
        let (first, steps) = if self.old.is_power_of_two() {
            (*old_root, &self.path[..])
        } else {
            let (first, steps) = self.path.split_first().ok_or(Error::Length(0))?;
            (*first, steps)
        };
        self.walk(first, steps, old_root, new_root)
    }

    fn walk(&self, first: Hash, steps: &[Hash], old_root: &Hash, new_root: &Hash) -> Result<(), Error> {
        let shift = (self.old - 1).trailing_ones();
        let (mut place, mut last) = ((self.old - 1) >> shift, (self.new - 1) >> shift);
        let (mut old, mut new) = (first, first);
        for step in steps {
            if last == 0 {
                return Err(Error::Length(self.path.len()));
            }
            if place & 1 == 1 || place == last {
                old = join(step, &old);
                new = join(step, &new);
                while place & 1 == 0 && place != 0 {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                new = join(&new, step);
            }
            place >>= 1;
            last >>= 1;
        }
        if last != 0 {
            return Err(Error::Length(self.path.len()));
        }
        if old == *old_root && new == *new_root { Ok(()) } else { Err(Error::Root) }
    }
}

fn inclusion_spans(index: u64, size: u64) -> Result<Vec<Span>, Error> {
    if index >= size {
        return Err(Error::NoSuchEntry { index, size });
    }
    let mut spans = Vec::new();
    let (mut start, mut length) = (0, size);
    while length > 1 {
        let left = split(length);
        if index < start + left {
            spans.push((start + left, length - left));
            length = left;
        } else {
            spans.push((start, left));
            start += left;
            length -= left;
        }
    }
    spans.reverse();
    Ok(spans)
}

fn consistency_spans(old: u64, new: u64) -> Result<Vec<Span>, Error> {
    if old > new {
        return Err(Error::Backwards { old, new });
    }
    let mut spans = Vec::new();
    if old == 0 || old == new {
        return Ok(spans);
    }
    let (mut start, mut length, mut known) = (0, new, true);
    // Descends to the end of the old log; what is left of the path was in the old log as well.
    while old - start != length {
        let left = split(length);
        if old - start <= left {
            spans.push((start + left, length - left));
            length = left;
        } else {
            spans.push((start, left));
            start += left;
            length -= left;
            known = false;
        }
    }
    if !known {
        spans.push((start, length));
    }
    spans.reverse();
    Ok(spans)
}

/// The largest power of two below `length`, which is at least 2: where RFC 9162 splits a tree.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

fn positions(spans: &[Span]) -> Vec<Position> {
    spans.iter().flat_map(|(start, length)| perfect_subtrees(*start, *length)).collect()
}

fn hashes(spans: &[Span], nodes: &[TreeNode]) -> Result<Vec<Hash>, Error> {
    let known: BTreeMap<Position, Hash> = nodes.iter().map(|node| (node.position, node.hash)).collect();
    let find = |position: &Position| {
        known.get(position).copied().ok_or(Error::MissingSubtree { level: position.level, index: position.index })
    };
    let mut path = Vec::with_capacity(spans.len());
    for (start, length) in spans {
        let parts = perfect_subtrees(*start, *length).iter().map(find).collect::<Result<Vec<_>, _>>()?;
        path.push(fold_right(&parts).unwrap_or_else(empty_root));
    }
    Ok(path)
}

#[cfg(test)]
mod tests;
