//! A market's log, folded here anew: what any operator or doubter does to check an oracle.
//!
//! Owns what only the fold tells and no API publishes: who is suspect, and what each fisher's word weighs. Reads the log
//! through the oracle's LogService and nothing else.

use alloy::primitives::Address;
use gpux_oracle::{
    publish::Folder,
    replay::Source,
    score::{FisherId, NodeId, Parameters, Standing, Weight},
};
use std::collections::BTreeMap;

/// The log as far as it is folded.
#[derive(Debug)]
pub struct Replica {
    source: Source,
    folder: Folder,
    /// When each node's standing changed: the epoch, and what it became.
    standings: BTreeMap<NodeId, Vec<(u64, Standing)>>,
}

impl Replica {
    /// Begins at the first entry of an oracle's log.
    pub async fn of(oracle: &str) -> anyhow::Result<Self> {
        let source = Source::open(oracle).await?;
        Ok(Self { source, folder: Folder::new(Parameters::development()), standings: BTreeMap::new() })
    }

    /// Folds what the log has got meanwhile.
    pub async fn catch_up(&mut self) -> anyhow::Result<()> {
        while let Some(entry) = self.source.next().await? {
            if let Some(epoch) = self.folder.apply(&entry)? {
                self.note(epoch);
            }
        }
        Ok(())
    }

    fn note(&mut self, epoch: u64) {
        let state = self.folder.state();
        for score in state.scores() {
            let standing = state.standing(&score.node).unwrap_or(Standing::Watched);
            let changes = self.standings.entry(score.node).or_default();
            if changes.last().is_none_or(|(_, last)| *last != standing) {
                changes.push((epoch, standing));
            }
        }
    }

    /// Every standing that a node has had, in order.
    #[must_use]
    pub fn standings(&self, node: NodeId) -> Vec<Standing> {
        let changes = self.standings.get(&node).map_or(&[][..], Vec::as_slice);
        changes.iter().map(|(_, standing)| *standing).collect()
    }

    /// What a fisher's word weighs now.
    #[must_use]
    pub fn weight(&self, fisher: Address) -> Weight {
        self.folder.state().weight(&FisherId(fisher.into_array()))
    }
}
