//! The reputation oracle: evidence in, scores out.
//!
//! A report walks one way through rooms that are named for it: `ingest` checks it, `log` orders it, `score` folds it,
//! `publish` signs the result; `store` keeps all of it. Nothing here trusts what a peer, a host or a fisher says.

pub mod api;
pub mod arbitrate;
pub mod audit;
pub mod chain;
pub mod cli;
pub mod config;
pub mod countersign;
pub mod deploy;
pub mod errors;
pub mod ingest;
pub mod log;
pub mod output;
pub mod publish;
pub mod rate;
pub mod releases;
pub mod replay;
pub mod reward;
pub mod schedule;
pub mod score;
pub mod serve;
pub mod store;
pub mod telemetry;
