//! The journal: one file a throw-away account, readable by its owner only, written and synced before the account gets money
//! and deleted when nothing is left on it. Never holds anything but what is needed to take the money back.
use super::Error;
use crate::durable;
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use gpux_kernels::probe::ProbeId;
use gpux_proto::evidence::Terms;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// The largest entry that is read, in bytes.
const ENTRY_BYTES_MAX: u64 = 16 << 10;
/// The most entries that are read at once.
const ENTRIES_MAX: usize = 10_000;

/// A throw-away account and the rental that it pays, if it has opened one.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The account's key.
    pub signer: PrivateKeySigner,
    /// The terms of its rental, from before the rental is opened.
    pub terms: Option<Terms>,
    /// What the rental is for.
    pub probe: Option<ProbeId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe: Option<String>,
}

/// The folder of entries.
#[derive(Debug, Clone)]
pub struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// Opens the journal in a fisher's data directory.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let folder = data.join("accounts");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| broken(&folder, e))?;
        Ok(Self { folder })
    }

    /// Writes an entry, durably.
    pub fn write(&self, entry: &Entry) -> Result<(), Error> {
        let path = self.path(entry.signer.address());
        let stored = Stored {
            key: hex::encode(entry.signer.to_bytes()),
            terms: entry.terms.as_ref().map(|terms| hex::encode(terms.encode_to_vec())),
            probe: entry.probe.map(|probe| probe.name().to_owned()),
        };
        let text = serde_json::to_vec(&stored).map_err(|e| broken(&path, e))?;
        durable::write(&path, &text).map_err(|e| broken(&path, e))
    }

    /// Forgets an account on which nothing is left.
    pub fn remove(&self, account: Address) -> Result<(), Error> {
        let path = self.path(account);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(broken(&path, e)),
            _ => Ok(()),
        }
    }

    /// Reads all entries.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(|e| broken(&self.folder, e))? {
            let path = file.map_err(|e| broken(&self.folder, e))?.path();
            // A half-written file of a crash has another ending; its account has no money yet.
            if path.extension().is_some_and(|e| e == "json") && entries.len() < ENTRIES_MAX {
                entries.push(read(&path)?);
            }
        }
        entries.sort_by_key(|entry: &Entry| entry.signer.address());
        Ok(entries)
    }

    fn path(&self, account: Address) -> PathBuf {
        self.folder.join(format!("{account:#x}.json"))
    }
}

fn read(path: &Path) -> Result<Entry, Error> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|e| broken(path, e))?;
    file.take(ENTRY_BYTES_MAX).read_to_end(&mut text).map_err(|e| broken(path, e))?;
    let stored: Stored = serde_json::from_slice(&text).map_err(|e| broken(path, e))?;
    // The error must not repeat the key.
    let signer = stored.key.parse().map_err(|_| broken(path, "not a key"))?;
    let terms = match stored.terms {
        None => None,
        Some(terms) => {
            let bytes = hex::decode(terms).map_err(|e| broken(path, e))?;
            Some(Terms::decode(bytes.as_slice()).map_err(|e| broken(path, e))?)
        }
    };
    let probe = stored.probe.map(|probe| probe.parse()).transpose().map_err(|e| broken(path, e))?;
    Ok(Entry { signer, terms, probe })
}

fn broken(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Journal { path: path.to_owned(), reason: reason.to_string() }
}
