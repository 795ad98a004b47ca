//! A reference provider agent: a node describes itself, takes paid rentals, runs their jobs and signs every frame.
//!
//! `identity` signs descriptor and offer; `session` is the gRPC service; `sandbox` runs what a renter uploads; `chain`
//! reads rentals; `simulate` and `cheat` exist for development markets only. Nothing here judges a probe.
mod announce;
mod bundle;
pub mod case;
pub mod chain;
pub mod cheat;
pub mod cli;
pub mod clock;
pub mod earnings;
pub mod identity;
mod measure;
pub mod run;
pub mod sandbox;
pub mod session;
pub mod simulate;
