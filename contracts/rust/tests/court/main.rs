//! Cases and earnings through the client, on a real chain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod earnings;
mod stage;
