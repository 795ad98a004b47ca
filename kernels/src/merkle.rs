//! Merkle trees over the units of a round, and over the rounds of a session.
//!
//! Leaves, inner nodes and roots are hashed under different BLAKE3 derivation contexts, a leaf binds its index and
//! the total, a root binds the total. So an inner node never passes for a leaf, and a tree never for a larger or
//! smaller one. A result is hashed by itself first: on a GPU a tile's chunks then start at multiples of 1,024 bytes
//! and are hashed in parallel. A node without sibling moves up unchanged; the path's length follows from index and
//! total.

use std::sync::LazyLock;

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

use crate::key::Digest;

/// The most units that a round may have: 256 GiB of memory in blocks of 64 KiB.
pub const LEAVES_MAX: u32 = 1 << 22;

/// The most nodes in an inclusion path: log2 of [`LEAVES_MAX`].
pub const PATH_MAX: usize = 22;

/// Which tree a hash belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The units of one round.
    Round,
    /// The rounds of one session.
    Session,
}

struct Contexts {
    leaf: ContextKey,
    node: ContextKey,
    root: ContextKey,
}

static ROUND: LazyLock<Contexts> = LazyLock::new(|| Contexts {
    leaf: hash_derive_key_context("gpux/round-leaf/1"),
    node: hash_derive_key_context("gpux/round-node/1"),
    root: hash_derive_key_context("gpux/round-root/1"),
});

static SESSION: LazyLock<Contexts> = LazyLock::new(|| Contexts {
    leaf: hash_derive_key_context("gpux/session-leaf/1"),
    node: hash_derive_key_context("gpux/session-node/1"),
    root: hash_derive_key_context("gpux/session-root/1"),
});

impl Domain {
    fn contexts(self) -> &'static Contexts {
        match self {
            Self::Round => &ROUND,
            Self::Session => &SESSION,
        }
    }
}

fn hash(context: &ContextKey, parts: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new_from_context_key(context);
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Hashes the leaf of a unit whose result is `result`.
pub fn unit_leaf(index: u32, total: u32, result: &[u8]) -> Digest {
    leaf(Domain::Round, index, total, blake3::hash(result).as_bytes())
}

/// Hashes a leaf from the digest of what stands at `index` of `total`.
pub fn leaf(domain: Domain, index: u32, total: u32, digest: &Digest) -> Digest {
    hash(&domain.contexts().leaf, &[&index.to_le_bytes(), &total.to_le_bytes(), digest])
}

fn node(domain: Domain, left: &Digest, right: &Digest) -> Digest {
    hash(&domain.contexts().node, &[left, right])
}

/// Seals the top of a tree of `total` leaves: what binds the total into the root.
pub(crate) fn seal(domain: Domain, total: u32, top: &Digest) -> Digest {
    hash(&domain.contexts().root, &[&total.to_le_bytes(), top])
}

/// A whole tree, from which paths are taken.
#[derive(Clone, Debug)]
pub struct Tree {
    domain: Domain,
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Builds the tree over hashed leaves.
    pub fn new(domain: Domain, leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node(domain, left, right),
                    alone => alone[0],
                })
                .collect();
            levels.push(above);
        }
        Self { domain, levels }
    }

    /// Returns the number of leaves.
    pub fn total(&self) -> u32 {
        self.levels[0].len() as u32
    }

    /// Returns the root; the root of no leaves is sealed over zeros.
    pub fn root(&self) -> Digest {
        let top = self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default();
        seal(self.domain, self.total(), &top)
    }

    /// Returns a leaf and its path, or `None` beyond the last leaf.
    pub fn open(&self, index: u32) -> Option<(Digest, Vec<Digest>)> {
        let leaf = *self.levels[0].get(index as usize)?;
        let mut at = index as usize;
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at >>= 1;
        }
        Some((leaf, path))
    }
}

/// Computes a root from hashed leaves.
pub fn root(domain: Domain, leaves: Vec<Digest>) -> Digest {
    Tree::new(domain, leaves).root()
}

/// Computes the session's ROOT from the roots of all its rounds in order.
pub fn session_root(round_roots: &[Digest]) -> Digest {
    let total = round_roots.len() as u32;
    let leaves = (0..total).zip(round_roots).map(|(index, digest)| leaf(Domain::Session, index, total, digest));
    root(Domain::Session, leaves.collect())
}

/// Says whether `leaf` stands at `index` of `total` under `root`; the path must have exactly the length that follows.
pub fn verify(domain: Domain, root: &Digest, place: (u32, u32), leaf: &Digest, path: &[Digest]) -> bool {
    let (index, total) = place;
    if index >= total {
        return false;
    }
    let (mut at, mut width, mut digest) = (index, total, *leaf);
    let mut siblings = path.iter();
    while width > 1 {
        if at ^ 1 < width {
            let Some(sibling) = siblings.next() else { return false };
            digest = if at & 1 == 0 { node(domain, &digest, sibling) } else { node(domain, sibling, &digest) };
        }
        at >>= 1;
        width = width.div_ceil(2);
    }
    siblings.next().is_none() && seal(domain, total, &digest) == *root
}

#[cfg(test)]
mod tests;
