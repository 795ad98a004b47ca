//! Recomputes what was published, from the log alone, and says where it first differs.
//!
//! Owns the comparison. The fold is the one that the oracle runs; nothing of it is repeated here. Its invariant: "equal" is
//! said only when the log's root, the leaves' root, the leaf file's hash, the rewards' root and the parameters are all as
//! published.

mod authority;
mod explain;
mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::Context as _;

use crate::{
    log::{Frontier, Hash, leaf_hash},
    publish::{self, Folder, LeavesError},
    score::Parameters,
};

pub use authority::{Authority, Published};
pub use explain::{History, explain};
pub use source::{Error as SourceError, Source, Writer};
pub(crate) use source::{channel, entries_from, log_client};

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as published.
    Equal(Recomputed),
    /// Something is not.
    Differs(Difference),
}

/// What was recomputed for an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recomputed {
    pub epoch: u64,
    pub log_size: u64,
    pub log_root: Hash,
    pub root: Hash,
    pub data_hash: Hash,
    /// Zero while nobody may claim anything.
    pub rewards_root: Hash,
    pub parameters: Hash,
    pub leaves: u64,
}

impl Recomputed {
    /// What a folder gives that has just closed an epoch, over a log of this root; none before the first epoch has ended.
    pub fn of(folder: &Folder, log_root: Hash) -> Result<Option<Self>, LeavesError> {
        let (Some(epoch), Some(file)) = (folder.epoch(), folder.leaf_file()) else { return Ok(None) };
        Ok(Some(Self {
            epoch,
            log_size: folder.size(),
            log_root,
            root: file.tree()?.root().0,
            data_hash: publish::data_hash(&file.bytes()).0,
            rewards_root: folder.reward_file().root().0,
            parameters: folder.state().parameters().digest(),
            leaves: file.leaves().len() as u64,
        }))
    }

    /// The first thing in which a publication over the same log differs from it.
    #[must_use]
    pub fn compare(&self, published: &Published) -> Option<Difference> {
        let hex = |hash: &Hash| gpux_proto::bytes::to_hex(hash);
        let epoch = self.epoch;
        if published.parameters != self.parameters {
            let (published, ours) = (hex(&published.parameters), hex(&self.parameters));
            Some(Difference::Parameters { epoch, published, ours })
        } else if published.root != self.root || published.data_hash != self.data_hash {
            let (published, ours) = (hex(&published.root), hex(&self.root));
            Some(Difference::Scores { epoch, published, ours })
        } else if published.rewards_root != self.rewards_root {
            let (published, ours) = (hex(&published.rewards_root), hex(&self.rewards_root));
            Some(Difference::Rewards { epoch, published, ours })
        } else {
            None
        }
    }
}

/// The first thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Nothing was published for the epoch.
    #[error("nothing was published for epoch {0}")]
    Unpublished(u64),
    /// The log does not reach the epoch's end.
    #[error("the log has {entries} entries and does not reach the end of epoch {epoch}")]
    Short { epoch: u64, entries: u64 },
    /// The other log has another entry here.
    #[error("entry {index} is the first that differs (the logs part before the end of epoch {epoch})")]
    Entry { epoch: u64, index: u64 },
    /// The logs part somewhere here, and the other one's entries are not at hand.
    #[error(
        "the first entry that differs is one of {from} to {to}, those of epoch {epoch}; name the other log with --against \
         to find it"
    )]
    Entries { epoch: u64, from: u64, to: u64 },
    /// An entry cannot be folded.
    #[error("{0}")]
    Unreadable(String),
    /// The publication was computed with other constants.
    #[error("the log is as published, but epoch {epoch} was published with parameters {published}; these are {ours}")]
    Parameters { epoch: u64, published: String, ours: String },
    /// The publication is not what the log gives.
    #[error(
        "the log is as published, but its scores are not: epoch {epoch} has root {published}, the log gives {ours}"
    )]
    Scores { epoch: u64, published: String, ours: String },
    /// Fishers are paid otherwise than the log gives.
    #[error(
        "the log and the scores are as published, but the rewards are not: epoch {epoch} has rewards root {published}, the \
         log gives {ours}"
    )]
    Rewards { epoch: u64, published: String, ours: String },
}

/// The end of an epoch in the log that is replayed.
#[derive(Debug, Clone, Copy)]
struct End {
    epoch: u64,
    log_size: u64,
    log_root: Hash,
}

/// What a replay reads and compares.
#[derive(Debug)]
pub struct Replay<'a> {
    /// Where the log is: a file or a URL.
    pub log: &'a str,
    /// Another log to find the first different entry with, if the roots differ: a file or a URL.
    pub against: Option<&'a str>,
    /// The epoch, or the newest that was published.
    pub epoch: Option<u64>,
    pub parameters: Parameters,
    /// Keeps what is read as a log file.
    pub save: Option<&'a Path>,
}

impl Replay<'_> {
    /// Replays and compares with what the authority says.
    pub async fn run(&self, authority: &mut Authority) -> anyhow::Result<Outcome> {
        let epoch = match self.epoch {
            Some(epoch) => epoch,
            None => authority.newest().await?.context("nothing was ever published")?,
        };
        let Some(published) = authority.published(epoch).await? else {
            return Ok(Outcome::Differs(Difference::Unpublished(epoch)));
        };
        let (ends, recomputed) = match self.fold(epoch).await? {
            Ok(folded) => folded,
            Err(difference) => return Ok(Outcome::Differs(difference)),
        };
        if recomputed.log_root != published.log_root || recomputed.log_size != published.log_size {
            return Ok(Outcome::Differs(self.part(authority, &ends).await?));
        }
        Ok(match recomputed.compare(&published) {
            Some(difference) => Outcome::Differs(difference),
            None => Outcome::Equal(recomputed),
        })
    }

    /// Folds the log to the end of an epoch.
    async fn fold(&self, epoch: u64) -> anyhow::Result<Result<(Vec<End>, Recomputed), Difference>> {
        let mut source = Source::open(self.log).await?;
        let mut save = self.save.map(Writer::create).transpose().context("cannot write the log file")?;
        let (mut folder, mut frontier) = (Folder::new(self.parameters.clone()), Frontier::new());
        let mut ends = Vec::new();
        while ends.last().is_none_or(|end: &End| end.epoch < epoch) {
            let Some(entry) = source.next().await? else {
                return Ok(Err(Difference::Short { epoch, entries: folder.size() }));
            };
            if let Some(save) = &mut save {
                save.entry(&entry).context("cannot write the log file")?;
            }
            frontier.append(leaf_hash(&entry));
            match folder.apply(&entry) {
                Ok(None) => {}
                Ok(Some(epoch)) => ends.push(End { epoch, log_size: folder.size(), log_root: frontier.root() }),
                Err(error) => return Ok(Err(Difference::Unreadable(described(&error)))),
            }
        }
        save.map(Writer::finish).transpose().context("cannot write the log file")?;
        let recomputed = Recomputed::of(&folder, frontier.root())?.context("the epoch has no leaves")?;
        Ok(Ok((ends, recomputed)))
    }

    /// Where the logs part: the first epoch whose log root differs, by halving, and in it the first entry.
    async fn part(&self, authority: &mut Authority, ends: &[End]) -> anyhow::Result<Difference> {
        let (mut same, mut differs) = (None, ends.len() - 1);
        while same.map_or(0, |same: usize| same + 1) < differs {
            let middle = same.map_or(0, |same| same + 1).midpoint(differs);
            // Epochs without scores are not published; the next one before speaks for them.
            let mut at = middle;
            let said = loop {
                match authority.published(ends[at].epoch).await? {
                    Some(said) => break Some(said),
                    None if same.is_none_or(|same| at > same + 1) && at > 0 => at -= 1,
                    None => break None,
                }
            };
            match said {
                Some(said) if said.log_root != ends[at].log_root => differs = at,
                _ => same = Some(middle),
            }
        }
        let from = same.map_or(0, |same| ends[same].log_size);
        let End { epoch, log_size: to, .. } = ends[differs];
        let Some(against) = self.against else {
            return Ok(Difference::Entries { epoch, from, to: to - 1 });
        };
        let (mut ours, mut theirs) = (Source::open(self.log).await?, Source::open(against).await?);
        let mut index = 0;
        loop {
            let (our, their) = (ours.next().await?, theirs.next().await?);
            if our != their || our.is_none() {
                return Ok(Difference::Entry { epoch, index });
            }
            index += 1;
        }
    }
}

/// An error with its causes.
pub(crate) fn described(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}
