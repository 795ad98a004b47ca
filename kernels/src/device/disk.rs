//! The disk of the machine: a file that is written, synced, dropped from the page cache and read at random.
//!
//! The file is opened for direct reads, so that the page cache answers nothing; where a file system refuses that (such as
//! one in memory), the cache is dropped once after writing. The file has no name: the system removes it with the device.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use nix::fcntl::{OFlag, PosixFadviseAdvice, posix_fadvise};
use nix::sys::statvfs::statvfs;

use super::engine;
use super::{Device, DeviceInfo, DeviceKind, Error, OpenedUnit, Prepared, RoundRoot};
use crate::disk::{self, Fill, PAGE_BYTES, Page, Source};
use crate::key::{Digest, Key};
use crate::merkle::{self, Domain};
use crate::probe::{Parameters, Shape};

/// Pages that are written at once: 4 MiB.
const WRITE_PAGES: u64 = 1_024;
/// Reads that wait for the disk at the same time, at most: the queue of an ordinary NVMe drive is longer.
const READERS_MAX: usize = 32;

/// The disk under a folder.
#[derive(Debug)]
pub struct DiskDevice {
    folder: PathBuf,
    usable_bytes: u64,
    ready: Option<Ready>,
}

#[derive(Debug)]
struct Ready {
    written: Written,
    walkers: u32,
    steps: u32,
}

#[derive(Debug)]
struct Written {
    file: File,
    pages: u64,
}

/// A page in memory, as direct reads want it.
#[repr(align(4096))]
struct Aligned(Page);

impl Source for Written {
    type Error = io::Error;

    fn read(&self, index: u64, page: &mut Page) -> io::Result<()> {
        let mut aligned = Aligned([0; PAGE_BYTES]);
        self.file.read_exact_at(&mut aligned.0, index * PAGE_BYTES as u64)?;
        *page = aligned.0;
        Ok(())
    }
}

impl DiskDevice {
    /// Makes a device of the disk that holds `folder`; half of what is free is usable, since a full disk would harm
    /// others.
    pub fn new(folder: &Path) -> Result<Self, Error> {
        let free = statvfs(folder).map_err(|error| Error::Disk(error.into()))?;
        let usable_bytes = free.blocks_available().saturating_mul(free.fragment_size()) / 2;
        Ok(Self { folder: folder.to_owned(), usable_bytes, ready: None })
    }

    /// Limits the space that a job can fill.
    pub fn with_usable_bytes(mut self, bytes: u64) -> Self {
        self.usable_bytes = self.usable_bytes.min(bytes);
        self
    }

    fn ready(&self) -> Result<&Ready, Error> {
        self.ready.as_ref().ok_or(Error::NotPrepared)
    }
}

/// Writes the pages and opens them for reading.
fn write(folder: &Path, fill: Fill, pages: u64) -> io::Result<Written> {
    let named = tempfile::NamedTempFile::new_in(folder)?;
    let read = direct(named.path())?;
    // Without a name nothing is left behind, whatever happens.
    let (mut file, path) = named.into_parts();
    path.close()?;
    let mut buffer = vec![0; WRITE_PAGES as usize * PAGE_BYTES];
    for first in (0..pages).step_by(WRITE_PAGES as usize) {
        let count = WRITE_PAGES.min(pages - first) as usize * PAGE_BYTES;
        fill.pages(first, &mut buffer[..count]);
        file.write_all(&buffer[..count])?;
    }
    file.sync_all()?;
    posix_fadvise(&read, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(Written { file: read, pages })
}

fn direct(path: &Path) -> io::Result<File> {
    let open = |flags: OFlag| OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    open(OFlag::O_DIRECT).or_else(|_| open(OFlag::empty()))
}

impl Ready {
    fn leaves(&self, key: &Key) -> Result<Vec<Digest>, Error> {
        let readers = READERS_MAX.min(self.walkers as usize).max(1) as u32;
        let failed: Mutex<Option<io::Error>> = Mutex::new(None);
        let walk = |reader: u32| -> Vec<(u32, Digest)> {
            let mut leaves = Vec::new();
            for walker in (reader..self.walkers).step_by(readers as usize) {
                match disk::leaf(&self.written, self.written.pages, (key, walker), (self.walkers, self.steps)) {
                    Ok(leaf) => leaves.push((walker, leaf)),
                    Err(error) => {
                        *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                        break;
                    }
                }
            }
            leaves
        };
        let mut leaves: Vec<(u32, Digest)> = thread::scope(|scope| {
            let walks: Vec<_> = (0..readers).map(|reader| scope.spawn(move || walk(reader))).collect();
            let joined =
                walks.into_iter().map(|walk| walk.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            joined.flatten().collect()
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            return Err(Error::Disk(error));
        }
        leaves.sort_by_key(|(walker, _)| *walker);
        Ok(leaves.into_iter().map(|(_, leaf)| leaf).collect())
    }
}

impl Device for DiskDevice {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { kind: DeviceKind::Cpu, name: "disk".into(), usable_bytes: self.usable_bytes }
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, Error> {
        parameters.validate()?;
        let Shape::Pages { walkers, steps, .. } = parameters.shape else {
            return Err(Error::Unsupported("disk".into(), parameters.probe));
        };
        // The file of the session before is given back first.
        self.ready = None;
        let pages = parameters.cells_for(self.usable_bytes);
        let asked = pages.saturating_mul(PAGE_BYTES as u64);
        if pages == 0 || asked > self.usable_bytes {
            return Err(Error::Memory { asked, usable: self.usable_bytes });
        }
        let written = write(&self.folder, Fill(*fill), pages).map_err(Error::Disk)?;
        self.ready = Some(Ready { written, walkers, steps });
        Ok(Prepared { cells: pages })
    }

    fn round(&mut self, key: &Key) -> Result<RoundRoot, Error> {
        Ok(merkle::root(Domain::Round, self.ready()?.leaves(key)?))
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
        let ready = self.ready()?;
        engine::check_units(ready.walkers, units)?;
        engine::open(ready.leaves(key)?, units)
    }
}
