//! A bundle's bytes, which may come from anybody. An empty frame takes two bytes on the wire and seventy in memory, so frames are
//! counted before any is read: what is decoded takes a few times its bytes and not forty times.
use crate::{bytes, evidence::Bundle, frames::FRAMES_MAX};
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// The largest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 4 << 20;
/// The number of the field `frames`.
const FRAMES: u32 = 9;

/// The bytes are no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are more than [`BUNDLE_BYTES_MAX`].
    #[error("a bundle of {0} bytes is larger than {BUNDLE_BYTES_MAX}")]
    Oversized(usize),
    /// There are more frames than [`FRAMES_MAX`].
    #[error("a bundle of {0} frames has more than {FRAMES_MAX}")]
    Frames(usize),
    /// The bytes are no protobuf message of this type.
    #[error(transparent)]
    Decode(#[from] bytes::Error),
}

/// Decodes a bundle.
pub fn decode(bundle: &[u8]) -> Result<Bundle, Error> {
    if bundle.len() > BUNDLE_BYTES_MAX {
        return Err(Error::Oversized(bundle.len()));
    }
    match frames(bundle) {
        Ok(frames) if frames > FRAMES_MAX => Err(Error::Frames(frames)),
        Ok(_) => Ok(bytes::decode("bundle", bundle)?),
        Err(error) => Err(bytes::Error::Decode { field: "bundle", reason: error.to_string() }.into()),
    }
}

fn frames(mut rest: &[u8]) -> Result<usize, prost::DecodeError> {
    let mut frames = 0;
    while !rest.is_empty() {
        let (tag, wire_type) = decode_key(&mut rest)?;
        frames += usize::from(tag == FRAMES);
        skip_field(wire_type, tag, &mut rest, DecodeContext::default())?;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::TranscriptFrame;
    use prost::Message as _;

    #[test]
    fn frames_are_counted_before_they_take_memory() {
        let bundle = Bundle { frames: vec![TranscriptFrame::default(); FRAMES_MAX], ..Default::default() };
        let mut bytes = bundle.encode_to_vec();
        assert_eq!(bytes.len(), 2 * FRAMES_MAX);
        assert_eq!(decode(&bytes), Ok(bundle));
        // A group hides nothing: it is skipped as the decoder skips it.
        bytes.splice(0..0, [0x63, 0x64]);
        bytes.extend([0x4a, 0]);
        assert_eq!(decode(&bytes), Err(Error::Frames(FRAMES_MAX + 1)));
        assert_eq!(decode(&vec![0; BUNDLE_BYTES_MAX + 1]), Err(Error::Oversized(BUNDLE_BYTES_MAX + 1)));
        assert!(matches!(decode(&[0x4a]), Err(Error::Decode(_))));
    }
}
