//! What a bundle proves.
//!
//! Owns the offline examination behind `verify-evidence`: reading a bundle of anybody, and saying of each check whether it
//! holds and of the whole whether it convicts. Never asks a chain or an oracle: whoever doubts a verdict can run it alone.

mod verify_evidence;

pub use verify_evidence::{Error, Report, verify};
