//! Receives the files of a manifest into the job's folder. Nothing larger than the manifest says is written, nothing is
//! run before every digest agrees, and the folder is removed with the session.
use super::{Error, Timeouts, manifest::File, wire::Requests};
use crate::sandbox;
use gpux_proto::{bytes::to_hex, node::session_request::Message};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// The largest piece of a file.
const PIECE_BYTES_MAX: usize = 256 << 10;

/// Receives all files, in the manifest's order.
pub(super) async fn receive(
    requests: &mut Requests,
    files: &[File],
    folder: &Path,
    timeouts: &Timeouts,
) -> Result<(), Error> {
    let end = Instant::now() + timeouts.upload;
    for file in files {
        let path = folder.join(&file.name);
        write(path.clone(), Vec::new().into()).await?;
        let mut hasher = blake3::Hasher::new();
        let mut size = 0;
        while size < file.size {
            let truncated = || Error::UploadTruncated { name: file.name.clone(), size, expected: file.size };
            let wait = timeouts.message.min(end.saturating_duration_since(Instant::now()));
            let data = match requests.next(wait).await?.ok_or_else(truncated)? {
                Message::Upload(upload) => upload.data,
                Message::Frame(_) => return Err(truncated()),
                Message::Start(_) => return Err(Error::Malformed("a second start")),
            };
            if data.is_empty() {
                return Err(Error::Malformed("an empty piece of a file"));
            }
            size += data.len() as u64;
            if data.len() > PIECE_BYTES_MAX || size > file.size {
                return Err(Error::Oversized { what: "an upload", size, limit: file.size });
            }
            hasher.update(&data);
            write(path.clone(), data).await?;
        }
        if *hasher.finalize().as_bytes() != file.digest {
            let expected = to_hex(&file.digest);
            return Err(Error::ManifestMismatch(format!("the content of {} is not {expected}", file.name)));
        }
    }
    Ok(())
}

async fn write(path: PathBuf, data: bytes::Bytes) -> Result<(), Error> {
    let written = tokio::task::spawn_blocking(move || sandbox::append(&path, &data)).await;
    Ok(written.map_err(std::io::Error::other)??)
}
