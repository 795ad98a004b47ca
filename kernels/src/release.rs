//! What runs on a node: `build(release, variant)`.
//!
//! A released worker is transformed deterministically by a 32-byte variant, so that sessions differ in the bytes of their
//! GPU modules and anybody who learns the variant rebuilds the same worker. Variant 0 is the identity. The modules come
//! from the release itself, which its digest covers, so a verifier needs the released file and nothing else. Never reads
//! files: bytes in, bytes and digest out.

mod modules;
mod random;
mod region;
#[cfg(test)]
pub(crate) mod tests;
mod vary;

use std::fmt;
use std::ops::Range;

pub use modules::{Module, Modules};

use crate::key::Digest;

/// The variant that leaves a release as it is.
pub const IDENTITY: [u8; 32] = [0; 32];

/// The most bytes of a released worker.
pub const RELEASE_BYTES_MAX: usize = 256 << 20;

/// Why a worker cannot be built, or its modules cannot be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// There is nothing to transform.
    #[error("the released worker is empty")]
    Empty,
    /// The release is larger than any worker.
    #[error("the released worker has {0} bytes, more than {RELEASE_BYTES_MAX}")]
    TooLarge(usize),
    /// The release has no modules to vary.
    #[error("the released worker has no place for modules, so it has no variants")]
    NoVariants,
    /// The modules cannot be read.
    #[error("the pack of modules cannot be read: {0}")]
    Pack(&'static str),
    /// A module's text is not understood.
    #[error("module {subject} cannot be varied: {reason}")]
    Module {
        /// Which one.
        subject: String,
        /// What was not understood.
        reason: String,
    },
    /// The varied modules are larger than their place.
    #[error("the varied modules have {needed} bytes, and the worker has room for {room}")]
    NoRoom {
        /// Their size.
        needed: usize,
        /// What there is.
        room: usize,
    },
}

/// A worker as it is uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The executable.
    pub bytes: Vec<u8>,
    /// BLAKE3 of the executable: what J names.
    pub digest: Digest,
    /// BLAKE3 of the release that it was built from.
    pub release: Digest,
    /// The variant that it was built with.
    pub variant: [u8; 32],
}

/// A released worker.
#[derive(Clone)]
pub struct Release {
    bytes: Vec<u8>,
    digest: Digest,
    /// Where the modules are, what they are, and BLAKE3's state after the bytes before them.
    place: Option<(Range<usize>, Modules, Box<blake3::Hasher>)>,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("digest", &self.digest).field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Release {
    /// Takes the bytes of a worker as it was compiled.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        match bytes.len() {
            0 => return Err(Error::Empty),
            length if length > RELEASE_BYTES_MAX => return Err(Error::TooLarge(length)),
            _ => {}
        }
        let place = region::find(&bytes)?.map(|(range, modules)| {
            let mut before = Box::new(blake3::Hasher::new());
            before.update(&bytes[..range.start]);
            (range, modules, before)
        });
        Ok(Self { digest: *blake3::hash(&bytes).as_bytes(), bytes, place })
    }

    /// BLAKE3 of the release.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many bytes the release has, and every worker that is built from it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The modules of the release.
    #[must_use]
    pub fn modules(&self) -> Option<&Modules> {
        self.place.as_ref().map(|(_, modules, _)| modules)
    }

    /// Builds the worker of a variant.
    pub fn build(&self, variant: &[u8; 32]) -> Result<Built, Error> {
        let mut bytes = self.bytes.clone();
        if *variant != IDENTITY {
            let (range, modules, _) = self.place.as_ref().ok_or(Error::NoVariants)?;
            bytes[range.clone()].copy_from_slice(&region::fill(range.len(), modules, variant)?);
        }
        let digest = *blake3::hash(&bytes).as_bytes();
        Ok(Built { bytes, digest, release: self.digest, variant: *variant })
    }

    /// The digest of the worker of a variant, without a copy of the release.
    pub fn digest_of(&self, variant: &[u8; 32]) -> Result<Digest, Error> {
        if *variant == IDENTITY {
            return Ok(self.digest);
        }
        let (range, modules, before) = self.place.as_ref().ok_or(Error::NoVariants)?;
        let mut hasher = before.clone();
        hasher.update(&region::fill(range.len(), modules, variant)?);
        hasher.update(&self.bytes[range.end..]);
        Ok(*hasher.finalize().as_bytes())
    }
}
