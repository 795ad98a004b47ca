//! What a prover may do differently from an honest one: every method's default is honest. A cheat is a type that overrides
//! one or two of them; no fisher, verifier or table ever asks which type it is.

use std::time::Duration;

use gpux_kernels::{Digest, Key, merkle::Domain};
use gpux_proto::evidence::{Frame, Open, ReadyDevice, job_output::Message};

use super::worker::{Made, Work};

/// Which round is computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) window: usize,
    pub(super) device: u32,
    /// Its number in the window.
    pub(super) number: usize,
    pub(super) key: Key,
}

/// The node, its job and its hardware, as one adversary sees them.
pub(super) trait Prover: Send {
    /// Devices that Ready names.
    fn devices(&self) -> u32 {
        1
    }

    /// OPEN, before it is signed.
    fn open(&mut self, _open: &mut Open) {}

    /// What Ready says of a device.
    fn ready(&mut self, _device: &mut ReadyDevice) {}

    /// The leaves of a round.
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        work.leaves(round.device, &round.key)
    }

    /// The time that a round takes, if an honest card of the claimed model takes `honest`.
    fn length(&mut self, honest: Duration) -> Duration {
        honest
    }

    /// How rounds' trees are hashed.
    fn hashing(&self) -> Domain {
        Domain::Round
    }

    /// How long a Ping is left lying.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// How many rounds the last Pong of a window claims; those that were not made are made after it.
    fn claimed(&self, made: u32) -> u32 {
        made
    }

    /// Sees a message before it is sent, and when; says whether it is sent at all.
    fn say(&mut self, _at: &mut Duration, _message: &mut Message, _work: &mut Work, _made: &Made) -> bool {
        true
    }

    /// The bytes of a message as they go into a frame; `head` gives the node's head if these bytes were sent.
    fn data(&mut self, data: Vec<u8>, _message: &Message, _head: &dyn Fn(&[u8]) -> Digest) -> Vec<u8> {
        data
    }

    /// The signed frames of a message, as they leave.
    fn frames(&mut self, frame: Frame, _message: &Message) -> Vec<Frame> {
        vec![frame]
    }
}

/// Does what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Honest;

impl Prover for Honest {}
