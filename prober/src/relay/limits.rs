//! How much a relay carries, and who has a place: so many sessions in all, and so many of one node, so that a flood for one host
//! leaves room for the others.
use super::error::Error;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// What a relay carries at most.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions at once.
    pub sessions: usize,
    /// Of one node.
    pub sessions_per_node: usize,
    /// How long a session may last.
    pub length: Duration,
    /// Bytes of a session, both ways together.
    pub bytes: u64,
    /// Stamps of a session; later frames pass without.
    pub stamps: usize,
    /// How long a renter may take to name a node.
    pub first: Duration,
}

impl Default for Limits {
    /// The plan's longest session and the largest released worker fit several times.
    fn default() -> Self {
        Self {
            sessions: 64,
            sessions_per_node: 8,
            length: Duration::from_secs(600),
            bytes: 64 << 20,
            stamps: 4_096,
            first: Duration::from_secs(10),
        }
    }
}

/// The sessions that are carried now, by node.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<[u8; 32], usize>>);

/// One session's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    node: [u8; 32],
}

impl Places {
    /// Takes a place for a session of a node.
    pub(super) fn take(self: &Arc<Self>, node: [u8; 32], most: usize) -> Result<Place, Error> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(node).or_default();
        if *count >= most {
            return Err(Error::Busy("sessions of this node"));
        }
        *count += 1;
        Ok(Place { places: Arc::clone(self), node })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_its_places_and_they_come_back() {
        let places = Arc::new(Places::default());
        let (one, two) = (places.take([1; 32], 2).unwrap(), places.take([1; 32], 2).unwrap());
        assert!(matches!(places.take([1; 32], 2), Err(Error::Busy(_))));
        let other = places.take([2; 32], 2).unwrap();
        drop(one);
        let three = places.take([1; 32], 2).unwrap();
        drop((two, three, other));
        assert!(places.0.lock().unwrap().is_empty(), "nothing is remembered of who has gone");
    }
}
