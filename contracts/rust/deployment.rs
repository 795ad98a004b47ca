//! The record of a deployment, `<chain id>.json`: where the contracts are, and since which block.
//!
//! Everything that talks to the chain starts from this file. It holds public facts only, never a key, and a file with an
//! unknown key or a missing one is an error, not a guess.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

/// A record is below 1 KB; whatever is larger is no record.
const BYTES_MAX: u64 = 64 * 1024;

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// The file system refused.
    #[error("cannot access deployment file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no record.
    #[error("deployment file {path} is not a deployment record: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where it stops being one.
        source: serde_json::Error,
    },
    /// The file is too large to be a record.
    #[error("deployment file {path} is larger than {BYTES_MAX} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The record belongs to another chain than the one asked.
    #[error("deployment is for chain {recorded}, but the node serves chain {served}")]
    ForeignChain {
        /// As recorded.
        recorded: u64,
        /// As served.
        served: u64,
    },
}

/// Where the contracts of one market are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whether periods and parameters are those of a development market: every page and message then says so.
    pub development: bool,
    /// The block from which an indexer has to read: that of the first contract.
    pub block: u64,
    /// The coin of rentals and bonds.
    pub token: Address,
    /// Who may do what: OpenZeppelin's AccessManager.
    pub access_manager: Address,
    /// The escrow.
    pub rentals: Address,
    /// The fishers' stake.
    pub bonds: Address,
    /// Roots of epochs.
    pub scores: Address,
    /// The only account that freezes, slashes, levies and locks; notes commit to it.
    pub court: Address,
    /// Pays fishers what an epoch assigns to them.
    pub rewards: Address,
    /// Length of an epoch in seconds, as Scores enforces it.
    pub epoch_length_seconds: u64,
}

impl Deployment {
    /// The name of this chain's record.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.chain_id)
    }

    /// Reads a record.
    pub fn read(path: &Path) -> Result<Self, DeploymentError> {
        let io = |source| DeploymentError::Io { path: path.to_owned(), source };
        let mut text = Vec::new();
        File::open(path).map_err(io)?.take(BYTES_MAX + 1).read_to_end(&mut text).map_err(io)?;
        if text.len() as u64 > BYTES_MAX {
            return Err(DeploymentError::TooLarge { path: path.to_owned() });
        }
        serde_json::from_slice(&text).map_err(|source| DeploymentError::Format { path: path.to_owned(), source })
    }

    /// Writes the record into a folder as `<chain id>.json`, at once or not at all, and says where.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, DeploymentError> {
        let path = folder.join(self.file_name());
        let io = |source| DeploymentError::Io { path: path.clone(), source };
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| DeploymentError::Format { path: path.clone(), source })?;
        text.push(b'\n');
        write_whole(&path, &text).map_err(io)?;
        Ok(path)
    }

    /// Fails unless the record is for the chain that a node serves.
    pub fn require_chain(&self, served: u64) -> Result<(), DeploymentError> {
        if self.chain_id == served {
            Ok(())
        } else {
            Err(DeploymentError::ForeignChain { recorded: self.chain_id, served })
        }
    }
}

/// Writes a file so that a reader, and whoever comes after a crash, sees all of it or nothing. Its folder is made if missing.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    // The name is durable only with its folder.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Deployment {
        let address = Address::repeat_byte;
        Deployment {
            chain_id: 31_337,
            development: true,
            block: 1,
            token: address(1),
            access_manager: address(2),
            rentals: address(3),
            bonds: address(4),
            scores: address(5),
            court: address(6),
            rewards: address(7),
            epoch_length_seconds: 5,
        }
    }

    #[test]
    fn a_record_survives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = record().write(folder.path()).unwrap();
        assert_eq!(path.file_name().unwrap(), "31337.json");
        assert_eq!(Deployment::read(&path).unwrap(), record());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the partial file is gone");
    }

    #[test]
    fn damaged_records_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = record().write(folder.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();

        fs::write(&path, text.replace("\"court\"", "\"judge\"")).unwrap();
        assert!(Deployment::read(&path).unwrap_err().to_string().contains("judge"));
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert!(matches!(Deployment::read(&path), Err(DeploymentError::Format { .. })));
        fs::write(&path, " ".repeat(BYTES_MAX as usize + 1)).unwrap();
        assert!(matches!(Deployment::read(&path), Err(DeploymentError::TooLarge { .. })));
        fs::remove_file(&path).unwrap();
        assert!(matches!(Deployment::read(&path), Err(DeploymentError::Io { .. })));
    }

    #[test]
    fn a_foreign_chain_is_refused() {
        record().require_chain(31_337).unwrap();
        let error = record().require_chain(10).unwrap_err();
        assert_eq!(error.to_string(), "deployment is for chain 31337, but the node serves chain 10");
    }
}
