//! How many sessions run, and which job of its rental each one is.
//!
//! Owns the capacity that the offer promises and the ordinals that OPEN states ("ran alone" means ordinal 1). Invariant:
//! a Hello opens one session only, also after a restart, so that a stranger who has seen it cannot raise the rental's
//! ordinal. On disk it is a file of entries of 64 bytes, rental and Hello, each durable before OPEN is signed.
use super::Error;
use std::{
    collections::{BTreeSet, HashMap},
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Jobs of one rental; more are refused, since each is remembered while the rental is.
const JOBS_MAX: usize = 1_024;
/// Rentals that are remembered; the one that was used longest ago is forgotten first. Each cost its consumer money.
const RENTALS_MAX: usize = 65_536;

#[derive(Debug, Default)]
struct Jobs {
    hellos: BTreeSet<[u8; 32]>,
    used: u64,
}

#[derive(Debug)]
struct Ledger {
    rentals: HashMap<[u8; 32], Jobs>,
    turn: u64,
    file: File,
}

/// Rental and Hello.
const ENTRY_BYTES: u64 = 64;
/// What is read back at a start: the newest entries. A rental ends long before so many others have begun.
const LEDGER_BYTES_MAX: u64 = 64 << 20;

impl Ledger {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        // A node that was killed while it wrote has left a part of an entry, of a session that never opened.
        let whole = file.metadata()?.len() / ENTRY_BYTES * ENTRY_BYTES;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole.saturating_sub(LEDGER_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut ledger = Self { rentals: HashMap::new(), turn: 0, file };
        for pair in bytes.as_chunks::<32>().0.as_chunks::<2>().0 {
            ledger.jobs(pair[0]).hellos.insert(pair[1]);
        }
        Ok(ledger)
    }

    fn append(&mut self, rental: &[u8; 32], hello: &[u8; 32]) -> io::Result<()> {
        self.file.write_all(&[*rental, *hello].concat())?;
        self.file.sync_data()
    }

    /// The jobs of a rental, which is then the one that was used last.
    fn jobs(&mut self, rental: [u8; 32]) -> &mut Jobs {
        self.turn += 1;
        if self.rentals.len() >= RENTALS_MAX && !self.rentals.contains_key(&rental) {
            let oldest = self.rentals.iter().min_by_key(|(_, jobs)| jobs.used).map(|(id, _)| *id);
            oldest.map(|id| self.rentals.remove(&id));
        }
        let jobs = self.rentals.entry(rental).or_default();
        jobs.used = self.turn;
        jobs
    }
}

/// The sessions of a node.
#[derive(Debug)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    capacity: u32,
    ledger: Mutex<Ledger>,
}

impl Slots {
    /// Opens the ledger, and first makes one where there is none.
    pub(super) fn open(capacity: u32, ledger: &Path) -> io::Result<Self> {
        let free = Arc::new(Semaphore::new(capacity as usize));
        Ok(Self { free, capacity, ledger: Mutex::new(Ledger::open(ledger)?) })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a Hello that has opened a session.
    pub(super) fn fresh(&self, rental: &[u8; 32], hello: &[u8; 32]) -> Result<(), Error> {
        let ledger = self.ledger();
        let jobs = ledger.rentals.get(rental);
        if jobs.is_some_and(|jobs| jobs.hellos.contains(hello)) { Err(Error::HelloReplayed) } else { Ok(()) }
    }

    /// Takes a place for a session until the permit is dropped.
    pub(super) fn take(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.free.clone().try_acquire_owned().map_err(|_| Error::AtCapacity(self.capacity))
    }

    /// Enters a session and returns its ordinal in the rental, from 1.
    pub(super) fn enter(&self, rental: [u8; 32], hello: [u8; 32]) -> Result<u32, Error> {
        let mut ledger = self.ledger();
        let jobs = ledger.jobs(rental);
        if jobs.hellos.len() >= JOBS_MAX {
            return Err(Error::Malformed("the rental has run as many jobs as a rental may"));
        }
        if !jobs.hellos.insert(hello) {
            return Err(Error::HelloReplayed);
        }
        let ordinal = jobs.hellos.len() as u32;
        ledger.append(&rental, &hello)?;
        Ok(ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_counts_once_and_ordinals_are_per_rental_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let slots = Slots::open(1, &path).unwrap();
        assert_eq!(slots.enter([1; 32], [1; 32]).unwrap(), 1);
        assert!(matches!(slots.enter([1; 32], [1; 32]), Err(Error::HelloReplayed)));
        assert!(matches!(slots.fresh(&[1; 32], &[1; 32]), Err(Error::HelloReplayed)));
        assert_eq!(slots.enter([1; 32], [2; 32]).unwrap(), 2);
        assert_eq!(slots.enter([2; 32], [1; 32]).unwrap(), 1);
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"torn").unwrap();
        let slots = Slots::open(1, &path).unwrap();
        assert!(matches!(slots.fresh(&[1; 32], &[1; 32]), Err(Error::HelloReplayed)));
        assert_eq!(slots.enter([1; 32], [3; 32]).unwrap(), 3);
        assert_eq!(Slots::open(1, &path).unwrap().enter([1; 32], [4; 32]).unwrap(), 4);
    }

    #[test]
    fn capacity_comes_back_when_a_session_ends() {
        let folder = tempfile::tempdir().unwrap();
        let slots = Slots::open(1, &folder.path().join("ledger")).unwrap();
        let held = slots.take().unwrap();
        assert!(matches!(slots.take(), Err(Error::AtCapacity(1))));
        drop(held);
        assert!(slots.take().is_ok());
    }
}
