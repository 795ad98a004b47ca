//! Audits that are done before their reports are due.
//!
//! Owns a bounded list of drawn reports that wait for their lag, and what was found of them. It is only ever ahead: an audit
//! is a pure function of stored rows, so what is lost in a restart is done again, with the same result, when it is due.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Audited;
use crate::store::Digest;

/// The most reports that are waited for or found ahead.
const AHEAD_MAX: usize = 4_096;

/// Audits ahead of their time.
#[derive(Debug, Default)]
pub struct Ahead {
    waiting: VecDeque<Digest>,
    done: HashMap<Digest, Audited>,
}

impl Ahead {
    /// Takes up the drawn reports that are not due yet, and forgets all others.
    pub fn expect(&mut self, drawn: Vec<Digest>) {
        let wanted: HashSet<_> = drawn.iter().copied().collect();
        self.done.retain(|id, _| wanted.contains(id));
        let room = AHEAD_MAX.saturating_sub(self.done.len());
        let open = drawn.into_iter().filter(|id| !self.done.contains_key(id));
        self.waiting = open.take(room).collect();
    }

    /// The next report to audit.
    pub fn turn(&mut self) -> Option<Digest> {
        self.waiting.pop_front()
    }

    /// Keeps what was found.
    pub fn found(&mut self, id: Digest, audited: Audited) {
        self.done.insert(id, audited);
    }

    /// What was found of a report that is due now.
    pub fn take(&mut self, id: &Digest) -> Option<Audited> {
        self.done.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use gpux_kernels::evidence::Comparison;

    use super::*;

    fn id(number: usize) -> Digest {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        id
    }

    #[test]
    fn only_what_is_expected_is_kept_and_not_more_than_the_limit() {
        let mut ahead = Ahead::default();
        ahead.expect((0..9_000).map(id).collect());
        let mut taken = 0;
        while let Some(id) = ahead.turn() {
            ahead.found(id, Audited { comparison: Comparison::inconclusive("a test"), stamps: None });
            taken += 1;
        }
        assert_eq!(taken, 4_096);
        ahead.expect((4_095..9_000).map(id).collect());
        assert!(ahead.take(&id(0)).is_none() && ahead.take(&id(4_095)).is_some());
        assert_eq!(ahead.turn(), Some(id(4_096)), "the rest follows");
    }
}
