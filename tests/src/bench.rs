//! What `make bench` measures: the cost of verification at full size, the host's probes against plain loops, durable ingest
//! against a bare loop of inserts, and the fold. Ratios, the cost of verification and the fold gate; other rates are
//! printed, since machines differ.
pub mod probes;
pub mod store;
pub mod verification;
