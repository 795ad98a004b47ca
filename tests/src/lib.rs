//! The market as a whole: starts the real programs against a real chain, watches what they find out, and measures.
//!
//! Owns the development market behind `make demo` ([`market`]), the benchmarks behind `make bench` ([`bench`]), the
//! figures that both write ([`figures`]), the cheating provers behind `make cheats` ([`cheats`]), the method's promises tried
//! on simulated markets behind `make simulate` ([`simulate`]), and the hand-made fishers and nodes by which the end-to-end
//! tests misbehave ([`fisher`], [`host`]). Nothing imports this crate. Every process that it starts ends with it.

pub mod bench;
pub mod binaries;
pub mod capture;
pub mod chain;
pub mod cheats;
pub mod clock;
pub mod figures;
pub mod fisher;
pub mod fuzz;
pub mod host;
pub mod market;
pub mod oracle;
pub mod output;
pub mod process;
pub mod simulate;
pub mod stage;
