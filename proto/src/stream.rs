//! Messages on a job's standard input and output: each is preceded by its length as u32, little-endian. Frames cut that
//! stream anywhere, so the reader collects; it holds at most one message and the rest of one frame.
use crate::bytes;

/// The largest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// The stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A length is above [`MESSAGE_BYTES_MAX`].
    #[error("a message of {0} bytes is larger than {MESSAGE_BYTES_MAX}")]
    Oversized(usize),
    /// The bytes are no message.
    #[error(transparent)]
    Decode(#[from] bytes::Error),
}

/// Encodes a message with its length.
#[must_use]
pub fn encode(message: &impl prost::Message) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + message.encoded_len());
    out.extend_from_slice(&(message.encoded_len() as u32).to_le_bytes());
    out.extend_from_slice(&message.encode_to_vec());
    out
}

/// Collects bytes and gives messages.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// Adds received bytes.
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// Whether nothing is left over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Takes the next whole message, if there is one.
    pub fn take<M: prost::Message + Default>(&mut self) -> Result<Option<M>, Error> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(Error::Oversized(length));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let message = bytes::decode("message", &self.buffer[4..4 + length])?;
        self.buffer.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{JobInput, Ping, job_input};

    #[test]
    fn messages_survive_any_cut_and_oversized_ones_are_refused_unread() {
        let message = JobInput { message: Some(job_input::Message::Ping(Ping { nonce: 7, last: true })) };
        let mut bytes = encode(&message);
        bytes.extend(encode(&message));
        for cut in 1..bytes.len() {
            let mut reader = Reader::default();
            let mut seen = 0;
            for piece in bytes.chunks(cut) {
                reader.push(piece);
                while let Some(m) = reader.take::<JobInput>().unwrap() {
                    assert_eq!(m, message);
                    seen += 1;
                }
            }
            assert_eq!((seen, reader.is_empty()), (2, true));
        }
        let mut reader = Reader::default();
        reader.push(&u32::MAX.to_le_bytes());
        assert_eq!(reader.take::<JobInput>(), Err(Error::Oversized(u32::MAX as usize)));
    }
}
