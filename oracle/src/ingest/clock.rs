//! The one place of this crate that asks the operating system for the time.
//!
//! Owns the injected clock: everything that compares times takes a `Clock`, so that a test sets it. Folded results never
//! depend on it; epochs follow the chain's time.

use std::{sync::Arc, time::SystemTime};

/// A clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock module")]
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
        Self(Arc::new(now))
    }

    /// A clock that reads `now`, in seconds since 1970.
    #[must_use]
    pub fn of(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}
