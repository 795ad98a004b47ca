//! The wire types of GPUX and how they are signed: the only place where either exists.
//!
//! `evidence`, `node`, `relay` and `oracle` are generated from `gpux/*/v1/*.proto`; [`signing`] gives ids, ed25519 signatures and
//! EIP-712 digests; [`frames`] is the frame chain of a session; [`sealed`] carries one through strangers; [`bundle`] reads a whole session; [`bytes`] parses fixed-size
//! fields. Nothing here does I/O.
#![warn(missing_docs)]

pub mod bundle;
pub mod bytes;
pub mod frames;
pub mod sealed;
pub mod signing;
pub mod stream;

/// The evidence: signed messages, sessions, reports and the log (`gpux.evidence.v1`).
pub mod evidence {
    /// Version 1.
    pub mod v1 {
        #![allow(clippy::all, clippy::use_self, missing_docs, unreachable_pub, reason = "generated code")]
        include!(concat!(env!("OUT_DIR"), "/gpux.evidence.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/gpux.evidence.v1.serde.rs"));
    }
    pub use v1::*;
}

/// The service of a node (`gpux.node.v1`).
pub mod node {
    /// Version 1.
    pub mod v1 {
        #![allow(clippy::all, clippy::use_self, missing_docs, unreachable_pub, reason = "generated code")]
        include!(concat!(env!("OUT_DIR"), "/gpux.node.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/gpux.node.v1.serde.rs"));
    }
    pub use v1::*;
}

/// The service of a relay (`gpux.relay.v1`).
pub mod relay {
    /// Version 1.
    pub mod v1 {
        #![allow(clippy::all, clippy::use_self, missing_docs, unreachable_pub, reason = "generated code")]
        include!(concat!(env!("OUT_DIR"), "/gpux.relay.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/gpux.relay.v1.serde.rs"));
    }
    pub use v1::*;
}

/// The services of an oracle (`gpux.oracle.v1`).
pub mod oracle {
    /// Version 1.
    pub mod v1 {
        #![allow(clippy::all, clippy::use_self, missing_docs, unreachable_pub, reason = "generated code")]
        include!(concat!(env!("OUT_DIR"), "/gpux.oracle.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/gpux.oracle.v1.serde.rs"));
    }
    pub use v1::*;
}

/// The encoded `FileDescriptorSet` of all packages, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
