//! A deployment from a network file on a real chain: planned, run, interrupted anywhere, checked, and handed over.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod handover;
mod run;
mod stage;
mod verify;
