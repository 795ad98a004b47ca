//! Simulated cards, for development markets and tests only.
//!
//! [`PacedModel`] computes the exact result at the reduced parameters and answers no earlier than the named model
//! would have taken for `work_per_round`. It runs inside the node; the job drives it as a [`PacedClient`] over a
//! socket on file descriptor 3. Everything that a simulated card says is called simulated. Its cheats change the bits
//! or the time that a real cheat would change; they touch nothing else.

mod client;
mod model;
mod protocol;
mod schedule;

pub use client::PacedClient;
pub use model::{Behaviour, PacedModel};
pub use protocol::serve;
pub use schedule::Card;
