//! When a simulated card is busy.
//!
//! One schedule a card: rentals that share a card share its time, each waiting for the other's rounds. Ends are
//! absolute: a round that follows at once begins when the one before it was due, so that a late wake-up is not paid
//! twice. What can be caught up is bounded, and a card that idled begins when it is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A request that follows an answer within this time is back to back.
const BACK_TO_BACK: Duration = Duration::from_millis(5);
/// The most lateness that is caught up.
const CATCH_UP_MAX: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Schedule {
    free_at: Instant,
    answered_at: Instant,
}

/// A simulated card's time; clones share it.
#[derive(Clone, Debug)]
pub struct Card(Arc<Mutex<Schedule>>);

impl Card {
    /// Makes an idle card.
    pub fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(Schedule { free_at: now, answered_at: now })))
    }

    fn locked<T>(&self, change: impl FnOnce(&mut Schedule) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reserves the card and returns when it will be done.
    pub(super) fn reserve(&self, asked_at: Instant, length: Duration) -> Instant {
        self.locked(|schedule| {
            let back_to_back = asked_at.saturating_duration_since(schedule.answered_at) <= BACK_TO_BACK;
            let allowed = if back_to_back { asked_at.checked_sub(CATCH_UP_MAX).unwrap_or(asked_at) } else { asked_at };
            schedule.free_at = schedule.free_at.max(allowed) + length;
            schedule.free_at
        })
    }

    /// Waits until a reserved round is done.
    pub(super) fn wait(&self, until: Instant) {
        thread::sleep(until.saturating_duration_since(Instant::now()));
        self.locked(|schedule| schedule.answered_at = schedule.answered_at.max(Instant::now()));
    }
}

impl Default for Card {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(10);

    #[test]
    fn lateness_is_not_paid_twice() {
        let card = Card::new();
        let asked = Instant::now();
        let first = card.reserve(asked, ROUND);
        let late = first + Duration::from_millis(7);
        card.locked(|schedule| schedule.answered_at = late);
        assert_eq!(card.reserve(late + Duration::from_millis(1), ROUND), first + ROUND);
    }

    #[test]
    fn idle_time_earns_nothing() {
        let card = Card::new();
        let first = card.reserve(Instant::now(), ROUND);
        card.locked(|schedule| schedule.answered_at = first);
        let asked = first + Duration::from_millis(50);
        assert_eq!(card.reserve(asked, ROUND), asked + ROUND);
    }

    #[test]
    fn rentals_of_one_card_share_its_time() {
        let card = Card::new();
        let other = card.clone();
        let asked = Instant::now();
        let first = card.reserve(asked, ROUND);
        assert_eq!(other.reserve(asked, ROUND), first + ROUND);
        assert_eq!(card.reserve(asked, ROUND), first + ROUND * 2);
    }

    #[test]
    fn catching_up_is_bounded() {
        let card = Card::new();
        let first = card.reserve(Instant::now(), ROUND);
        let late = first + Duration::from_secs(9);
        card.locked(|schedule| schedule.answered_at = late);
        assert_eq!(card.reserve(late, ROUND), late - CATCH_UP_MAX + ROUND);
    }
}
