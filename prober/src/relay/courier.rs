//! Brings stamps to the oracle: whatever waits is sent until it is taken or refused for good, with pauses that grow while the
//! oracle does not answer. Never holds a session up. Invariant: what is not acknowledged stays in the store.
use super::store::Store;
use crate::report::Oracle;
use gpux_proto::bytes::to_hex;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// The first pause after a failure; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Failures in a row after which the oracle is left alone for a pause.
const FAILURES_MAX: u32 = 3;
/// How long a relay that stops still delivers.
const GRACE: Duration = Duration::from_secs(3);

/// Who delivers.
#[derive(Debug, Clone)]
pub(super) struct Courier {
    pub(super) store: Arc<Store>,
    pub(super) oracle: Oracle,
    /// Told when there is something new.
    pub(super) news: Arc<Notify>,
}

impl Courier {
    /// Delivers until it is told to stop, and then what can be delivered in a moment.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE_MIN;
        while !stop.is_cancelled() {
            let all = self.round().await;
            pause = if all { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(if all { PAUSE_MAX } else { pause }) => {}
                // While the oracle fails, news wait like everything else.
                () = self.news.notified(), if all => {}
            }
        }
        if tokio::time::timeout(GRACE, self.round()).await.is_err() {
            debug!("stamps wait for the next run");
        }
    }

    /// Sends what waits; says whether nothing is left.
    async fn round(&self) -> bool {
        let store = Arc::clone(&self.store);
        let waiting = match tokio::task::spawn_blocking(move || store.waiting()).await {
            Ok(Ok(waiting)) => waiting,
            Ok(Err(error)) => {
                warn!(%error, "the stamps cannot be read");
                return false;
            }
            Err(_) => return false,
        };
        let (begun, mut failures, mut left) = (Instant::now(), 0, false);
        for stamps in waiting {
            match self.oracle.submit_stamps(stamps.signed).await {
                Ok(()) => {
                    failures = 0;
                    self.store.forget(&stamps.id);
                }
                Err(refusal) if refusal.retryable => {
                    debug!(stamps = to_hex(&stamps.id), reason = refusal.reason, "stamps are not taken yet");
                    (failures, left) = (failures + 1, true);
                    if failures == FAILURES_MAX {
                        break;
                    }
                }
                Err(refusal) => {
                    let (reason, message) = (&refusal.reason, &refusal.message);
                    warn!(stamps = to_hex(&stamps.id), reason, message, "stamps are refused and dropped");
                    self.store.forget(&stamps.id);
                }
            }
        }
        debug!(milliseconds = begun.elapsed().as_millis() as u64, left, "stamps delivered");
        !left
    }
}
