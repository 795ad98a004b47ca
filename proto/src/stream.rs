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

/// Collects bytes and gives messages. Each byte is moved a bounded number of times: a frame holds 40,000 empty messages, and
/// closing the gap after each one would cost a second a frame.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
}

impl Reader {
    /// Adds received bytes.
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(data);
    }

    /// Whether nothing is left over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// Takes the next whole message, if there is one.
    pub fn take<M: prost::Message + Default>(&mut self) -> Result<Option<M>, Error> {
        let Some((prefix, rest)) = self.rest().split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > MESSAGE_BYTES_MAX {
            return Err(Error::Oversized(length));
        }
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let message = bytes::decode("message", message)?;
        self.taken += 4 + length;
        Ok(Some(message))
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.taken..]
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
        // A frame of nothing but empty messages, of which none may cost what the frame costs.
        let mut reader = Reader::default();
        reader.push(&[0; 256 << 10]);
        for _ in 0..(256 << 10) / 4 {
            assert_eq!(reader.take::<JobInput>(), Ok(Some(JobInput::default())));
        }
        assert!(reader.is_empty());
        let mut reader = Reader::default();
        reader.push(&u32::MAX.to_le_bytes());
        assert_eq!(reader.take::<JobInput>(), Err(Error::Oversized(u32::MAX as usize)));
    }
}
