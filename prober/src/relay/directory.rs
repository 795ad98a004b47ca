//! Where nodes are: asked of the oracle by key, kept for a moment. Never takes an endpoint from a renter, so that a relay is no
//! open proxy, and none that its node has not signed. Invariant: what is kept, and how many questions are on their way, is bounded.
use super::error::Error;
use crate::{
    clock,
    offered::{self, Place},
    report::Oracle,
};
use gpux_proto::bytes::to_hex;
use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tonic::transport::Uri;

/// For how long a found node, and one that was not found, is not asked for again.
const FOUND_VALID: Duration = Duration::from_secs(60);
const MISSED_VALID: Duration = Duration::from_secs(3);
/// What was asked for so shortly ago is not doubted, or an absent node would cost the oracle a question a session.
const FRESH: Duration = Duration::from_secs(1);
/// Nodes that are remembered; the oldest is forgotten first.
const KNOWN_MAX: usize = 4_096;
/// Questions to the oracle at once.
const ASKING_MAX: usize = 8;

#[derive(Debug)]
struct Known {
    at: Instant,
    endpoint: Option<Uri>,
}

/// The nodes that a relay carries to.
#[derive(Debug)]
pub(super) struct Directory {
    oracle: Oracle,
    place: Place,
    known: Mutex<HashMap<[u8; 32], Known>>,
    asking: Semaphore,
}

impl Directory {
    pub(super) fn new(oracle: Oracle, place: Place) -> Self {
        Self { oracle, place, known: Mutex::default(), asking: Semaphore::new(ASKING_MAX) }
    }

    /// The endpoint of a node.
    pub(super) async fn find(&self, node: &[u8; 32]) -> Result<Uri, Error> {
        let unknown = || Error::NodeUnknown(to_hex(node));
        if let Some(endpoint) = self.remembered(node) {
            return endpoint.ok_or_else(unknown);
        }
        // A renter who names nodes that nobody knows must not make this relay flood the oracle.
        let _asking = self.asking.try_acquire().map_err(|_| Error::Busy("questions to the oracle"))?;
        let description = self.oracle.node(node).await.map_err(|e| Error::OracleUnavailable(e.to_string()))?;
        let verified = description.and_then(|description| offered::verify(&description, self.place, clock::now()).ok());
        let endpoint = verified
            .filter(|offered| offered.node == *node)
            .and_then(|offered| offered::endpoint(&offered.descriptor.endpoint).ok());
        self.remember(*node, endpoint.clone());
        endpoint.ok_or_else(unknown)
    }

    /// Where a node is that is no longer where it was: asked anew, unless that was a moment ago. `None` if it has not moved.
    pub(super) async fn moved(&self, node: &[u8; 32], from: &Uri) -> Result<Option<Uri>, Error> {
        if let Ok(mut known) = self.known.lock() {
            match known.get(node) {
                Some(entry) if entry.at.elapsed() < FRESH => return Ok(None),
                _ => known.remove(node),
            };
        }
        Ok(Some(self.find(node).await?).filter(|endpoint| endpoint != from))
    }

    fn remembered(&self, node: &[u8; 32]) -> Option<Option<Uri>> {
        let known = self.known.lock().ok()?;
        let entry = known.get(node)?;
        let valid = if entry.endpoint.is_some() { FOUND_VALID } else { MISSED_VALID };
        (entry.at.elapsed() < valid).then(|| entry.endpoint.clone())
    }

    fn remember(&self, node: [u8; 32], endpoint: Option<Uri>) {
        let Ok(mut known) = self.known.lock() else { return };
        if known.len() >= KNOWN_MAX
            && let Some(oldest) = known.iter().min_by_key(|(_, entry)| entry.at).map(|(node, _)| *node)
        {
            known.remove(&oldest);
        }
        known.insert(node, Known { at: Instant::now(), endpoint });
    }
}
