//! What is computed on a device, and whether it was.
//!
//! Owns the probes (work and verification), the key chain, the Merkle trees, the draw, the devices `cuda`, `cpu`
//! and `paced`, the catalogue of models and the calibration of their rates. Never speaks to a network and never reads
//! a clock to judge: time is measured by the fisher and handed in. Invariant: a verdict about bits is a pure
//! function of bytes, the same on every machine.

#![warn(missing_docs)]

pub mod assignment;
pub mod bench;
mod block;
pub mod calibration;
pub mod catalogue;
mod chain;
pub mod device;
mod disk;
mod dp4a;
pub mod draw;
pub mod evidence;
mod fma32;
mod fma64;
mod hmma;
pub mod identify;
mod imma;
pub mod key;
mod link;
pub mod measure;
pub mod merkle;
pub mod net;
pub mod philox;
pub mod plan;
pub mod probe;
mod product;
pub mod release;
pub mod session;
mod stream;
mod vram;

pub use draw::draw;
pub use key::{Digest, Key};
pub use probe::{Parameters, ProbeId, Shape};
