//! Who probes what: the schedules from which fishers' assignments are drawn.
//!
//! Owns the index of every claim, and the schedules of the last epochs. A schedule is a function of the log up to an epoch's
//! closing, so that every replica computes the same; it names nobody who asks. Never draws for a fisher: his preimage is
//! secret until he reports (`gpux_kernels::assignment`, `docs/method/assignments.md`). Its invariant: once an epoch has a
//! schedule, it never gets another.

mod index;
mod kept;
mod offers;
#[cfg(test)]
mod tests;

pub use kept::{Known, Of, SCHEDULES_MAX, Schedules};
pub use offers::Offers;
