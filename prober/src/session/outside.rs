//! What a session needs of the world around it: the stream to the node, time and randomness. The fisher's own is
//! [`super::grpc`], or [`super::sealed`] through a relay; a simulation has another, in which nothing waits. Invariant:
//! everything that a session does follows from its order and from what comes through here.
use super::Failure;
use crate::clock;
use gpux_kernels::release;
use gpux_proto::node::{SessionRequest, SessionResponse, Start};
use std::{
    future::Future,
    time::{Duration, Instant},
};
use tonic::Status;

/// Why nothing came, or nothing went.
#[derive(Debug)]
pub enum Lost {
    /// The deadline passed.
    Deadline,
    /// The stream is closed.
    Closed,
    /// The node ended the call with a status.
    Status(Status),
    /// What came cannot be opened, or shows what it does not hold.
    Garbled(String),
    /// Whoever carries the session failed, and not the node.
    Relay(Status),
}

/// The world of one session; time and randomness are this machine's unless it says otherwise.
pub trait Outside: Send {
    /// The fisher's clock.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Whether somebody of another owner carries the session, and stamps it.
    fn is_relayed(&self) -> bool {
        false
    }

    /// Wall time since 1970.
    fn wall(&self) -> Duration {
        clock::now()
    }

    /// Fills `bytes` with what nobody can guess.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        getrandom::fill(bytes).map_err(|e| format!("no random bytes: {e}"))
    }

    /// Waits until the clock shows `until`.
    fn sleep_until(&mut self, until: Instant) -> impl Future<Output = ()> + Send {
        tokio::time::sleep_until(until.into())
    }

    /// Starts the stream and uploads the worker.
    fn connect(
        &mut self,
        start: Start,
        worker: &release::Built,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Sends a frame, whose head may be shown to whoever carries it; returns when the transport took it, at the latest at the
    /// deadline.
    fn send(
        &mut self,
        request: SessionRequest,
        head: [u8; 32],
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Says that nothing more will be sent.
    fn end_input(&mut self);

    /// Receives what the node sends next, waiting until the deadline at the latest.
    fn receive(&mut self, deadline: Instant) -> impl Future<Output = Result<SessionResponse, Lost>> + Send;

    /// The head that was shown beside what was received last; `None` where nobody carries the session and none is shown.
    fn shown(&self) -> Option<&[u8]> {
        None
    }
}
