//! What fishers are paid: a pure function of the log, beside the scores.
//!
//! Owns every fisher's account, from the work that the log shows to the tree that `Rewards` pays out, and the file that the
//! tree is rebuilt from. Never asks what a report says: honest nodes have to be probed too, and whoever were paid for
//! accusing would accuse. Its invariant: what a fisher has earned never falls, so that a late claim loses nothing. The method
//! is `docs/method/rewards.md`.

mod carried;
mod file;
mod ledger;
#[cfg(test)]
mod tests;

pub use file::{Error as FileError, RewardFile};
pub use ledger::{Account, Error, Ledger};
