//! What this fisher is assigned, and when. He chooses nothing: his hash chain and the epochs' beacons do.
//!
//! `secret` keeps the chain over restarts, `fetch` reads schedules from an oracle that is not trusted with them, `queue` orders
//! what was drawn, `desk` joins them. Never shows a preimage before a report does, and never asks for less than a whole
//! schedule: either would tell whom he is going to probe.
mod desk;
mod fetch;
mod queue;
mod secret;
#[cfg(test)]
mod tests;

pub use desk::Desk;
pub use fetch::{Error as FetchError, Published, fetch, newest};
pub use queue::{Queue, Turn};
pub use secret::{Error as SecretError, Secret};
