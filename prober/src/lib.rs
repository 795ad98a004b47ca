//! The fisher: plans, rents, probes, verifies, reports; and the worker that it uploads.
//!
//! `assignment` says what is probed when (`choose` where the fisher does so himself), `rent` pays from throw-away accounts and
//! takes the rest back, `session` talks to the node, `report` turns evidence into a signed finding and delivers it, `relay`
//! carries others' sessions, `job` is what runs on the rented node. A finding
//! is made from a session's bundle alone, by `gpux_kernels::evidence`, so that anybody makes the same one.
pub mod assignment;
pub mod choose;
pub mod cli;
pub mod clock;
mod durable;
pub mod fisher;
pub mod job;
pub mod lie;
pub mod lock;
pub mod net;
pub mod offered;
pub mod relay;
pub mod rent;
pub mod report;
pub mod reward;
pub mod session;
pub mod suite;
