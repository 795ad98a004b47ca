//! The frame chain of a session (design: one chain per direction, both starting at the id of OPEN). Both parties and every
//! later verifier run this one state machine, so that a reordered, edited, dropped or unsigned frame cannot be accepted by
//! one and refused by another.
use crate::{
    evidence::Frame,
    signing::{self, Domain, SigningKey, VerifyingKey},
};

/// The largest frame, in bytes.
pub const FRAME_BYTES_MAX: usize = 256 << 10;
/// The most frames of one direction in a session; bounds what a verifier keeps.
pub const FRAMES_MAX: usize = 1 << 16;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The renter: the job's input.
    Renter = 0,
    /// The node: the job's output.
    Node = 1,
}

/// A frame is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is empty or larger than [`FRAME_BYTES_MAX`].
    #[error("a frame of {0} bytes is not within 1..={FRAME_BYTES_MAX}")]
    Size(usize),
    /// There are more than [`FRAMES_MAX`].
    #[error("more than {FRAMES_MAX} frames in one direction")]
    TooMany,
    /// It claims to have seen frames that were not sent, or fewer than an earlier frame had.
    #[error("a frame that saw {seen} frames of the other side, which is not within {low}..={high}")]
    Seen {
        /// What it claims.
        seen: u64,
        /// What the frame before it had seen.
        low: u64,
        /// What had been sent.
        high: u64,
    },
    /// Its signature does not verify.
    #[error(transparent)]
    Signature(#[from] signing::Error),
}

/// The two chains of one session.
#[derive(Debug, Clone)]
pub struct Chains {
    heads: [Vec<[u8; 32]>; 2],
    seen: [u64; 2],
}

impl Chains {
    /// Starts both chains at the id of OPEN.
    #[must_use]
    pub fn new(open_id: [u8; 32]) -> Self {
        Self { heads: [vec![open_id], vec![open_id]], seen: [0; 2] }
    }

    /// The last head of a side.
    #[must_use]
    pub fn head(&self, side: Side) -> [u8; 32] {
        let heads = &self.heads[side as usize];
        heads[heads.len() - 1]
    }

    /// How many frames of a side there are.
    #[must_use]
    pub fn len(&self, side: Side) -> u64 {
        self.heads[side as usize].len() as u64 - 1
    }

    /// Makes the next frame of our side.
    pub fn send(&mut self, side: Side, data: Vec<u8>, key: &SigningKey) -> Result<Frame, Error> {
        let seen = self.len(other(side));
        let next = self.next(side, &data)?;
        let signature = signing::sign_id(&self.signed_id(side, &next, seen), key).to_vec();
        self.push(side, next, seen);
        Ok(Frame { data, seen, signature })
    }

    /// Accepts the next frame of a side; on an error the chains stay as they were.
    pub fn receive(&mut self, side: Side, frame: &Frame, key: &VerifyingKey) -> Result<(), Error> {
        let next = self.next(side, &frame.data)?;
        let (low, high) = (self.seen[side as usize], self.len(other(side)));
        if frame.seen < low || frame.seen > high {
            return Err(Error::Seen { seen: frame.seen, low, high });
        }
        signing::verify_id("frame", &self.signed_id(side, &next, frame.seen), &frame.signature, key)?;
        self.push(side, next, frame.seen);
        Ok(())
    }

    /// Adds a side's next frame without looking at its signature, and returns its head: for whoever knows that the frames
    /// are signed, or only needs to find them.
    pub fn follow(&mut self, side: Side, data: &[u8]) -> Result<[u8; 32], Error> {
        let next = self.next(side, data)?;
        let seen = self.seen[side as usize];
        self.push(side, next, seen);
        Ok(next)
    }

    /// The head that the next frame of a side has if it holds these bytes.
    pub fn next(&self, side: Side, data: &[u8]) -> Result<[u8; 32], Error> {
        if data.is_empty() || data.len() > FRAME_BYTES_MAX {
            return Err(Error::Size(data.len()));
        }
        if self.heads[side as usize].len() > FRAMES_MAX {
            return Err(Error::TooMany);
        }
        let mut step = Vec::with_capacity(69);
        step.extend_from_slice(&self.head(side));
        step.push(side as u8);
        step.extend_from_slice(&(data.len() as u32).to_le_bytes());
        step.extend_from_slice(blake3::hash(data).as_bytes());
        Ok(signing::id(Domain::Frame, &step))
    }

    fn signed_id(&self, side: Side, own: &[u8; 32], seen: u64) -> [u8; 32] {
        let others = &self.heads[other(side) as usize];
        let mut pair = [0; 64];
        pair[..32].copy_from_slice(own);
        pair[32..].copy_from_slice(&others[seen as usize]);
        signing::id(Domain::Head, &pair)
    }

    fn push(&mut self, side: Side, head: [u8; 32], seen: u64) {
        self.heads[side as usize].push(head);
        self.seen[side as usize] = seen;
    }
}

const fn other(side: Side) -> Side {
    match side {
        Side::Renter => Side::Node,
        Side::Node => Side::Renter,
    }
}

#[cfg(test)]
mod tests;
