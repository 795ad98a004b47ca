//! The fisher's desk: looks for new epochs, checks their beacons, draws their slots and hands the turns to whoever is free.
//!
//! One worker at a time looks; the others go on with what is there. Never draws from a beacon that the fisher's own chain does
//! not have: an oracle that could choose it would try beacons until all fishers go where it likes.
use super::{
    fetch::{self, Published, SLOTS_MAX},
    queue::{Queue, Turn},
};
use crate::{
    clock,
    rent::{Beacon, Chain},
    report::Oracle,
};
use gpux_kernels::assignment::{Preimages, Ticket, served};
use gpux_proto::{bytes::to_hex, evidence::Assignment};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

/// How often is looked for a new epoch: a fifth of a development market's, and rarely enough for any oracle.
const LOOK: Duration = Duration::from_secs(1);
/// How many epochs are drawn of those that came since the last look; the spans of earlier ones are over.
const CATCH_UP: u64 = 1;

/// What was looked at.
#[derive(Debug, Default)]
struct Looked {
    at: Option<Instant>,
    /// The last epoch that was drawn or given up.
    epoch: Option<u64>,
}

/// Draws a fisher's assignments.
#[derive(Debug)]
pub struct Desk {
    preimages: Preimages,
    fisher: [u8; 20],
    epoch_secs: u32,
    looked: tokio::sync::Mutex<Looked>,
    queue: Mutex<Queue>,
}

impl Desk {
    /// Makes the desk of a fisher in a market with epochs of this length.
    #[must_use]
    pub fn new(preimages: Preimages, fisher: [u8; 20], epoch_secs: u32) -> Self {
        info!(from = preimages.end_epoch() + 1, until = preimages.last_epoch(), "the chain assigns in these epochs");
        Self { preimages, fisher, epoch_secs, looked: tokio::sync::Mutex::default(), queue: Mutex::default() }
    }

    /// The next turn, for which its start is still to be waited; `None` if there is none so far.
    pub async fn next(&self, oracle: &Oracle, chain: &Chain) -> Option<Turn> {
        if let Ok(mut looked) = self.looked.try_lock()
            && looked.at.is_none_or(|at| at.elapsed() >= LOOK)
        {
            if let Err(error) = self.look(&mut looked, oracle, chain).await {
                warn!(%error, "no assignments");
            }
            looked.at = Some(Instant::now());
        }
        self.queue().take(clock::now())
    }

    /// Ends a node's turn.
    pub fn release(&self, node: &[u8; 32]) {
        self.queue().release(node);
    }

    pub(super) fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the epochs that are new.
    async fn look(&self, looked: &mut Looked, oracle: &Oracle, chain: &Chain) -> Result<(), fetch::Error> {
        let Some(newest) = fetch::newest(oracle).await? else { return Ok(()) };
        let oldest = newest.saturating_sub(CATCH_UP).max(looked.epoch.map_or(0, |epoch| epoch + 1));
        for epoch in oldest..=newest {
            let Some(preimage) = self.preimages.of(epoch) else {
                looked.epoch = Some(epoch);
                continue;
            };
            let published = fetch::fetch(oracle, epoch, self.epoch_secs).await?;
            match chain.beacon(published.beacon, epoch, self.epoch_secs).await {
                Ok(Beacon::Confirmed) => self.draw(&published, preimage),
                Ok(Beacon::Contradicted(why)) => {
                    let beacon = to_hex(&published.beacon);
                    warn!(
                        epoch,
                        beacon, why, "the oracle's beacon is not the chain's: nothing is probed in this epoch"
                    );
                }
                // This machine's RPC may be behind the oracle's.
                Ok(Beacon::Unknown) => {
                    debug!(epoch, "the chain does not know the beacon yet");
                    return Ok(());
                }
                Err(error) => {
                    warn!(epoch, %error, "the beacon cannot be checked yet");
                    return Ok(());
                }
            }
            looked.epoch = Some(epoch);
        }
        Ok(())
    }

    /// Draws all slots of an epoch.
    pub(super) fn draw(&self, published: &Published, preimage: [u8; 32]) {
        let Published { epoch, beacon, slots, schedule } = published;
        let (epoch, fisher) = (*epoch, self.fisher);
        let end = Duration::from_secs(served(epoch, self.epoch_secs).end);
        let mut queue = self.queue();
        for slot in 0..(*slots).min(SLOTS_MAX) {
            let ticket = Ticket { preimage, beacon: *beacon, fisher, epoch, slot };
            let Some(drawn) = ticket.draw(schedule, self.epoch_secs) else { return };
            let assignment = Assignment { epoch, preimage: preimage.to_vec(), slot };
            let start = Duration::from_micros(drawn.start_us);
            queue.add(Turn { assignment, node: drawn.node, probe: drawn.probe, start, end });
        }
        debug!(epoch, slots, nodes = schedule.nodes(), "assignments were drawn");
    }
}
