//! The outbox: reports that no oracle has acknowledged yet, one file each, durable before the first attempt. A crash or an
//! oracle's outage loses none: what is left is delivered by the next run. What an oracle refuses for good is moved aside
//! with the reason, never deleted: it is the fisher's evidence. Delivered reports that accuse are kept for a while
//! (`Kept`): a case is filed with the note's salt, and nobody else has it.
use super::{Kept, Oracle, Refusal};
use crate::durable;
use gpux_proto::{
    evidence::Signed,
    oracle::{CommitReportRequest, SubmitReportRequest},
    signing::{self, Domain},
};
use prost::Message as _;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

/// The first pause between two attempts; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Attempts of one run; the file stays for the next.
const ATTEMPTS_MAX: u32 = 40;
/// The most files that are read back.
const FILES_MAX: usize = 10_000;
/// The largest file: a bundle of 4 MiB, a report and its signatures.
pub(super) const FILE_BYTES_MAX: u64 = 6 << 20;

/// A report on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    /// The commit.
    pub commit: Signed,
    /// The report.
    pub report: Signed,
    /// The encoded bundle, or empty.
    pub bundle: Vec<u8>,
}

impl Parcel {
    /// The report's id.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        signing::id(Domain::Report, &self.report.payload)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let commit = CommitReportRequest { commit: Some(self.commit.clone()) };
        let submit = SubmitReportRequest { report: Some(self.report.clone()), bundle: self.bundle.clone() };
        let mut bytes = commit.encode_length_delimited_to_vec();
        bytes.extend(submit.encode_to_vec());
        bytes
    }

    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let commit = CommitReportRequest::decode_length_delimited(&mut bytes).ok()?.commit?;
        let submit = SubmitReportRequest::decode(bytes).ok()?;
        Some(Self { commit, report: submit.report?, bundle: submit.bundle })
    }
}

/// The folder of reports that are on their way.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
    kept: Kept,
}

impl Outbox {
    /// Opens the outbox in a fisher's data directory.
    pub fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("reports");
        fs::create_dir_all(folder.join("refused"))?;
        Ok(Self { folder, kept: Kept::open(data)? })
    }

    /// Stores a report, durably.
    pub fn store(&self, parcel: &Parcel) -> io::Result<()> {
        durable::write(&self.path(parcel), &parcel.encode())
    }

    /// Reads what was not acknowledged. A file that is no report is left where it is and logged.
    pub fn pending(&self) -> io::Result<Vec<Parcel>> {
        let mut parcels = Vec::new();
        for file in fs::read_dir(&self.folder)?.take(FILES_MAX) {
            let path = file?.path();
            if path.extension().is_none_or(|e| e != "report") || fs::metadata(&path)?.len() > FILE_BYTES_MAX {
                continue;
            }
            match Parcel::decode(&fs::read(&path)?) {
                Some(parcel) => parcels.push(parcel),
                None => warn!(path = %path.display(), "not a report"),
            }
        }
        Ok(parcels)
    }

    /// Delivers a stored report, with pauses that grow, until it is acknowledged or refused for good. Says whether it was
    /// acknowledged.
    pub async fn deliver(&self, oracle: &Oracle, parcel: &Parcel, stop: &CancellationToken) -> Result<(), Refusal> {
        let mut pause = PAUSE_MIN;
        let mut attempt = 1;
        loop {
            let refusal = match oracle.deliver(parcel).await {
                Ok(()) => {
                    self.forget(parcel);
                    return Ok(());
                }
                Err(refusal) => refusal,
            };
            let report = gpux_proto::bytes::to_hex(&parcel.id());
            if !refusal.retryable {
                error!(report, reason = refusal.reason, message = refusal.message, "report refused");
                self.set_aside(parcel, &refusal);
                return Err(refusal);
            }
            debug!(report, attempt, reason = refusal.reason, "report not accepted yet");
            if attempt == ATTEMPTS_MAX || stop.is_cancelled() {
                return Err(refusal);
            }
            attempt += 1;
            let wait = refusal.after.map_or(pause, |after| after.clamp(PAUSE_MIN, PAUSE_MAX));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn path(&self, parcel: &Parcel) -> PathBuf {
        self.folder.join(format!("{}.report", hex::encode(parcel.id())))
    }

    fn forget(&self, parcel: &Parcel) {
        if let Err(error) = self.kept.keep(parcel) {
            warn!(%error, "a report that accuses is not kept for a case");
        }
        if let Err(error) = fs::remove_file(self.path(parcel)) {
            // It is delivered again by the next run, which an oracle answers with "already exists".
            warn!(%error, "a delivered report stays in the outbox");
        }
    }

    fn set_aside(&self, parcel: &Parcel, refusal: &Refusal) {
        let name = hex::encode(parcel.id());
        let folder = self.folder.join("refused");
        let moved =
            fs::write(folder.join(format!("{name}.reason")), format!("{}: {}\n", refusal.reason, refusal.message))
                .and_then(|()| fs::rename(self.path(parcel), folder.join(format!("{name}.report"))));
        if let Err(error) = moved {
            warn!(%error, "a refused report stays in the outbox");
        }
    }
}
