//! The world of a simulated session: a clock that jumps to whatever happens next, randomness from a seed, and the node as a
//! function call. Nothing waits, so a session of seconds takes milliseconds, the same ones every time.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use gpux_kernels::release;
use gpux_prober::session::{Failure, Lost, Outside};
use gpux_proto::node::{SessionRequest, SessionResponse, Start, session_request};

use super::{
    host::{Host, Sent},
    prover::Prover,
    random::Random,
};

/// From fisher to node, and back: a node in the next town.
const LATENCY: Duration = Duration::from_millis(1);

/// The fisher's world.
pub(super) struct World<'a, P> {
    host: &'a mut Host<P>,
    epoch: Instant,
    wall: Duration,
    now: Duration,
    random: Random,
    coming: VecDeque<Sent>,
}

impl<'a, P: Prover> World<'a, P> {
    /// Starts the clock; `wall` is the time since 1970.
    pub(super) fn new(host: &'a mut Host<P>, wall: Duration, random: Random) -> Self {
        Self { host, epoch: Instant::now(), wall, now: Duration::ZERO, random, coming: VecDeque::new() }
    }

    fn arrives(&self) -> Duration {
        self.now + LATENCY
    }

    fn pass_until(&mut self, until: Instant) {
        self.now = self.now.max(until.saturating_duration_since(self.epoch));
    }
}

impl<P: Prover> Outside for World<'_, P> {
    fn now(&self) -> Instant {
        self.epoch + self.now
    }

    fn wall(&self) -> Duration {
        self.wall + self.now
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.random.fill(bytes);
        Ok(())
    }

    async fn sleep_until(&mut self, until: Instant) {
        self.pass_until(until);
    }

    async fn connect(&mut self, start: Start, _worker: &release::Built, _deadline: Instant) -> Result<(), Failure> {
        let opened = self.host.start(self.arrives(), &start);
        self.coming.extend(opened);
        Ok(())
    }

    async fn send(&mut self, request: SessionRequest, _: [u8; 32], _deadline: Instant) -> Result<(), Lost> {
        if let Some(session_request::Message::Frame(frame)) = request.message {
            let sent = self.host.hear(self.arrives(), &frame);
            self.coming.extend(sent);
        }
        Ok(())
    }

    fn end_input(&mut self) {
        let closed = self.host.end(self.arrives());
        self.coming.push_back(closed);
    }

    async fn receive(&mut self, deadline: Instant) -> Result<SessionResponse, Lost> {
        let next = self.coming.front().map(|(at, _)| self.epoch + *at + LATENCY);
        match next.filter(|at| *at <= deadline) {
            Some(at) => {
                self.pass_until(at);
                self.coming.pop_front().map(|(_, response)| response).ok_or(Lost::Closed)
            }
            None => {
                self.pass_until(deadline);
                Err(Lost::Deadline)
            }
        }
    }
}
