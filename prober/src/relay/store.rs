//! Stamps that no oracle has taken yet, one file each, durable before the session's end is passed on: a relay that is killed
//! delivers them when it runs again. What is older than a day is dropped, since no report waits that long for them.
use crate::{clock, durable};
use gpux_proto::{
    evidence::{Signed, Stamps},
    signing::{self, Domain},
};
use prost::Message as _;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tracing::warn;

/// The most files; beyond them no session is carried, rather than carried for nothing.
const FILES_MAX: usize = 10_000;
/// The largest file: 4,096 stamps of about 48 bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How long stamps are kept for an oracle that does not answer.
const AGE_MAX: Duration = Duration::from_secs(86_400);
const EXTENSION: &str = "stamps";

/// The folder of undelivered stamps.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    files: AtomicUsize,
}

/// Stamps that wait.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiting {
    pub(super) id: [u8; 32],
    pub(super) signed: Signed,
    began: Duration,
}

impl Store {
    /// Opens the folder in a relay's data directory.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("stamps");
        fs::create_dir_all(&folder)?;
        let mut files = 0;
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            // What a kill interrupted is no stamp.
            match path.extension() {
                Some(extension) if extension == EXTENSION => files += 1,
                Some(extension) if extension == "partial" => fs::remove_file(path)?,
                _ => {}
            }
        }
        Ok(Self { folder, files: AtomicUsize::new(files) })
    }

    /// Whether there is no room for a further session's stamps.
    pub(super) fn is_full(&self) -> bool {
        self.files.load(Ordering::Relaxed) >= FILES_MAX
    }

    /// Keeps a session's stamps, durably.
    pub(super) fn keep(&self, stamps: &Signed) -> io::Result<()> {
        let id = signing::id(Domain::Stamps, &stamps.payload);
        durable::write(&self.path(&id), &stamps.encode_to_vec())?;
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What waits, the oldest first. What is too old, or is not what this relay wrote, is dropped.
    pub(super) fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let mut waiting = Vec::new();
        let oldest = clock::now().saturating_sub(AGE_MAX);
        for file in fs::read_dir(&self.folder)?.take(FILES_MAX) {
            let path = file?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            match read(&path)? {
                Some(found) if found.began >= oldest => waiting.push(found),
                found => {
                    let began = found.map(|found| found.began.as_secs());
                    warn!(path = %path.display(), began, "stamps are dropped: they are older than a day, or damaged");
                    fs::remove_file(&path)?;
                    self.less();
                }
            }
        }
        waiting.sort_by_key(|waiting| waiting.began);
        Ok(waiting)
    }

    /// Forgets what an oracle has taken or will never take.
    pub(super) fn forget(&self, id: &[u8; 32]) {
        match fs::remove_file(self.path(id)) {
            Ok(()) => self.less(),
            // It is delivered again, which an oracle answers with "already exists".
            Err(error) => warn!(%error, "delivered stamps stay in the folder"),
        }
    }

    fn less(&self) {
        let less = |files: usize| Some(files.saturating_sub(1));
        // It cannot fail: there is always a next value.
        let _ = self.files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn path(&self, id: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}.{EXTENSION}", hex::encode(id)))
    }
}

fn read(path: &Path) -> io::Result<Option<Waiting>> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Ok(None);
    }
    let Ok(signed) = Signed::decode(fs::read(path)?.as_slice()) else { return Ok(None) };
    let Ok(stamps) = signing::open::<Stamps>(Domain::Stamps, &signed) else { return Ok(None) };
    let seconds = stamps.start_time.map_or(0, |time| time.seconds.max(0) as u64);
    let id = signing::id(Domain::Stamps, &signed.payload);
    Ok(Some(Waiting { id, signed, began: Duration::from_secs(seconds) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::signing::SigningKey;

    fn stamps(began: Duration, end_us: u64) -> Signed {
        let stamps = Stamps { start_time: Some(clock::timestamp(began)), end_us, ..Default::default() };
        signing::sign(Domain::Stamps, &stamps, &SigningKey::from_bytes(&[8; 32]))
    }

    #[test]
    fn stamps_outlive_the_process_in_order_and_are_dropped_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let now = clock::now();
        let (new, old) = (stamps(now, 1), stamps(now.saturating_sub(Duration::from_secs(3_600)), 2));
        {
            let store = Store::open(folder.path()).unwrap();
            for signed in [&new, &old, &stamps(now.saturating_sub(AGE_MAX + Duration::from_secs(5)), 3)] {
                store.keep(signed).unwrap();
            }
        }
        fs::write(folder.path().join("stamps/damaged.stamps"), [0xff; 9]).unwrap();
        fs::write(folder.path().join("stamps/half.partial"), [1]).unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(!folder.path().join("stamps/half.partial").exists());
        let waiting: Vec<Signed> = store.waiting().unwrap().into_iter().map(|waiting| waiting.signed).collect();
        assert_eq!(waiting, [old, new.clone()]);
        let id = signing::id(Domain::Stamps, &new.payload);
        store.forget(&id);
        assert!(store.waiting().unwrap().iter().all(|waiting| waiting.id != id));
        assert_eq!((store.waiting().unwrap().len(), store.is_full()), (1, false));
    }
}
