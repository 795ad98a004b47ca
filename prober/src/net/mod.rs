//! The probe `net`: the fisher's side measures, the other answers, over one connection. Bytes, requests and digests are
//! `gpux_kernels::net`'s; this module owns sockets, limits and the fisher's clock. Invariant: whatever the other side
//! does, every wait ends, and nothing but a piece of 64 KiB is held.
mod endpoint;
mod measure;
#[cfg(test)]
mod tests;

pub use endpoint::{CONNECTIONS_MAX, Endpoint, answer};
pub use measure::{Figures, Plan, measure};

use gpux_kernels::net::PREFACE;
use std::{
    io,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout_at,
};

/// Bytes that are made, sent and hashed at once.
const PIECE_BYTES: usize = 64 << 10;
/// How long the other side may take nothing or send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How long one transfer may take.
const TRANSFER_MAX: Duration = Duration::from_secs(60);

/// There is no figure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers at the address.
    #[error("no connection to {address}: {source}")]
    Connect {
        /// The address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection broke while {0}: {1}")]
    Broken(&'static str, io::Error),
    /// The other side does not go on.
    #[error("the other side did not go on in time while {0}")]
    Silence(&'static str),
    /// The other side speaks something else.
    #[error("the other side is no end point of gpux")]
    Foreign,
    /// A digest is not that of the bytes that were sent.
    #[error("what was received {0} is not what was sent")]
    Differs(&'static str),
    /// An answer is out of place.
    #[error("the other side answered something else to {0}")]
    Answer(&'static str),
    /// A request is malformed.
    #[error(transparent)]
    Request(#[from] gpux_kernels::net::Error),
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// A connection whose every wait has an end.
#[derive(Debug)]
struct Line<S> {
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// Reads all of `bytes` by the deadline, and never waits longer than [`SILENCE_MAX`] for the next of them.
    async fn read(&mut self, what: &'static str, bytes: &mut [u8], deadline: Instant) -> Result<(), Error> {
        let mut at = 0;
        while at < bytes.len() {
            let until = deadline.min(Instant::now() + SILENCE_MAX);
            match timeout_at(until.into(), self.stream.read(&mut bytes[at..])).await {
                Err(_) => return Err(Error::Silence(what)),
                Ok(Err(error)) => return Err(Error::Broken(what, error)),
                Ok(Ok(0)) => return Err(Error::Broken(what, io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(count)) => at += count,
            }
        }
        Ok(())
    }

    async fn write(&mut self, what: &'static str, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let mut at = 0;
        while at < bytes.len() {
            let until = deadline.min(Instant::now() + SILENCE_MAX);
            match timeout_at(until.into(), self.stream.write(&bytes[at..])).await {
                Err(_) => return Err(Error::Silence(what)),
                Ok(Err(error)) => return Err(Error::Broken(what, error)),
                Ok(Ok(0)) => return Err(Error::Broken(what, io::ErrorKind::WriteZero.into())),
                Ok(Ok(count)) => at += count,
            }
        }
        Ok(())
    }

    /// Both sides name protocol and version.
    async fn greet(&mut self) -> Result<(), Error> {
        let (what, deadline) = ("greeting", Instant::now() + SILENCE_MAX);
        self.write(what, &PREFACE, deadline).await?;
        let mut heard = [0; PREFACE.len()];
        self.read(what, &mut heard, deadline).await?;
        if heard == PREFACE { Ok(()) } else { Err(Error::Foreign) }
    }
}
