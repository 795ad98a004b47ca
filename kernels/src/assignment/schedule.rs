//! What an epoch's assignments are drawn from: nodes, their claims, and how much speaks for probing each.
//!
//! Owns the canonical order (nodes by key, claims by number) and the sums that make a draw a binary search. Whoever sends one
//! is not trusted: what is out of order, doubled, without weight or too large is refused, since each would shift the draw.

use gpux_proto::{
    bytes,
    evidence::Probe,
    oracle::{ScheduledNode, ScheduledResource},
};

use crate::probe::ProbeId;

/// The most nodes of a schedule: twice the design size.
pub const NODES_MAX: usize = 1 << 21;

/// A schedule that cannot be drawn from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A node's key has the wrong size.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// More nodes than any market has.
    #[error("the schedule has more than {NODES_MAX} nodes")]
    Nodes,
    /// A node does not follow the one before it.
    #[error("node {} of the schedule does not come after the one before it", bytes::to_hex(.0))]
    NodeOrder([u8; 32]),
    /// A node without a claim cannot be probed.
    #[error("node {} of the schedule claims nothing", bytes::to_hex(.0))]
    Empty([u8; 32]),
    /// A claim is unknown or does not follow the one before it.
    #[error("resource {probe} of node {} is unknown or out of order", bytes::to_hex(.node))]
    Resource {
        /// The node.
        node: [u8; 32],
        /// The resource's number.
        probe: u32,
    },
    /// A claim that is never drawn by its index hides its node.
    #[error("resource {probe} of node {} has index 0", bytes::to_hex(.node))]
    Index {
        /// The node.
        node: [u8; 32],
        /// The resource.
        probe: ProbeId,
    },
}

/// A claim of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    /// The node's place.
    node: u32,
    probe: ProbeId,
    /// All indexes up to this one and with it: below 2^57 for 12 claims of every node.
    sum: u64,
}

/// Nodes with their claims, each with its index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    nodes: Vec<[u8; 32]>,
    claims: Vec<Claim>,
}

impl Schedule {
    /// Appends a node; nodes come in the order of their keys, claims in that of their numbers.
    pub fn push(&mut self, node: [u8; 32], resources: impl IntoIterator<Item = (ProbeId, u32)>) -> Result<(), Error> {
        if self.nodes.len() >= NODES_MAX {
            return Err(Error::Nodes);
        }
        if self.nodes.last().is_some_and(|last| *last >= node) {
            return Err(Error::NodeOrder(node));
        }
        let (place, before) = (self.nodes.len() as u32, self.claims.len());
        let pushed = self.push_claims(node, place, resources);
        match pushed {
            Ok(()) if self.claims.len() == before => Err(Error::Empty(node)),
            Ok(()) => {
                self.nodes.push(node);
                Ok(())
            }
            Err(error) => {
                self.claims.truncate(before);
                Err(error)
            }
        }
    }

    fn push_claims(
        &mut self,
        node: [u8; 32],
        place: u32,
        resources: impl IntoIterator<Item = (ProbeId, u32)>,
    ) -> Result<(), Error> {
        for (probe, index) in resources {
            let last = self.claims.last();
            if last.is_some_and(|last| last.node == place && last.probe >= probe) {
                return Err(Error::Resource { node, probe: probe.number().into() });
            }
            if index == 0 {
                return Err(Error::Index { node, probe });
            }
            let sum = self.total() + u64::from(index);
            self.claims.push(Claim { node: place, probe, sum });
        }
        Ok(())
    }

    /// Appends a node as an oracle sent it.
    pub fn push_wire(&mut self, node: &ScheduledNode) -> Result<(), Error> {
        let key = bytes::array("schedule.node", &node.node)?;
        let read = |resource: &ScheduledResource| {
            let unknown = Error::Resource { node: key, probe: resource.probe };
            let probe = i32::try_from(resource.probe).ok().and_then(|number| Probe::try_from(number).ok());
            let probe = probe.and_then(|probe| ProbeId::try_from(probe).ok()).ok_or(unknown)?;
            Ok((probe, resource.index))
        };
        if node.resources.len() > ProbeId::ALL.len() {
            return Err(Error::Resource { node: key, probe: u32::MAX });
        }
        let resources = node.resources.iter().map(read).collect::<Result<Vec<_>, Error>>()?;
        self.push(key, resources)
    }

    /// At most `limit` nodes after a key as an oracle sends them.
    #[must_use]
    pub fn page(&self, after: Option<&[u8; 32]>, limit: usize) -> Vec<ScheduledNode> {
        let first = self.first_after(after);
        let mut at = self.claims.partition_point(|claim| (claim.node as usize) < first);
        let nodes = self.nodes.iter().enumerate().skip(first).take(limit);
        nodes
            .map(|(place, node)| {
                let mut resources = Vec::new();
                while let Some(claim) = self.claims.get(at).filter(|claim| claim.node as usize == place) {
                    let index = claim.sum - at.checked_sub(1).map_or(0, |before| self.claims[before].sum);
                    // An index was a u32 when it was pushed.
                    resources.push(ScheduledResource { probe: claim.probe.number().into(), index: index as u32 });
                    at += 1;
                }
                ScheduledNode { node: node.to_vec(), resources }
            })
            .collect()
    }

    /// The last node of such a page, if others follow it.
    #[must_use]
    pub fn last_of_page(&self, after: Option<&[u8; 32]>, limit: usize) -> Option<[u8; 32]> {
        let end = self.first_after(after).saturating_add(limit);
        if end < self.nodes.len() { self.nodes.get(end.checked_sub(1)?).copied() } else { None }
    }

    fn first_after(&self, after: Option<&[u8; 32]>) -> usize {
        after.map_or(0, |after| self.nodes.partition_point(|node| node <= after))
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// How many claims there are.
    #[must_use]
    pub fn claims(&self) -> usize {
        self.claims.len()
    }

    /// The sum of all indexes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.claims.last().map_or(0, |last| last.sum)
    }

    /// The bytes that it takes in memory, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.nodes.len() * size_of::<[u8; 32]>() + self.claims.len() * size_of::<Claim>()
    }

    /// The claim at a share of the sum of all indexes, in 2^64ths.
    pub(super) fn by_index(&self, share: u64) -> Option<([u8; 32], ProbeId)> {
        let at = below(share, self.total());
        self.claim(self.claims.partition_point(|claim| claim.sum <= at))
    }

    /// The claim at a share of all claims, in 2^64ths.
    pub(super) fn by_place(&self, share: u64) -> Option<([u8; 32], ProbeId)> {
        self.claim(below(share, self.claims.len() as u64) as usize)
    }

    fn claim(&self, at: usize) -> Option<([u8; 32], ProbeId)> {
        let claim = self.claims.get(at)?;
        Some((*self.nodes.get(claim.node as usize)?, claim.probe))
    }
}

/// `floor(share * n / 2^64)`: a number below `n`, and 0 for 0. The bias is below n / 2^64.
pub(super) fn below(share: u64, n: u64) -> u64 {
    ((u128::from(share) * u128::from(n)) >> 64) as u64
}
