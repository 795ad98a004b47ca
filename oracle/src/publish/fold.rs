//! The log's prefix, folded: scores, and whose node is whose.
//!
//! Owns the state that publications are made of. It is a function of the log's entries alone, so that a restart, a replay
//! by somebody else and the running oracle give the same leaf file for the same prefix. Keeps no entry.

use std::collections::HashMap;

use alloy::primitives::Address;
use gpux_proto::{
    bytes::{self, array, present},
    evidence::{Descriptor, LogEntry, NodeAnnounced, log_entry::Fact},
    signing::{self, Domain},
};

use super::leaves::LeafFile;
use crate::{
    log::{self, FoldedError},
    score::{self, NodeId, NodeScore, Parameters, State},
};

/// Why an entry of the log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its bytes are no entry.
    #[error("entry {index} of the log: {source}")]
    Decode {
        index: u64,
        #[source]
        source: bytes::Error,
    },
    /// It says something impossible.
    #[error("entry {index} of the log: {source}")]
    Folded {
        index: u64,
        #[source]
        source: FoldedError,
    },
    /// It contradicts the entries before it.
    #[error("entry {index} of the log: {source}")]
    Order {
        index: u64,
        #[source]
        source: score::Error,
    },
    /// An announced descriptor cannot be read.
    #[error("entry {index} of the log: {source}")]
    Descriptor {
        index: u64,
        #[source]
        source: signing::Error,
    },
}

/// The log folded so far.
#[derive(Debug, Clone)]
pub struct Folder {
    state: State,
    /// The provider that each node's newest descriptor names.
    providers: HashMap<NodeId, Address>,
    /// How many entries were folded.
    size: u64,
}

impl Folder {
    /// Nothing folded.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self { state: State::new(parameters), providers: HashMap::new(), size: 0 }
    }

    /// The same, with every step of one node's history recorded.
    #[must_use]
    pub fn tracing(parameters: Parameters, node: NodeId) -> Self {
        Self { state: State::tracing(parameters, node), providers: HashMap::new(), size: 0 }
    }

    /// What the fold knows at the last closed epoch's end.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Folds the next entry; returns the epoch that it closed, if it closed one.
    pub fn apply(&mut self, entry: &[u8]) -> Result<Option<u64>, Error> {
        let index = self.size;
        let entry: LogEntry = bytes::decode("entry", entry).map_err(|source| Error::Decode { index, source })?;
        let before = self.state.epoch();
        let named = match &entry.fact {
            Some(Fact::NodeAnnounced(announced)) => Some(provider(announced)),
            _ => None,
        };
        let named = named.transpose().map_err(|source| Error::Descriptor { index, source })?;
        let market = self.state.parameters().market;
        if let Some(folded) = log::folded(&entry, market).map_err(|source| Error::Folded { index, source })? {
            self.state.apply(&folded).map_err(|source| Error::Order { index, source })?;
        }
        // Last, so that an entry that is refused leaves nothing behind.
        self.providers.extend(named);
        self.size += 1;
        let closed = self.state.epoch().filter(|epoch| before != Some(*epoch));
        if closed.is_some() {
            // Every reader of this epoch's scores would otherwise invert the same intervals anew.
            self.state.settle();
        }
        Ok(closed)
    }

    /// How many entries were folded.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The last closed epoch.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.state.epoch()
    }

    /// The scores at the last closed epoch's end, each with the provider of its node.
    pub fn scores(&self) -> impl Iterator<Item = (NodeScore, Address)> + '_ {
        self.state.scores().map(|score| {
            let provider = self.providers.get(&score.node).copied().unwrap_or_default();
            (score, provider)
        })
    }

    /// Whether any node has a score.
    #[must_use]
    pub fn has_scores(&self) -> bool {
        self.state.scores().next().is_some()
    }

    /// The leaf file of the last closed epoch.
    #[must_use]
    pub fn leaf_file(&self) -> Option<LeafFile> {
        Some(LeafFile::of_scores(self.state.epoch()?, self.scores()))
    }
}

fn provider(announced: &NodeAnnounced) -> Result<(NodeId, Address), signing::Error> {
    let description = present("description", &announced.description)?;
    let descriptor: Descriptor = signing::open(Domain::Descriptor, present("descriptor", &description.descriptor)?)?;
    Ok((
        NodeId(array("descriptor.node", &descriptor.node)?),
        Address::from(array::<20>("descriptor.provider", &descriptor.provider)?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::{Description, EpochClosed, Probe, ReportFolded, Signed};
    use prost::Message as _;

    fn entry(fact: Fact) -> Vec<u8> {
        LogEntry { fact: Some(fact) }.encode_to_vec()
    }

    fn announced(node: u8, provider: u8) -> Vec<u8> {
        let descriptor = Descriptor { node: vec![node; 32], provider: vec![provider; 20], ..Descriptor::default() };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
        let description = Description { descriptor: Some(signed), ..Description::default() };
        entry(Fact::NodeAnnounced(NodeAnnounced { description: Some(description) }))
    }

    fn folded(node: u8, report: u8, x: u32) -> Vec<u8> {
        entry(Fact::ReportFolded(ReportFolded {
            node: vec![node; 32],
            resource: Probe::Cpu.into(),
            x_lower: x,
            x_upper: x,
            weight: 64,
            epoch: 5,
            report: vec![report; 32],
            inconclusive: false,
        }))
    }

    fn closed(epoch: u64) -> Vec<u8> {
        entry(Fact::EpochClosed(EpochClosed { epoch, timestamp: epoch * 5 }))
    }

    #[test]
    fn equal_prefixes_give_equal_leaf_files_and_the_newest_provider_stands() {
        let log = [announced(1, 9), announced(2, 8), folded(1, 1, 64), folded(2, 2, 10), announced(1, 7), closed(5)];
        let run = |entries: &[Vec<u8>]| {
            let mut folder = Folder::new(Parameters::development());
            let closed: Vec<_> = entries.iter().filter_map(|entry| folder.apply(entry).unwrap()).collect();
            (folder.leaf_file().map(|file| file.bytes()), closed, folder.size())
        };
        let (file, closed_epochs, size) = run(&log);
        assert_eq!((closed_epochs, size), (vec![5], 6));
        assert_eq!(run(&log).0, file);
        let leaves = LeafFile::read(&file.unwrap()).unwrap();
        let providers: Vec<_> = leaves.leaves().iter().map(|leaf| leaf.provider).collect();
        assert_eq!(providers, [Address::repeat_byte(7), Address::repeat_byte(8)]);
        // The order of reports within an epoch does not matter.
        let mut swapped = log.clone();
        swapped.swap(2, 3);
        assert_eq!(run(&swapped).0, run(&log).0);
        assert_ne!(run(&log[..5]).0, run(&log).0);
    }

    #[test]
    fn damaged_entries_are_named() {
        let mut folder = Folder::new(Parameters::development());
        folder.apply(&announced(1, 9)).unwrap();
        assert!(folder.apply(&[0xff]).unwrap_err().to_string().starts_with("entry 1 of the log"));
        assert!(matches!(folder.apply(&folded(1, 1, 65)), Err(Error::Folded { index: 1, .. })));
        assert_eq!(folder.size(), 1, "a refused entry is not counted");
    }
}
