//! The node's wall clock: the only place that reads it. What is metered (a rental's paid time) goes by the chain's clock
//! instead, and timeouts by the monotonic one.
use std::time::{Duration, SystemTime};

/// Returns the time since 1970; a clock set before it reads as 1970.
#[allow(clippy::disallowed_methods, reason = "this is the clock module")]
pub fn unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Writes a time since 1970 as protobuf does.
pub fn timestamp(time: Duration) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp { seconds: time.as_secs() as i64, nanos: time.subsec_nanos() as i32 }
}
