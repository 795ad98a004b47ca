//! Both protocols over loopback on a temporary store.

mod cases;
mod countersign;
mod description;
mod explorer;
mod grpc;
mod http;
mod market;
mod openings;
mod ranking;
mod rates;
mod reputation;
mod request;
mod rewards;
mod schedule;
mod schemathesis;
mod sealed;
mod usage;
mod watch;
mod web;
mod writes;
