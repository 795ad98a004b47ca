//! Streams of scores as they change.
//!
//! Owns who is told what and from where on: a cursor is the last score that was told, in the order in which epochs wrote them, so
//! it holds after a restart and on any replica. A score that changed again meanwhile is told once, as it is now. Never holds more
//! than a page for a reader; one that does not read is cut, and loses nothing by going on from its last cursor.

mod slot;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use gpux_proto::{
    bytes,
    oracle::{ReputationChange, WatchReputationsRequest, WatchReputationsResponse},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Api,
    error::Error,
    page_token::{self, Cursor},
    query::{estimate, verdict},
};
use crate::store::{Change, Digest, Store};
pub(super) use slot::Receiver;
use slot::Sender;

/// Streams at a time.
const WATCHERS_MAX: usize = 256;
/// Scores of a page.
const PAGE: u32 = 500;
/// How often the store is asked, once for all streams, whether an epoch has closed.
const LOOK: Duration = Duration::from_secs(1);
/// The longest model that is looked for, in bytes: no descriptor has a longer one.
const MODEL_BYTES_MAX: usize = 64;

/// How long a stream is silent, and how long it waits for its reader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// After this long without a change the cursor is repeated: proxies close what is silent.
    heartbeat: Duration,
    /// After this long without room for a page the stream ends.
    patience: Duration,
}

const PACE: Pace = Pace { heartbeat: Duration::from_secs(15), patience: Duration::from_secs(30) };

/// What all streams share.
#[derive(Debug)]
pub(super) struct Feed {
    /// The newest epoch that has scores.
    epoch: watch::Sender<Option<u64>>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    pace: Pace,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            epoch: watch::Sender::new(None),
            places: Arc::new(Semaphore::new(WATCHERS_MAX)),
            stop: CancellationToken::new(),
            pace: PACE,
        }
    }
}

/// Wakes the streams at every closed epoch, and ends them with the server: they would never end by themselves.
pub(super) async fn follow(api: &Api, stop: &CancellationToken) {
    let feed = api.feed();
    let looks = async {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A store that does not answer shows in health; streams wait for the next look.
            if let Ok(newest) = api.store().latest_epoch(None).await {
                let newest = newest.map(|epoch| epoch.epoch);
                feed.epoch.send_if_modified(|held| std::mem::replace(held, newest) != newest);
            }
        }
    };
    tokio::select! {
        () = looks => {}
        () = stop.cancelled() => feed.stop.cancel(),
    }
    std::future::pending().await
}

impl Api {
    /// Streams the scores that have changed since the cursor, and from then on.
    pub(super) async fn watch_reputations(
        &self,
        request: WatchReputationsRequest,
    ) -> Result<Receiver<WatchReputationsResponse>, Error> {
        let filter = Filter::read(&request)?;
        let after = match Cursor::read(&request.cursor).map_err(|_| refused())? {
            None => None,
            Some(Cursor::Changes { filter: of, epoch, after }) if of == filter.digest() => Some((epoch, after)),
            Some(_) => return Err(refused()),
        };
        if let Some((epoch, _)) = after {
            // From another oracle, or from before a restored backup: waiting for that epoch would hide what changed until then.
            let newest = self.store().latest_epoch(None).await?.map_or(0, |newest| newest.epoch);
            if epoch > newest {
                return Err(refused());
            }
        }
        let feed = self.feed();
        let place = Arc::clone(&feed.places).try_acquire_owned();
        let place = place.map_err(|_| Error::new("RATE_LIMITED", "too many streams at once").retryable())?;
        let (sender, receiver) = slot::pair();
        let stream = Stream {
            store: self.store(),
            filter,
            after,
            epoch: feed.epoch.subscribe(),
            pace: feed.pace,
            _place: place,
        };
        tokio::spawn(stream.run(sender, feed.stop.clone()));
        Ok(receiver)
    }
}

fn refused() -> Error {
    Error {
        field: Some("cursor"),
        message: "the cursor is damaged or of another stream".into(),
        ..page_token::refused()
    }
}

/// One stream's side of the store.
struct Stream {
    store: Arc<dyn Store>,
    filter: Filter,
    after: Option<(u64, Digest)>,
    epoch: watch::Receiver<Option<u64>>,
    pace: Pace,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    async fn run(mut self, sender: Sender<WatchReputationsResponse>, stop: CancellationToken) {
        let ended = tokio::select! {
            ended = self.tell(&sender) => ended,
            () = stop.cancelled() => {
                Some(Error::new("UNAVAILABLE", "the oracle stops; go on from the last cursor").retryable())
            }
        };
        // The place is free before the reader learns of the end, so that it may come again at once.
        drop(self);
        if let Some(error) = ended {
            sender.end(error);
        }
    }

    /// Tells page after page until the reader leaves, or until there is a reason to end.
    async fn tell(&mut self, sender: &Sender<WatchReputationsResponse>) -> Option<Error> {
        loop {
            // Looked at before the store is read, so that what closes in between wakes again.
            self.epoch.borrow_and_update();
            let mut untold = false;
            loop {
                let rows = match self.store.changes(self.after, PAGE).await {
                    Ok(rows) => rows,
                    Err(error) => return Some(error.into()),
                };
                let Some(last) = rows.last() else { break };
                self.after = Some((last.epoch, last.node));
                let changes: Vec<_> = rows.iter().filter(|row| self.filter.takes(row)).map(told).collect();
                untold = changes.is_empty();
                if !untold && let Err(ended) = self.send(sender, changes).await {
                    return ended;
                }
                if rows.len() < PAGE as usize {
                    break;
                }
            }
            // What a filter leaves out moves the cursor too, or a reader would come back to it for ever.
            if untold && let Err(ended) = self.send(sender, Vec::new()).await {
                return ended;
            }
            loop {
                tokio::select! {
                    changed = self.epoch.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return None,
                    },
                    () = tokio::time::sleep(self.pace.heartbeat) => {
                        if let Err(ended) = self.send(sender, Vec::new()).await {
                            return ended;
                        }
                    }
                }
            }
        }
    }

    async fn send(
        &self,
        sender: &Sender<WatchReputationsResponse>,
        changes: Vec<ReputationChange>,
    ) -> Result<(), Option<Error>> {
        let cursor = self.after.map(|(epoch, after)| Cursor::Changes { filter: self.filter.digest(), epoch, after });
        let cursor = cursor.map(|cursor| cursor.token()).unwrap_or_default();
        let sent = sender.send(WatchReputationsResponse { changes, cursor }, self.pace.patience).await;
        sent.map_err(|unsent| match unsent {
            slot::Unsent::Gone => None,
            slot::Unsent::Slow => {
                Some(Error::new("SLOW_READER", "the stream was not read; go on from the last cursor").retryable())
            }
        })
    }
}

fn told(row: &Change) -> ReputationChange {
    ReputationChange {
        name: format!("nodes/{}", bytes::to_hex(&row.node)),
        node: bytes::to_hex(&row.node),
        score: Some(estimate(&row.estimate)),
        verdict: verdict(Some(row.verdict)).into(),
        probes: row.probes,
        epoch: row.epoch,
    }
}

/// Which nodes a stream is about. Verdicts and bounds are no part of it: who asks for honest nodes must hear of it when one is
/// honest no longer.
#[derive(Debug)]
struct Filter {
    model: Option<String>,
    organisation: Option<Digest>,
    provider: Option<[u8; 20]>,
}

impl Filter {
    fn read(request: &WatchReputationsRequest) -> Result<Self, Error> {
        if request.model.len() > MODEL_BYTES_MAX {
            let message = format!("no model has more than {MODEL_BYTES_MAX} bytes");
            return Err(Error::field("MALFORMED", "model", message));
        }
        Ok(Self {
            model: Some(request.model.clone()).filter(|model| !model.is_empty()),
            organisation: hex("organisation", &request.organisation)?,
            provider: hex("provider", &request.provider)?,
        })
    }

    fn takes(&self, row: &Change) -> bool {
        (self.model.is_none() || self.model == row.model)
            && (self.organisation.is_none() || self.organisation == row.organisation)
            && (self.provider.is_none() || self.provider == row.provider)
    }

    /// Tells filters apart in cursors.
    fn digest(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key("gpux/watch-filter/1");
        hasher.update(format!("{self:?}").as_bytes());
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        digest
    }
}

fn hex<const N: usize>(field: &'static str, text: &str) -> Result<Option<[u8; N]>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    bytes::from_hex(field, text).map(Some).map_err(|error| Error::field("MALFORMED", field, error.to_string()))
}
