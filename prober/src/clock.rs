//! The fisher's clocks: wall time for validity and reports. Durations are measured with `Instant` where they are used and
//! never come from here. Never called by logic that is replayed; callers hand the value in.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Wall time since 1970.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the clock module")]
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The wire form of a wall time.
#[must_use]
pub fn timestamp(time: Duration) -> pbjson_types::Timestamp {
    // Both fit: seconds since 1970 stay below 2^63, nanoseconds below 10^9.
    pbjson_types::Timestamp { seconds: time.as_secs() as i64, nanos: time.subsec_nanos() as i32 }
}
