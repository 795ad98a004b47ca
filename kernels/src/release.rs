//! What runs on a node: `build(release, variant)`.
//!
//! A released worker is transformed deterministically by a 32-byte variant, so that sessions differ in their bytes and
//! anybody who learns the variant rebuilds the same bytes. Variant 0 is the identity and the only known one. Never
//! reads files: bytes in, bytes and digest out.

use crate::key::Digest;

/// The variant that leaves a release as it is.
pub const IDENTITY: [u8; 32] = [0; 32];

/// The most bytes of a released worker.
pub const RELEASE_BYTES_MAX: usize = 256 << 20;

/// Why a worker cannot be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// The variant has no transformation in this version.
    #[error("unknown variant {}", hex(.0))]
    UnknownVariant([u8; 32]),
    /// There is nothing to transform.
    #[error("the released worker is empty")]
    Empty,
    /// The release is larger than any worker.
    #[error("the released worker has {0} bytes, more than {RELEASE_BYTES_MAX}")]
    TooLarge(usize),
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A worker as it is uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The executable.
    pub bytes: Vec<u8>,
    /// BLAKE3 of the executable: what J names.
    pub digest: Digest,
}

/// Transforms a released worker by a variant.
pub fn build(release: &[u8], variant: &[u8; 32]) -> Result<Built, Error> {
    match release.len() {
        0 => return Err(Error::Empty),
        length if length > RELEASE_BYTES_MAX => return Err(Error::TooLarge(length)),
        _ => {}
    }
    if *variant != IDENTITY {
        return Err(Error::UnknownVariant(*variant));
    }
    Ok(Built { bytes: release.to_vec(), digest: *blake3::hash(release).as_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variant_zero_is_the_identity() {
        let built = build(b"worker", &IDENTITY).unwrap();
        assert_eq!(built.bytes, b"worker");
        assert_eq!(built.digest, *blake3::hash(b"worker").as_bytes());
    }

    #[test]
    fn other_variants_are_unknown() {
        let error = build(b"worker", &[1; 32]).unwrap_err();
        assert_eq!(error, Error::UnknownVariant([1; 32]));
        assert!(error.to_string().starts_with("unknown variant 0101"));
        assert_eq!(build(b"", &IDENTITY), Err(Error::Empty));
    }
}
