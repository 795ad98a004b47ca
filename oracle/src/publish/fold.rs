//! The log's prefix, folded: scores, whose node is whose, and what reports that are not folded yet will weigh.
//!
//! Owns the state that publications are made of, and checks what the log says about itself: weights and audits. It is a
//! function of the log's entries alone, so that a restart, a replay by somebody else and the running oracle give the same leaf
//! file for the same prefix. Keeps no entry.

use alloy::primitives::Address;
use gpux_proto::{
    bytes,
    evidence::{LogEntry, log_entry::Fact},
};

use super::leaves::LeafFile;
use crate::{
    audit::{self, Book, Terms, Work},
    log::{self, FoldedError},
    reward::{self, RewardFile},
    schedule::Offers,
    score::{self, NodeId, NodeScore, Parameters, ReportId, State},
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
    /// It weighs or audits a report otherwise than the entries before it say.
    #[error("entry {index} of the log: {source}")]
    Audit {
        index: u64,
        #[source]
        source: audit::Error,
    },
    /// Nobody can be paid by it.
    #[error("entry {index} of the log: {source}")]
    Reward {
        index: u64,
        #[source]
        source: reward::Error,
    },
}

/// The log folded so far.
#[derive(Debug, Clone)]
pub struct Folder {
    state: State,
    book: Book,
    offers: Offers,
    rewards: reward::Ledger,
    /// How many entries were folded.
    size: u64,
}

impl Folder {
    /// Nothing folded.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let state = State::new(parameters);
        Self { state, book: Book::default(), offers: Offers::default(), rewards: reward::Ledger::default(), size: 0 }
    }

    /// The same, with every step of one node's history recorded.
    #[must_use]
    pub fn tracing(parameters: Parameters, node: NodeId) -> Self {
        Self { state: State::tracing(parameters.clone(), node), ..Self::new(parameters) }
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
        let (before, market) = (self.state.epoch(), self.state.parameters().market);
        let folded = log::folded(&entry, market).map_err(|source| Error::Folded { index, source })?;
        let work = match &entry.fact {
            Some(fact) => self.book.apply(index, fact, &self.state).map_err(|source| Error::Audit { index, source })?,
            None => Work::None,
        };
        if let Some(folded) = folded {
            self.state.apply(&folded).map_err(|source| Error::Order { index, source })?;
        }
        if let Some(fact) = &entry.fact {
            let paid = self.rewards.apply(fact, work, &self.offers, &self.state);
            paid.map_err(|source| Error::Reward { index, source })?;
        }
        // Last, so that an entry that is refused leaves no offer behind.
        if let Some(Fact::NodeAnnounced(announced)) = &entry.fact {
            self.offers.announce(announced, market);
        }
        self.size += 1;
        let closed = self.state.epoch().filter(|epoch| before != Some(*epoch));
        if closed.is_some() {
            // Every reader of this epoch's scores would otherwise invert the same intervals anew.
            self.state.settle();
        }
        Ok(closed)
    }

    /// What the log says of a report about a node, which may say that the host failed; `None` while the beacon that draws its
    /// audit is not known.
    #[must_use]
    pub fn terms(&self, report: &ReportId, node: &NodeId, failed: bool) -> Option<Terms> {
        self.book.terms(report, node, failed, &self.state)
    }

    /// Every node's newest offer.
    #[must_use]
    pub fn offers(&self) -> &Offers {
        &self.offers
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
            let provider = self.book.provider(&score.node).unwrap_or_default();
            (score, provider)
        })
    }

    /// Whether any node has a score.
    #[must_use]
    pub fn has_scores(&self) -> bool {
        self.state.scores().next().is_some()
    }

    /// What fishers have earned by the end of the last closed epoch.
    #[must_use]
    pub fn rewards(&self) -> &reward::Ledger {
        &self.rewards
    }

    /// Notes that the changed accounts of fishers are recorded.
    pub fn rewards_recorded(&mut self) {
        self.rewards.recorded();
    }

    /// What everybody may claim at the end of the last closed epoch.
    #[must_use]
    pub fn reward_file(&self) -> RewardFile {
        self.rewards.file()
    }

    /// The leaf file of the last closed epoch.
    #[must_use]
    pub fn leaf_file(&self) -> Option<LeafFile> {
        Some(LeafFile::of_scores(self.state.epoch()?, self.scores()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::fixture::{self, FISHER, committed, entry, market, relay, revealed};
    use gpux_proto::evidence::log_entry::Fact;

    /// Nothing is audited, so that a log is only what a test writes.
    fn parameters() -> Parameters {
        Parameters { audit_share_bps: 0, ..Parameters::development() }
    }

    fn announced(node: u8, provider: u8) -> Vec<u8> {
        entry(fixture::announced([node; 32], [provider; 20]))
    }

    fn folded(node: u8, report: u8, x: u32, weight: u32) -> Vec<u8> {
        entry(Fact::ReportFolded(fixture::folded([node; 32], [report; 32], x, weight, 5)))
    }

    /// Everything that two reports of epoch 5 stand on.
    fn before() -> Vec<Vec<u8>> {
        let mut facts = market(&parameters(), FISHER, 4);
        for report in 1..=2 {
            facts.push(committed([report; 32], FISHER));
            facts.push(revealed([report; 32], FISHER, Some(relay(0)), 5));
        }
        facts.push(fixture::beacon(6));
        [announced(1, 9), announced(2, 8)].into_iter().chain(facts.into_iter().map(entry)).collect()
    }

    #[test]
    fn equal_prefixes_give_equal_leaf_files_and_the_newest_provider_stands() {
        let before = before();
        let end = [folded(1, 1, 64, 64), folded(2, 2, 10, 64), announced(1, 7), entry(fixture::closed(5))];
        let run = |entries: &[Vec<u8>]| {
            let mut folder = Folder::new(parameters());
            let entries = before.iter().chain(entries);
            let closed: Vec<_> = entries.filter_map(|entry| folder.apply(entry).unwrap()).collect();
            (folder.leaf_file().map(|file| file.bytes()), closed, folder.size())
        };
        let (file, closed_epochs, size) = run(&end);
        assert_eq!((closed_epochs, size), (vec![4, 5], before.len() as u64 + 4));
        assert_eq!(run(&end).0, file);
        let leaves = LeafFile::read(&file.unwrap()).unwrap();
        let providers: Vec<_> = leaves.leaves().iter().map(|leaf| leaf.provider).collect();
        assert_eq!(providers, [Address::repeat_byte(7), Address::repeat_byte(8)]);
        // The order of reports within an epoch does not matter.
        let mut swapped = end.clone();
        swapped.swap(0, 1);
        assert_eq!(run(&swapped).0, run(&end).0);
        assert_ne!(run(&end[..3]).0, run(&end).0);
    }

    #[test]
    fn damaged_entries_are_named() {
        let mut folder = Folder::new(parameters());
        folder.apply(&announced(1, 9)).unwrap();
        assert!(folder.apply(&[0xff]).unwrap_err().to_string().starts_with("entry 1 of the log"));
        assert!(matches!(folder.apply(&folded(1, 1, 65, 0)), Err(Error::Folded { index: 1, .. })));
        assert!(matches!(folder.apply(&folded(1, 1, 64, 1)), Err(Error::Audit { index: 1, .. })));
        assert_eq!(folder.size(), 1, "a refused entry is not counted");
    }
}
