//! Delivered reports that accuse, with bundle and salt: what a case is filed with.
//!
//! Owns the folder `reports/kept`. A proof case is filed within a day of the rental's end, a bare one while something is held, so
//! files of [`DAYS`] days are enough; older ones, and the oldest beyond a count, are removed with the next one that comes.
use super::{Parcel, outbox::FILE_BYTES_MAX};
use crate::{clock, durable};
use gpux_kernels::measure::RATIO_ONE;
use gpux_proto::{
    evidence::{Outcome, Report},
    signing::{self, Domain},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The longest hold, and as long again for an appeal's evidence.
const DAYS: u64 = 30;
/// The most files: a bundle each, of 4 MiB at most.
const FILES_MAX: usize = 256;

/// From this x on, in 64ths, nothing is said against a claim: nine tenths, since noise never lifts x above 1.
pub const CLEAN: u32 = RATIO_ONE as u32 * 9 / 10;

/// The folder.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

/// A kept report, read.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The report's id.
    pub id: [u8; 32],
    /// What it says.
    pub report: Report,
    /// The session's bundle, as operators examine it.
    pub bundle: Vec<u8>,
}

impl Evidence {
    /// The bundle's id, which operators sign.
    #[must_use]
    pub fn bundle_id(&self) -> [u8; 32] {
        signing::id(Domain::Bundle, &self.bundle)
    }

    fn of(parcel: Parcel) -> Option<Self> {
        let report = signing::open(Domain::Report, &parcel.report).ok()?;
        Some(Self { id: parcel.id(), report, bundle: parcel.bundle })
    }

    /// Whether a case could be made of it.
    fn accuses(&self) -> bool {
        match self.report.outcome() {
            Outcome::Fail => true,
            Outcome::Pass => self.report.wrong > 0 || self.report.x_upper < CLEAN,
            Outcome::Unspecified | Outcome::Inconclusive => false,
        }
    }
}

impl Kept {
    /// Opens the folder in a fisher's data directory.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("reports").join("kept");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps a report, if it accuses.
    pub fn keep(&self, parcel: &Parcel) -> io::Result<()> {
        if !Evidence::of(parcel.clone()).is_some_and(|evidence| evidence.accuses()) {
            return Ok(());
        }
        self.tidy()?;
        durable::write(&self.path(&parcel.id()), &parcel.encode())
    }

    /// One report.
    pub fn evidence(&self, id: &[u8; 32]) -> io::Result<Evidence> {
        read(&self.path(id))
    }

    /// All reports, the newest first; a file that is no report is left out.
    pub fn all(&self) -> io::Result<Vec<Evidence>> {
        let mut files = self.files()?;
        files.reverse();
        Ok(files.into_iter().filter_map(|(_, path)| read(&path).ok()).collect())
    }

    /// Makes room for one more.
    fn tidy(&self) -> io::Result<()> {
        let files = self.files()?;
        let since = clock::now().saturating_sub(Duration::from_secs(DAYS * 86_400));
        let oldest = SystemTime::UNIX_EPOCH + since;
        let beyond = (files.len() + 1).saturating_sub(FILES_MAX);
        for (at, (written, path)) in files.into_iter().enumerate() {
            if at < beyond || written < oldest {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// The files by age, the oldest first.
    fn files(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == "report") {
                files.push((fs::metadata(&path)?.modified()?, path));
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    fn path(&self, id: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}.report", hex::encode(id)))
    }
}

fn read(path: &Path) -> io::Result<Evidence> {
    let no_report = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is no report", path.display()));
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(no_report());
    }
    Parcel::decode(&fs::read(path)?).and_then(Evidence::of).ok_or_else(no_report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::{evidence::Signed, signing::SigningKey};

    fn parcel(number: u64, wrong: u32, outcome: Outcome) -> Parcel {
        measured(number, wrong, outcome, 64)
    }

    fn measured(number: u64, wrong: u32, outcome: Outcome, x_upper: u32) -> Parcel {
        let mut report = Report { wrong, x_upper, rental: number.to_be_bytes().to_vec(), ..Report::default() };
        report.set_outcome(outcome);
        let key = SigningKey::from_bytes(&[1; 32]);
        Parcel { commit: Signed::default(), report: signing::sign(Domain::Report, &report, &key), bundle: vec![7; 9] }
    }

    #[test]
    fn what_accuses_is_kept_and_what_does_not_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        kept.keep(&parcel(1, 0, Outcome::Pass)).unwrap();
        kept.keep(&measured(2, 0, Outcome::Inconclusive, 0)).unwrap();
        kept.keep(&measured(2, 0, Outcome::Pass, CLEAN)).unwrap();
        assert_eq!(kept.all().unwrap().len(), 0);
        let (wrong, failed) = (parcel(3, 2, Outcome::Fail), parcel(4, 0, Outcome::Fail));
        kept.keep(&wrong).unwrap();
        kept.keep(&failed).unwrap();
        assert_eq!(kept.all().unwrap().len(), 2);
        kept.keep(&measured(5, 0, Outcome::Pass, CLEAN - 1)).unwrap();
        assert_eq!(kept.all().unwrap().len(), 3);
        let evidence = kept.evidence(&wrong.id()).unwrap();
        assert_eq!((evidence.id, evidence.report.wrong, evidence.bundle.len()), (wrong.id(), 2, 9));
        std::fs::write(dir.path().join("reports/kept/00.report"), b"no report").unwrap();
        assert_eq!(kept.all().unwrap().len(), 3);
        assert!(kept.evidence(&[0; 32]).is_err());
    }

    #[test]
    fn the_folder_is_bounded_and_the_oldest_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::open(dir.path()).unwrap();
        let first = parcel(0, 2, Outcome::Fail);
        kept.keep(&first).unwrap();
        let old = fs::File::options().write(true).open(kept.path(&first.id())).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH + clock::now() - Duration::from_secs(60)).unwrap();
        for number in 1..=FILES_MAX as u64 {
            kept.keep(&parcel(number, 2, Outcome::Fail)).unwrap();
        }
        assert_eq!(kept.files().unwrap().len(), FILES_MAX);
        assert!(kept.evidence(&first.id()).is_err());
    }
}
