//! Whether the oracle can do its work now.
//!
//! Owns one switch each for the store and the chain; the parts that use them set them. An oracle is ready only with both:
//! without the chain it could neither check a rental nor publish.

use tokio::sync::watch;

/// The state of what the oracle depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    pub store: bool,
    pub chain: bool,
}

impl State {
    /// Whether both are up.
    #[must_use]
    pub fn is_ready(self) -> bool {
        self.store && self.chain
    }
}

/// The switches; clones share them.
#[derive(Debug, Clone)]
pub struct Health(watch::Sender<State>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Health {
    /// Both are down until somebody has seen them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The store answers, or does not.
    pub fn set_store(&self, up: bool) {
        self.set(|state| State { store: up, ..state });
    }

    /// The chain's RPC answers, or does not.
    pub fn set_chain(&self, up: bool) {
        self.set(|state| State { chain: up, ..state });
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        *self.0.borrow()
    }

    /// Follows the state.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.0.subscribe()
    }

    fn set(&self, change: impl FnOnce(State) -> State) {
        self.0.send_if_modified(|state| {
            let next = change(*state);
            let changed = next != *state;
            *state = next;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_needs_both() {
        let health = Health::new();
        assert!(!health.state().is_ready());
        health.set_store(true);
        assert!(!health.state().is_ready());
        health.set_chain(true);
        assert!(health.state().is_ready());
        health.set_store(false);
        assert_eq!(health.state(), State { store: false, chain: true });
    }
}
