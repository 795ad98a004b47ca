//! Who probes what and when: nobody's choice, and everybody's to check.
//!
//! Owns a fisher's hash chain ([`Preimages`]), what an epoch's assignments are drawn from ([`Schedule`]) and the draw itself
//! ([`Ticket`]). Shared by prober and oracle, so that both draw the same. Never speaks to a network or a clock. Its invariant:
//! the drawn node, probe and start are a function of the fisher's preimage (committed before the beacon was there, secret
//! until he reports) and of the beacon (unknown when the chain was registered), so that neither side can steer them.
//! `docs/method/assignments.md` works an example by hand.

mod preimages;
mod schedule;
#[cfg(test)]
mod tests;
mod ticket;

pub use preimages::{EPOCHS_MAX, LEAD_EPOCHS, Preimages, chain_epochs, leads, verify};
pub use schedule::{Error, NODES_MAX, Schedule};
pub use ticket::{Assigned, BY_INDEX_PERCENT, Ticket, served};
