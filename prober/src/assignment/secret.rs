//! The fisher's hash chain on disk: its secret, like a key, and the epoch at which it ends. Invariant: the epoch is durable
//! before it is registered, so that a crash never leaves a registered chain whose preimages nobody can compute.
use crate::durable;
use gpux_contracts::keys;
use gpux_kernels::{
    assignment::{LEAD_EPOCHS, Preimages, chain_epochs},
    plan::Market,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files in the data directory.
const SECRET: &str = "chain.key";
const EPOCH: &str = "chain.epoch";
/// The longest content of the second one: the digits of a u64 and a line's end.
const EPOCH_BYTES_MAX: u64 = 24;
/// How much further ahead than oracles ask for a new chain ends: their clocks may be ahead of this machine's.
const MARGIN_EPOCHS: u64 = 1;

/// The chain cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret cannot be read or made.
    #[error(transparent)]
    Key(#[from] keys::Error),
    /// The epoch cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The epoch's file holds something else.
    #[error("{0} holds no epoch; move it away to register a new hash chain")]
    Malformed(PathBuf),
}

/// The chain's secret and the chain that follows from it now.
#[derive(Debug)]
pub struct Secret {
    secret: [u8; 32],
    path: PathBuf,
    epochs: u64,
    preimages: Preimages,
}

impl Secret {
    /// Opens the chain in a data directory, and makes one where there is none or where it is nearly spent.
    pub fn open(data: &Path, market: Market, now: u64) -> Result<Self, Error> {
        let secret = keys::ed25519_or_create(&data.join(SECRET))?;
        let (path, epochs) = (data.join(EPOCH), chain_epochs(market));
        let known = read(&path)?;
        // The last tenth is left over: a run that is going on must not come to the end.
        let known = known.filter(|end| now < end.saturating_add(epochs - epochs / 10));
        let end = match known {
            Some(end) => end,
            None => begin(&path, now)?,
        };
        Ok(Self { secret, path, epochs, preimages: Preimages::new(&secret, end, epochs) })
    }

    /// Makes another chain of the same secret, which begins later: an oracle did not take the one that there is.
    pub fn renew(&mut self, now: u64) -> Result<(), Error> {
        let end = begin(&self.path, now)?;
        self.preimages = Preimages::new(&self.secret, end, self.epochs);
        Ok(())
    }

    /// The chain.
    #[must_use]
    pub fn preimages(&self) -> &Preimages {
        &self.preimages
    }
}

fn begin(path: &Path, now: u64) -> Result<u64, Error> {
    let end = now.saturating_add(LEAD_EPOCHS + MARGIN_EPOCHS);
    durable::write(path, format!("{end}\n").as_bytes()).map_err(|source| Error::Io { path: path.into(), source })?;
    Ok(end)
}

fn read(path: &Path) -> Result<Option<u64>, Error> {
    let io = |source| Error::Io { path: path.into(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        Ok(metadata) if metadata.len() > EPOCH_BYTES_MAX => return Err(Error::Malformed(path.into())),
        Ok(_) => {}
    }
    let text = fs::read_to_string(path).map_err(io)?;
    text.trim_end().parse().map(Some).map_err(|_| Error::Malformed(path.into()))
}
