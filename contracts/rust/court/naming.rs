//! How cases and statements are named on a command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use alloy::primitives::{B256, keccak256};
use gpux_proto::bytes::{self, from_hex};

/// The largest statement: the arbiter reads it.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

/// A statement cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The file system refused.
    #[error("cannot read statement {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It says nothing, or more than anybody reads.
    #[error("statement {path} is empty or larger than {STATEMENT_BYTES_MAX} bytes")]
    Size {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a case's name: "cases/0x…" or its id.
pub fn id(name: &str) -> Result<B256, bytes::Error> {
    from_hex::<32>("case", name.strip_prefix("cases/").unwrap_or(name)).map(B256::from)
}

/// The digest that stands on chain for a statement: keccak-256 of its file.
pub fn statement(path: &Path) -> Result<B256, StatementError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(STATEMENT_BYTES_MAX + 1).read_to_end(&mut text));
    read.map_err(|source| StatementError::Io { path: path.to_owned(), source })?;
    if text.is_empty() || text.len() as u64 > STATEMENT_BYTES_MAX {
        return Err(StatementError::Size { path: path.to_owned() });
    }
    Ok(keccak256(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_something_to_say_and_not_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statement.txt");
        assert!(matches!(statement(&path), Err(StatementError::Io { .. })));
        for (text, fits) in
            [("", false), ("no", true), (&"x".repeat(1 << 20), true), (&"x".repeat((1 << 20) + 1), false)]
        {
            std::fs::write(&path, text).unwrap();
            match statement(&path) {
                Ok(digest) => assert!(fits && digest == keccak256(text)),
                Err(error) => assert!(!fits && matches!(error, StatementError::Size { .. })),
            }
        }
    }

    #[test]
    fn a_case_is_named_by_its_id_or_as_the_api_does() {
        let digits = format!("0x{}", "07".repeat(32));
        assert_eq!(id(&digits).unwrap(), B256::repeat_byte(7));
        assert_eq!(id(&format!("cases/{digits}")).unwrap(), B256::repeat_byte(7));
        assert!(id("cases/0x07").is_err() && id("nodes/").is_err());
    }
}
