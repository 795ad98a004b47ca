//! One session's stamps while it passes. Knows heads and times and nothing else. Times are of a clock that never goes back, in
//! microseconds after the session's first message; invariant: they never fall, and none is after the end.
use crate::clock;
use gpux_proto::{
    evidence::{Direction, EndedBy, Signed, Stamp, Stamps},
    signing::{self, Domain, SigningKey},
};
use std::time::{Duration, Instant};

/// Stamps one session.
#[derive(Debug)]
pub(super) struct Recorder {
    node: [u8; 32],
    began: Instant,
    wall: Duration,
    most: usize,
    stamps: Vec<Stamp>,
}

impl Recorder {
    /// Begins when the session's first message is here. After `most` stamps frames pass without one.
    pub(super) fn new(node: [u8; 32], most: usize) -> Self {
        Self { node, began: Instant::now(), wall: clock::now(), most, stamps: Vec::new() }
    }

    /// Stamps a frame that passes now.
    pub(super) fn pass(&mut self, direction: Direction, head: [u8; 32]) {
        if self.stamps.len() < self.most {
            let time_us = self.elapsed_us();
            self.stamps.push(Stamp { head: head.to_vec(), direction: direction.into(), time_us });
        }
    }

    /// Signs the stamps of a session that has ended; `None` if no frame passed.
    pub(super) fn sign(self, ended_by: EndedBy, key: &SigningKey) -> Option<Signed> {
        if self.stamps.is_empty() {
            return None;
        }
        let stamps = Stamps {
            relay: key.verifying_key().to_bytes().to_vec(),
            node: self.node.to_vec(),
            start_time: Some(clock::timestamp(self.wall)),
            end_us: self.elapsed_us(),
            ended_by: ended_by.into(),
            stamps: self.stamps,
        };
        Some(signing::sign(Domain::Stamps, &stamps, key))
    }

    fn elapsed_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[8; 32])
    }

    #[test]
    fn stamps_keep_order_times_and_their_limit() {
        let mut recorder = Recorder::new([1; 32], 3);
        for head in 0..5 {
            let direction = if head % 2 == 0 { Direction::Renter } else { Direction::Node };
            recorder.pass(direction, [head; 32]);
        }
        let signed = recorder.sign(EndedBy::Node, &key()).unwrap();
        signing::verify(Domain::Stamps, &signed, &key().verifying_key()).unwrap();
        let stamps: Stamps = signing::open(Domain::Stamps, &signed).unwrap();
        let heads: Vec<u8> = stamps.stamps.iter().map(|stamp| stamp.head[0]).collect();
        assert_eq!((heads, stamps.ended_by(), &stamps.node), (vec![0, 1, 2], EndedBy::Node, &vec![1; 32]));
        assert!(stamps.stamps.windows(2).all(|pair| pair[0].time_us <= pair[1].time_us));
        assert!(stamps.stamps[2].time_us <= stamps.end_us);
        assert_eq!(stamps.stamps[1].direction(), Direction::Node);
    }

    #[test]
    fn a_session_without_a_frame_has_no_stamps() {
        assert!(Recorder::new([1; 32], 3).sign(EndedBy::Node, &key()).is_none());
    }
}
