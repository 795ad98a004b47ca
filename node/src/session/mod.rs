//! Paid sessions: the gRPC service of a node.
//!
//! A session walks one way: Start is checked ([`start`]), files are received into a temporary folder ([`upload`]), the
//! job is started in its sandbox and OPEN signed, then frames run both ways ([`pump`]), in the open or sealed ([`wire`]). Owns
//! the capacity; never trusts anything that the renter sends before it was checked. Invariant: whatever happens, the session's place is given back,
//! its folder removed and its processes killed.
mod error;
mod manifest;
mod pump;
mod service;
mod slots;
mod start;
mod upload;
mod wire;

pub use error::Error;
pub use service::{Device, Node, Options};

use crate::identity::Published;
use gpux_proto::node::Start;
use std::time::Duration;

/// How long a renter may take, and how often the chain is asked.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For each message before OPEN.
    pub message: Duration,
    /// For all files.
    pub upload: Duration,
    /// Between two looks at a rental while its job runs.
    pub rental: Duration,
}

impl Timeouts {
    /// The chain is asked about once a block: 2 s on Optimism, 1 s in a development market.
    #[must_use]
    pub fn of_market(development: bool) -> Self {
        Self {
            message: Duration::from_secs(15),
            upload: Duration::from_secs(600),
            rental: Duration::from_secs(if development { 1 } else { 2 }),
        }
    }
}

/// Checks all of a Start that needs no chain and no place: who the renter is, that the rental is his and this node's, and what
/// he wants to run. Returns the rental.
pub fn admissible(start: &Start, published: &Published) -> Result<[u8; 32], Error> {
    start::admit(start, published).map(|admitted| admitted.rental)
}
