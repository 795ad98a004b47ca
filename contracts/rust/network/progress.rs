//! What a deployment that has begun must remember: from which transaction of whose account its addresses follow.
//!
//! The file is there before the first transaction is sent and goes when the record of the deployment is written, so that a
//! run that was interrupted anywhere between goes on where the chain says.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::deployment::write_whole;

/// A file of about 300 bytes.
const BYTES_MAX: u64 = 4_096;

/// A deployment that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Progress {
    pub(super) chain_id: u64,
    pub(super) deployer: Address,
    pub(super) first_nonce: u64,
    /// No contract is older.
    pub(super) block: u64,
    /// All that is sent, as one digest.
    pub(super) plan: B256,
}

impl Progress {
    pub(super) fn path(folder: &Path, chain_id: u64) -> PathBuf {
        folder.join(format!("{chain_id}.progress.json"))
    }

    /// Reads what a run left; nothing if none has begun.
    pub(super) fn read(folder: &Path, chain_id: u64) -> Result<Option<Self>, Error> {
        let path = Self::path(folder, chain_id);
        let failed = |reason: String| Error::Progress { path: path.clone(), reason };
        match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
            Ok(metadata) if metadata.len() > BYTES_MAX => return Err(failed("it is too large".to_owned())),
            Ok(_) => {}
        }
        let text = fs::read(&path).map_err(|error| failed(error.to_string()))?;
        let progress: Self = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
        if progress.chain_id != chain_id {
            return Err(failed(format!("it is of chain {}", progress.chain_id)));
        }
        Ok(Some(progress))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = Self::path(folder, self.chain_id);
        let text = serde_json::to_vec_pretty(self).expect("plain values are always JSON");
        write_whole(&path, &text).map_err(|error| Error::Progress { path, reason: error.to_string() })
    }

    pub(super) fn remove(&self, folder: &Path) -> Result<(), Error> {
        let path = Self::path(folder, self.chain_id);
        fs::remove_file(&path).map_err(|error| Error::Progress { path, reason: error.to_string() })
    }
}
