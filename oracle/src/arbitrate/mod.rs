//! What a bundle proves, and what becomes of cases.
//!
//! Owns the offline examination behind `verify-evidence`: reading a bundle of anybody, and saying of each check whether it
//! holds and of the whole whether it convicts; it asks no chain and no oracle, so that whoever doubts a verdict can run it
//! alone. And the commands by which arbiters rule and anybody moves a case on.

mod attest;
mod case;
mod fetch;
mod verify_evidence;

pub use attest::{Error as AttestError, attest};
pub use case::run as case;
pub use fetch::{Error as FetchError, fetch};
pub use verify_evidence::{Error, Report, read, verify};
