//! A copy of the leader's log that only grows.
//!
//! Owns what was once shown: entries are durable before they are looked at, and whatever the leader shows later must continue
//! them. Its invariant: a leader who was seen to contradict himself is not signed for any more, by this process or by the next
//! one, until the operator has looked.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use gpux_proto::{
    bytes::{self, to_hex},
    evidence::Checkpoint,
    oracle::{GetCheckpointRequest, log_service_client::LogServiceClient},
};
use tonic::transport::Channel;

use super::refusal::said;
use crate::{
    log::Hash,
    replay,
    store::{Settled, Store},
};

/// The most entries that one call takes over.
const ENTRIES_MAX: u64 = 100_000;
/// The longest note.
const NOTE_BYTES_MAX: u64 = 4_096;

/// How a copy stands to its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// The copy is all of it.
    Whole,
    /// There is more to copy.
    More,
    /// The rest could not be had now.
    Behind(String),
    /// The original is not what it was, from this entry on.
    Contradicted { entry: u64, what: String },
}

/// The copy.
#[derive(Debug)]
pub(super) struct Copy {
    store: Arc<dyn Store>,
    /// Where a contradiction is noted.
    note: PathBuf,
}

impl Copy {
    pub(super) fn new(store: Arc<dyn Store>, note: PathBuf) -> Self {
        Self { store, note }
    }

    /// Copies what is new, and checks that the leader still has what is old.
    pub(super) async fn extend(&self, leader: &mut LogServiceClient<Channel>) -> anyhow::Result<Standing> {
        if let Some(known) = self.noted()? {
            return Ok(known);
        }
        let (size, root) = match checkpoint(leader).await {
            Ok(checkpoint) => checkpoint,
            Err(error) => return Ok(Standing::Behind(format!("{error:#}"))),
        };
        let (mut held, _) = self.store.log_head().await?;
        let limit = size.min(held.saturating_add(ENTRIES_MAX));
        while held < limit {
            let entries = match replay::entries_from(leader, held).await {
                Ok(entries) => entries,
                Err(error) => return Ok(Standing::Behind(replay::described(&error))),
            };
            let wanted = usize::try_from(limit - held).unwrap_or(usize::MAX);
            let entries: Vec<_> = entries.into_iter().take(wanted).collect();
            if entries.is_empty() {
                return Ok(Standing::Behind(format!("the leader says that it has {size} entries, and shows {held}")));
            }
            held = self.store.append_entries(entries, Settled::default()).await?.size;
        }
        let (held, ours) = self.store.log_head().await?;
        if held < size {
            return Ok(Standing::More);
        }
        if held == size && ours == root {
            return Ok(Standing::Whole);
        }
        let what = format!(
            "it has {size} entries of root {} now, and {held} of root {} were copied before",
            to_hex(&root),
            to_hex(&ours)
        );
        let entry = self.part(leader).await;
        self.take_note(entry, &what)
    }

    /// Notes for good that the leader has contradicted itself.
    fn take_note(&self, entry: u64, what: &str) -> anyhow::Result<Standing> {
        let written = || -> io::Result<()> {
            let partial = self.note.with_extension("partial");
            let mut file = File::create(&partial)?;
            write!(file, "{entry} {what}")?;
            file.sync_all()?;
            std::fs::rename(&partial, &self.note)?;
            self.note.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        written().with_context(|| format!("cannot note in {}", self.note.display()))?;
        Ok(Standing::Contradicted { entry, what: what.to_owned() })
    }

    /// A contradiction that was noted.
    fn noted(&self) -> anyhow::Result<Option<Standing>> {
        let mut note = String::new();
        match File::open(&self.note) {
            Ok(file) => file.take(NOTE_BYTES_MAX).read_to_string(&mut note),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        }
        .with_context(|| format!("cannot read {}", self.note.display()))?;
        let (entry, what) = note.split_once(' ').unwrap_or(("0", &note));
        Ok(Some(Standing::Contradicted { entry: entry.parse().unwrap_or_default(), what: what.to_owned() }))
    }

    /// The first entry that the leader shows otherwise than it did; the end of what it shows if there is none.
    async fn part(&self, leader: &mut LogServiceClient<Channel>) -> u64 {
        let mut index = 0;
        loop {
            let Ok(theirs) = replay::entries_from(leader, index).await else { return index };
            let count = u32::try_from(theirs.len()).unwrap_or(u32::MAX);
            let Ok(ours) = self.store.log_entries(index, count).await else { return index };
            let equal = ours.iter().zip(&theirs).take_while(|(ours, theirs)| ours.bytes == **theirs).count();
            index += equal as u64;
            if equal < theirs.len() || theirs.is_empty() {
                return index;
            }
        }
    }
}

/// The size and root that the leader signs.
async fn checkpoint(leader: &mut LogServiceClient<Channel>) -> anyhow::Result<(u64, Hash)> {
    let answer = leader.get_checkpoint(GetCheckpointRequest {}).await;
    let answer = answer.map_err(|status| anyhow::anyhow!("the leader shows no checkpoint: {}", said(&status)))?;
    let signed = answer.into_inner().checkpoint.context("the leader's checkpoint is empty")?;
    let checkpoint: Checkpoint = bytes::decode("checkpoint", &signed.payload)?;
    Ok((checkpoint.size, bytes::array("checkpoint.root", &checkpoint.root)?))
}
