//! A session that was assigned: node, probe and the earliest start are given.
use super::Work;
use crate::{
    assignment::{Desk, Turn},
    clock,
};
use gpux_proto::bytes::to_hex;
use tracing::{debug, warn};

impl Work {
    /// Serves the next turn; false if there was none or it came to nothing.
    pub(super) async fn assigned(&self, desk: &Desk) -> bool {
        let Some(turn) = desk.next(&self.oracle, self.fisher.purse.chain()).await else { return false };
        let node = turn.node;
        let done = self.serve(turn).await;
        desk.release(&node);
        done
    }

    /// Waits for the drawn start and probes. A node that nobody lists any more is passed over: there is no offer to rent by.
    async fn serve(&self, turn: Turn) -> bool {
        tokio::select! {
            () = tokio::time::sleep(turn.start.saturating_sub(clock::now())) => {}
            () = self.fisher.stop.cancelled() => return false,
        }
        let node = to_hex(&turn.node);
        let candidates = match self.candidates().await {
            Ok(candidates) => candidates,
            Err(error) => {
                warn!(%error, "no list of nodes");
                return false;
            }
        };
        let Some(listed) = candidates.iter().find(|candidate| candidate.offered.node == turn.node) else {
            debug!(node, probe = %turn.probe, "an assigned node is not listed any more");
            return false;
        };
        if clock::now() >= turn.end {
            debug!(node, probe = %turn.probe, "an assignment was not reached in time");
            return false;
        }
        self.probe(listed.offered.clone(), turn.probe, Some(&turn.assignment)).await.0
    }
}
