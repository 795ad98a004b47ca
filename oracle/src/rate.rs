//! How often somebody may ask: token buckets, in a table that never grows.
//!
//! Owns the arithmetic (a bucket is the moment at which it is full again, as in the generic cell rate algorithm) and the bound on
//! memory: buckets are a fixed number of words, found by a keyed hash. Who shares a bucket with another by chance waits with him;
//! whoever comes from a million addresses finds no memory to fill.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Buckets of a table, 512 KiB: with a thousand callers at a time one in sixty shares his.
const BUCKETS: usize = 1 << 16;
/// Nanoseconds' worth of requests that may come at once after a silence.
const BURST_NANOS: u64 = 4_000_000_000;

/// Buckets that each let so many requests a second through.
#[derive(Debug)]
pub struct Meter {
    /// When each bucket is full again, in nanoseconds since the start.
    full: Box<[AtomicU64]>,
    /// Nanoseconds of one request; 0 limits nothing.
    cost: u64,
    /// An attacker who knew which keys share a bucket could stop a chosen one.
    hasher: RandomState,
    start: Instant,
}

impl Meter {
    /// Lets so many through; with 0 all.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let cost = if per_second == 0 { 0 } else { 1_000_000_000 / u64::from(per_second) };
        let buckets = if cost == 0 { 0 } else { BUCKETS };
        let full = (0..buckets).map(|_| AtomicU64::new(0)).collect();
        Self { full, cost, hasher: RandomState::new(), start: Instant::now() }
    }

    /// Takes a request of this caller's bucket, or says how long until there is one.
    pub fn take(&self, caller: &impl Hash) -> Result<(), Duration> {
        self.take_at(caller, u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, caller: &impl Hash, now: u64) -> Result<(), Duration> {
        if self.cost == 0 {
            return Ok(());
        }
        let end = now.saturating_add(BURST_NANOS.max(self.cost));
        let place = self.hasher.hash_one(caller) as usize % BUCKETS;
        let taken = self.full[place].fetch_update(Relaxed, Relaxed, |full| {
            let next = full.max(now).saturating_add(self.cost);
            (next <= end).then_some(next)
        });
        taken
            .map(drop)
            .map_err(|full| Duration::from_nanos(full.max(now).saturating_add(self.cost).saturating_sub(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_its_rate() {
        let meter = Meter::new(10);
        let taken = |caller: u8, now: Duration| {
            (0..1_000).take_while(|_| meter.take_at(&caller, now.as_nanos() as u64).is_ok()).count()
        };
        let now = Duration::from_secs(9);
        assert_eq!((taken(1, now), taken(2, now)), (40, 40), "each has his own");
        let wait = meter.take_at(&1_u8, now.as_nanos() as u64).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(taken(1, now + wait - Duration::from_nanos(1)), 0);
        assert_eq!(taken(1, now + wait), 1);
        assert_eq!(taken(1, now + wait + Duration::from_secs(2)), 20);
        assert_eq!(taken(1, now + Duration::from_secs(3_600)), 40, "silence saves up no more than a burst");
    }

    #[test]
    fn callers_of_any_number_fill_no_memory() {
        let meter = Meter::new(1);
        let passed = (0..1_000_000_u32).filter(|caller| meter.take_at(caller, 0).is_ok()).count();
        // Fifteen come to a bucket on average, and hardly one has less than the four that it lets through.
        assert!(passed <= 4 * BUCKETS && passed > 4 * BUCKETS - 1_000, "{passed}");
        assert_eq!(meter.full.len(), BUCKETS);
    }

    #[test]
    fn no_limit_limits_nothing() {
        let meter = Meter::new(0);
        assert!((0..100_000).all(|_| meter.take(&1_u8).is_ok()));
    }
}
