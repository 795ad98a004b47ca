//! The transport of a sealed session: what renter and node say to each other through somebody who must not read along.
//!
//! Noise_NK_25519_ChaChaPoly_BLAKE2s; the node's static key is the Montgomery form of its ed25519 key, so that whoever knows a node
//! can seal for it, and nobody else can open. The renter stays anonymous here: HELLO, inside, says who he is. A message is cut
//! into pieces, all full but the last, which never is: so the pieces themselves, each authenticated, say where a message ends, and
//! whoever carries them can neither join two messages nor split one. Never does I/O. Invariant: messages come out in the order
//! in which they went in, whole and unchanged, or an error does, and a refused message changes nothing.
use crate::bytes;
use ed25519_dalek::{SigningKey, VerifyingKey};
use snow::{HandshakeState, StatelessTransportState};
use std::sync::Arc;

/// The most bytes of one message's ciphertexts: a frame of 256 KiB, its numbers and signature, and what sealing adds.
pub const SEALED_BYTES_MAX: usize = 272 << 10;
/// The largest piece (the largest Noise message), and how much of it is its authenticator (Noise, sections 3 and 5.1).
const PIECE_BYTES_MAX: usize = 65_535;
const TAG_BYTES: usize = 16;
/// What a full piece holds.
const PLAIN_BYTES_MAX: usize = PIECE_BYTES_MAX - TAG_BYTES;
/// Both handshake messages: an ephemeral key and the authenticator of nothing.
const HANDSHAKE_BYTES: usize = 32 + TAG_BYTES;
const PROTOCOL: &str = "Noise_NK_25519_ChaChaPoly_BLAKE2s";
/// Keeps handshakes apart from every other use of the node's key.
const PROLOGUE: &[u8] = b"gpux/sealed/1";

/// A message cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is larger than [`SEALED_BYTES_MAX`].
    #[error("a sealed message of {0} bytes is larger than {SEALED_BYTES_MAX}")]
    Oversized(usize),
    /// The handshake's message is not for this node, or not from it, or was changed.
    #[error("the handshake does not hold: it is for another node, or was changed on its way")]
    Handshake,
    /// The pieces are not cut as a sender cuts them.
    #[error("a sealed message is cut in another way than senders cut")]
    Pieces,
    /// A piece was changed, left out, repeated or moved.
    #[error("a sealed message was changed on its way, or is not the next one")]
    Changed,
    /// The system gives no randomness, or the protocol is not available.
    #[error("nothing can be sealed on this machine: {0}")]
    Unavailable(String),
    /// What was sealed is no message of this type.
    #[error(transparent)]
    Decode(#[from] bytes::Error),
}

/// A renter who waits for the node's half of the handshake.
#[derive(Debug)]
pub struct Handshake(HandshakeState);

/// Seals what one side sends.
#[derive(Debug)]
pub struct Sealer {
    keys: Arc<StatelessTransportState>,
    sealed: u64,
}

/// Opens what the other side sent.
#[derive(Debug)]
pub struct Opener {
    keys: Arc<StatelessTransportState>,
    opened: u64,
}

/// Begins a session with a node. The bytes are the first message to it.
pub fn begin(node: &VerifyingKey) -> Result<(Handshake, Vec<u8>), Error> {
    let key = node.to_montgomery().to_bytes();
    let mut state = builder()?.remote_public_key(&key).and_then(snow::Builder::build_initiator).map_err(unavailable)?;
    let first = write(&mut state)?;
    Ok((Handshake(state), first))
}

/// Answers a renter's first message as the node. The bytes are the first message to him.
pub fn answer(node: &SigningKey, first: &[u8]) -> Result<(Sealer, Opener, Vec<u8>), Error> {
    let key = node.to_scalar_bytes();
    let mut state = builder()?.local_private_key(&key).and_then(snow::Builder::build_responder).map_err(unavailable)?;
    read(&mut state, first)?;
    let second = write(&mut state)?;
    let (sealer, opener) = transport(state)?;
    Ok((sealer, opener, second))
}

impl Handshake {
    /// Takes the node's answer. Nobody but the node can have made it.
    pub fn finish(mut self, second: &[u8]) -> Result<(Sealer, Opener), Error> {
        read(&mut self.0, second)?;
        transport(self.0)
    }
}

impl Sealer {
    /// Seals the next message.
    pub fn seal(&mut self, message: &impl prost::Message) -> Result<Vec<u8>, Error> {
        let plain = message.encode_to_vec();
        let pieces = plain.len() / PLAIN_BYTES_MAX + 1;
        let size = plain.len() + pieces * (2 + TAG_BYTES);
        if size > SEALED_BYTES_MAX {
            return Err(Error::Oversized(size));
        }
        let mut data = vec![0; size];
        let (mut at, mut rest) = (0, plain.as_slice());
        for _ in 0..pieces {
            let (piece, after) = rest.split_at(rest.len().min(PLAIN_BYTES_MAX));
            let length = piece.len() + TAG_BYTES;
            data[at..at + 2].copy_from_slice(&(length as u16).to_le_bytes());
            let out = &mut data[at + 2..at + 2 + length];
            self.keys.write_message(self.sealed, piece, out).map_err(unavailable)?;
            self.sealed += 1;
            (at, rest) = (at + 2 + length, after);
        }
        Ok(data)
    }
}

impl Opener {
    /// Opens the next message.
    pub fn open<M: prost::Message + Default>(&mut self, data: &[u8]) -> Result<M, Error> {
        if data.len() > SEALED_BYTES_MAX {
            return Err(Error::Oversized(data.len()));
        }
        let (mut plain, mut rest, mut opened) = (Vec::with_capacity(data.len()), data, self.opened);
        loop {
            let (prefix, after) = rest.split_first_chunk::<2>().ok_or(Error::Pieces)?;
            let length = usize::from(u16::from_le_bytes(*prefix));
            let (piece, after) = after.split_at_checked(length).ok_or(Error::Pieces)?;
            if length < TAG_BYTES {
                return Err(Error::Pieces);
            }
            let at = plain.len();
            plain.resize(at + length - TAG_BYTES, 0);
            self.keys.read_message(opened, piece, &mut plain[at..]).map_err(|_| Error::Changed)?;
            opened += 1;
            match (length == PIECE_BYTES_MAX, after.is_empty()) {
                (true, false) => rest = after,
                (false, true) => break,
                // A message that was joined with the next one, or ends before its end.
                _ => return Err(Error::Pieces),
            }
        }
        let message = bytes::decode("sealed message", &plain)?;
        self.opened = opened;
        Ok(message)
    }
}

fn builder<'a>() -> Result<snow::Builder<'a>, Error> {
    let parameters = PROTOCOL.parse().map_err(unavailable)?;
    snow::Builder::new(parameters).prologue(PROLOGUE).map_err(unavailable)
}

fn write(state: &mut HandshakeState) -> Result<Vec<u8>, Error> {
    let mut message = vec![0; HANDSHAKE_BYTES];
    let length = state.write_message(&[], &mut message).map_err(unavailable)?;
    message.truncate(length);
    Ok(message)
}

/// Nothing may be carried in a handshake: its size is fixed.
fn read(state: &mut HandshakeState, message: &[u8]) -> Result<(), Error> {
    if message.len() != HANDSHAKE_BYTES {
        return Err(Error::Handshake);
    }
    state.read_message(message, &mut []).map(|_| ()).map_err(|_| Error::Handshake)
}

fn transport(state: HandshakeState) -> Result<(Sealer, Opener), Error> {
    let keys = Arc::new(state.into_stateless_transport_mode().map_err(unavailable)?);
    Ok((Sealer { keys: Arc::clone(&keys), sealed: 0 }, Opener { keys, opened: 0 }))
}

fn unavailable(error: snow::Error) -> Error {
    Error::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests;
