//! The released workers whose evidence counts.
//!
//! Owns where their files are looked for and that each is read whole: evidence of a variant is checked by building the
//! variant again. Never accepts a worker that nobody named, but for the one that was installed beside this program.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use gpux_kernels::release::{self, RELEASE_BYTES_MAX, Release};

/// The worker's program.
const WORKER: &str = "gpux-job";
/// The most releases; each is held in memory.
const RELEASES_MAX: usize = 16;

/// Why releases cannot be accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read release {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file is no release.
    #[error("{path} is no release of the worker")]
    Format {
        path: PathBuf,
        #[source]
        source: release::Error,
    },
    /// There are too many.
    #[error("{0} releases are more than {RELEASES_MAX}")]
    TooMany(usize),
}

/// The files in force: those of the flags, else of the configuration, else the worker beside this program.
pub fn given(flags: Vec<PathBuf>, file: Option<Vec<PathBuf>>) -> Vec<PathBuf> {
    match (flags.as_slice(), file) {
        ([_, ..], _) => flags,
        ([], Some(file)) => file,
        ([], None) => installed().into_iter().collect(),
    }
}

fn installed() -> Option<PathBuf> {
    let worker = std::env::current_exe().ok()?.with_file_name(WORKER);
    worker.is_file().then_some(worker)
}

/// Reads releases.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Arc<Release>>, Error> {
    if paths.len() > RELEASES_MAX {
        return Err(Error::TooMany(paths.len()));
    }
    paths.iter().map(|path| read_one(path).map(Arc::new)).collect()
}

fn read_one(path: &Path) -> Result<Release, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(RELEASE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::Io { path: path.into(), source })?;
    Release::new(bytes).map_err(|source| Error::Format { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_and_what_is_none_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let (worker, empty) = (path("worker", b"worker"), path("empty", b""));
        let releases = read(std::slice::from_ref(&worker)).unwrap();
        assert_eq!(releases[0].digest(), *blake3::hash(b"worker").as_bytes());
        assert!(matches!(read(&[worker.clone(), empty]), Err(Error::Format { path, .. }) if path.ends_with("empty")));
        assert!(matches!(read(&[directory.path().join("none")]), Err(Error::Io { .. })));
        assert!(matches!(read(&vec![worker; 17]), Err(Error::TooMany(17))));
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_what_is_installed() {
        let (flag, file) = (vec![PathBuf::from("flag")], vec![PathBuf::from("file")]);
        assert_eq!(given(flag.clone(), Some(file.clone())), flag);
        assert_eq!(given(vec![], Some(file.clone())), file);
        // An empty list in the file is a decision, too.
        assert_eq!(given(vec![], Some(vec![])), Vec::<PathBuf>::new());
    }
}
