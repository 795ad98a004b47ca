//! Sessions over loopback with a real sandbox and an in-memory chain: what an honest renter gets, what a hostile one is
//! refused, and that no process of a job outlives its session. Each test runs in every sandbox that works here.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on must fail")]
mod cheats;
mod harness;
mod jobs;
mod refusals;
mod renter;
mod sealed;
