//! `net`: bandwidth both ways, latency, and how far away the other end can be at most.
//!
//! Owns the requests of the protocol (version 1), the incompressible bytes that travel (Philox stream 17), their digest, and
//! the bound that a round trip sets to a distance; sockets and clocks are the caller's. One side, the fisher, asks and times;
//! the other answers. Downwards the asked side makes bytes under a key it is sent; upwards it receives bytes under a key it
//! is *not* sent and returns their digest, so that it cannot answer before the last byte came. Whoever received returns the
//! digest, and whoever sent compares.
//! Which other unit could do this? A helper beside the fisher's end point that is told the key makes the downward bytes
//! there, and one that answers alone has its own, smaller distance: `net` measures the path to whoever answers.

use std::time::Duration;

use crate::key::{Digest, Key};
use crate::philox::{self, stream};

/// What both sides send first: name and version of the protocol.
pub const PREFACE: [u8; 9] = *b"gpux-net\x01";
/// Bytes of a request.
pub const REQUEST_BYTES: usize = 41;
/// The most bytes of one transfer: a second at 69 Gbit/s.
pub const TRANSFER_BYTES_MAX: u64 = 8 << 30;
/// What the side that sent says when the digests agree.
pub const AGREED: u8 = 1;
/// Light in vacuum, in metres a second (SI, exact).
const LIGHT_METRES_PER_SECOND: f64 = 299_792_458.0;
/// Light in glass fibre keeps two thirds of it (refractive index about 1.5; Gueye et al., "Constraint-Based Geolocation of
/// Internet Hosts", IEEE/ACM Transactions on Networking 14(6), 2006). Radio and hollow fibre come near the whole.
const FIBRE_SHARE: f64 = 2.0 / 3.0;

/// What the fisher asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The nonce back, at once.
    Ping {
        /// What is returned.
        nonce: u64,
    },
    /// So many bytes under this key.
    Down {
        /// From which they are made.
        key: Key,
        /// How many.
        bytes: u64,
    },
    /// So many bytes follow; their digest back.
    Up {
        /// How many.
        bytes: u64,
    },
}

/// A request is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first byte names no request.
    #[error("no request has number {0}")]
    Unknown(u8),
    /// A transfer is empty or too large.
    #[error("a transfer of {0} bytes, outside 1..={TRANSFER_BYTES_MAX}")]
    Size(u64),
    /// Bytes that the request does not use are not zero.
    #[error("a request has bytes that mean nothing")]
    Padding,
}

const PING: u8 = 1;
const DOWN: u8 = 2;
const UP: u8 = 3;

impl Request {
    /// Writes the request: number u8, nonce or bytes u64 (little-endian), key or zeros.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; REQUEST_BYTES] {
        let (number, value, key) = match self {
            Self::Ping { nonce } => (PING, *nonce, [0; 32]),
            Self::Down { key, bytes } => (DOWN, *bytes, *key.as_bytes()),
            Self::Up { bytes } => (UP, *bytes, [0; 32]),
        };
        let mut out = [0; REQUEST_BYTES];
        out[0] = number;
        out[1..9].copy_from_slice(&value.to_le_bytes());
        out[9..].copy_from_slice(&key);
        out
    }

    /// Reads a request; one value has one encoding.
    pub fn from_bytes(bytes: &[u8; REQUEST_BYTES]) -> Result<Self, Error> {
        let [number, rest @ ..] = bytes;
        let (value, key): ([u8; 8], [u8; 32]) =
            (std::array::from_fn(|at| rest[at]), std::array::from_fn(|at| rest[8 + at]));
        let value = u64::from_le_bytes(value);
        let plain = if key == [0; 32] { Ok(()) } else { Err(Error::Padding) };
        let sized = if (1..=TRANSFER_BYTES_MAX).contains(&value) { Ok(value) } else { Err(Error::Size(value)) };
        match *number {
            PING => plain.map(|()| Self::Ping { nonce: value }),
            DOWN => Ok(Self::Down { key: Key::from_bytes(key), bytes: sized? }),
            UP => plain.and(sized).map(|bytes| Self::Up { bytes }),
            other => Err(Error::Unknown(other)),
        }
    }
}

/// The bytes of a transfer, piece by piece.
#[derive(Clone, Debug)]
pub struct Source {
    key: Key,
    next_block: u64,
}

impl Source {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self { key, next_block: 0 }
    }

    /// Makes the next bytes; every piece but the last has a multiple of 16.
    pub fn fill(&mut self, piece: &mut [u8]) {
        philox::expand(self.key.words(), stream::TRANSFER, self.next_block, piece);
        self.next_block += piece.len().div_ceil(16) as u64;
    }
}

/// The digest of bytes that were sent or received.
#[derive(Clone, Debug)]
pub struct Received(blake3::Hasher);

impl Default for Received {
    fn default() -> Self {
        Self(blake3::Hasher::new_derive_key("gpux/net/1"))
    }
}

impl Received {
    /// Takes the next bytes.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Returns the digest of all bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        *self.0.finalize().as_bytes()
    }
}

/// Returns the farthest that whoever answers within `round_trip` can be, in metres, through glass fibre: half of the round
/// trip at two thirds of the speed of light. Ways are never straight and machines never instant, so the truth is nearer.
#[must_use]
pub fn distance_metres_max(round_trip: Duration) -> f64 {
    round_trip.as_secs_f64() / 2.0 * FIBRE_SHARE * LIGHT_METRES_PER_SECOND
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_millisecond_is_a_hundred_kilometres() {
        // 0.001 s / 2 * 2/3 * 299,792,458 m/s = 99,930.8 m.
        assert_eq!(distance_metres_max(Duration::from_millis(1)).round(), 99_931.0);
        // The far side of the earth, 20,000 km away, cannot answer within 200 ms.
        assert!(distance_metres_max(Duration::from_millis(200)) < 20_000_000.0);
        assert_eq!(distance_metres_max(Duration::ZERO), 0.0);
    }

    #[test]
    fn pieces_of_any_size_are_the_same_bytes() {
        let key = Key::first(&[7; 32], 0);
        let mut whole = vec![0; 1000];
        Source::new(key).fill(&mut whole);
        let mut source = Source::new(key);
        let mut pieces = Vec::new();
        for size in [16, 480, 32, 472] {
            let mut piece = vec![0; size];
            source.fill(&mut piece);
            pieces.extend(piece);
        }
        assert_eq!(pieces, whole);
        let mut other = vec![0; 1000];
        Source::new(Key::first(&[8; 32], 0)).fill(&mut other);
        assert_ne!(other, whole);
    }

    #[test]
    fn malformed_requests_are_refused() {
        let up = |bytes: u64| Request::Up { bytes }.to_bytes();
        assert_eq!(Request::from_bytes(&up(0)), Err(Error::Size(0)));
        assert_eq!(Request::from_bytes(&up(TRANSFER_BYTES_MAX + 1)), Err(Error::Size(TRANSFER_BYTES_MAX + 1)));
        let mut padded = up(5);
        padded[40] = 1;
        assert_eq!(Request::from_bytes(&padded), Err(Error::Padding));
        assert_eq!(Request::from_bytes(&[9; REQUEST_BYTES]), Err(Error::Unknown(9)));
    }

    proptest! {
        #[test]
        fn one_request_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), REQUEST_BYTES), number in 0u8..5) {
            let mut bytes: [u8; REQUEST_BYTES] = bytes.try_into().unwrap();
            bytes[0] = number;
            if let Ok(request) = Request::from_bytes(&bytes) {
                prop_assert_eq!(request.to_bytes(), bytes);
            }
        }

        #[test]
        fn requests_survive_the_wire(seed: [u8; 32], bytes in 1..=TRANSFER_BYTES_MAX, nonce: u64) {
            let key = Key::from_bytes(seed);
            for request in [Request::Ping { nonce }, Request::Down { key, bytes }, Request::Up { bytes }] {
                prop_assert_eq!(Request::from_bytes(&request.to_bytes()), Ok(request));
            }
        }
    }
}
