//! Large bytes as files, each under the digest that names it.
//!
//! Owns `bundles/`, `leaves/` and `rewards/` in the data directory. A file appears under its name only when it is whole and on disk:
//! it is written beside, synced, renamed, and the folder synced. A crash leaves at most a partial file, removed at start.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::records::{Blob, Digest};
use super::{Error, Result};

/// How the name of a file ends while it is written.
const PARTIAL: &str = "partial";

/// The folders of large bytes.
#[derive(Debug, Clone)]
pub(super) struct Bundles {
    directory: PathBuf,
    /// Tells apart files that are written at the same time.
    writes: Arc<AtomicU64>,
}

impl Bundles {
    /// Opens the folders, making them if need be.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        for blob in [Blob::Bundle, Blob::Leaves, Blob::Rewards] {
            let folder = directory.join(folder(blob));
            fs::create_dir_all(&folder)?;
            for file in fs::read_dir(&folder)? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == PARTIAL) {
                    fs::remove_file(path)?;
                }
            }
        }
        Ok(Self { directory: directory.to_owned(), writes: Arc::default() })
    }

    /// Writes bytes under their name, once.
    pub(super) async fn put(&self, blob: Blob, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        let this = self.clone();
        run("writes a blob", move || this.write(blob, &digest, &bytes)).await
    }

    /// Reads what is held under a name.
    pub(super) async fn get(&self, blob: Blob, digest: Digest) -> Result<Option<Vec<u8>>> {
        let path = self.path(blob, &digest);
        run("reads a blob", move || match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// A digest of all names and contents.
    #[cfg(test)]
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = blake3::Hasher::new();
        for blob in [Blob::Bundle, Blob::Leaves, Blob::Rewards] {
            let files = fs::read_dir(self.directory.join(folder(blob))).unwrap();
            let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            files.sort();
            for file in files {
                digest.update(format!("{blob:?} {file:?} {:?}", fs::read(&file).unwrap()).as_bytes());
            }
        }
        digest.finalize().into()
    }

    fn path(&self, blob: Blob, digest: &Digest) -> PathBuf {
        self.directory.join(folder(blob)).join(hex::encode(digest))
    }

    fn write(&self, blob: Blob, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(blob, digest);
        if path.exists() {
            return Ok(());
        }
        let partial = path.with_extension(format!("{}.{PARTIAL}", self.writes.fetch_add(1, Ordering::Relaxed)));
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        File::open(self.directory.join(folder(blob)))?.sync_all()
    }
}

fn folder(blob: Blob) -> &'static str {
    match blob {
        Blob::Bundle => "bundles",
        Blob::Leaves => "leaves",
        Blob::Rewards => "rewards",
    }
}

async fn run<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).flatten().map_err(|error| {
        tracing::error!(%error, "store {doing}");
        Error::Unavailable(doing)
    })
}
