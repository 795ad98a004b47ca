//! How long to wait after a failed call of the chain's RPC.
//!
//! Owns one rule: each failure in a row doubles the wait up to a limit, a success resets it. There is no randomness: one
//! indexer and one publisher talk to a node, so nobody needs to be spread out, and a test knows the waits.

use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait: an RPC that comes back is noticed within half a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Forgets the failures.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and says how long to wait.
    pub fn wait(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_start_anew_after_a_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..10).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!((backoff.failures(), backoff.wait()), (0, FIRST));
    }
}
