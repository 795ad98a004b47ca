//! Checks that a report is about what its fisher was assigned, when he was.
//!
//! Owns the comparison of a report with the draw of its slot. Draws with the preimage that the report shows, so that nobody
//! knew the assignment before, this oracle included. What was verified last of each chain is remembered: the next epoch's
//! preimage is one step from it. Its invariant: a report that passes as assigned could have been about nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gpux_kernels::assignment::{Assigned, Ticket, leads, served, verify};
use gpux_proto::{bytes::array, evidence::Assignment};

use super::{Refusal, report::Decoded, rules::CLOCK_SKEW_SECS};
use crate::{
    schedule::{Known, Of, Schedules},
    score::Parameters,
    store::{Chain, Rental, Slot, Store},
};

/// How many chains' last preimages are remembered; a forgotten one costs a walk to the chain's end.
const VERIFIED_MAX: usize = 4_096;
const MICROS: u64 = 1_000_000;
/// How long after the span's end a session may begin: probers ask a full node again for 45 s within a rental that they opened in
/// time, and opening it takes some blocks.
const LATE_SECS: u64 = 60;

/// A fisher and his chain's end, with the epoch and the preimage that were verified last.
type Verified = HashMap<([u8; 20], [u8; 32]), (u64, [u8; 32])>;

/// Checks assignments; clones share what is remembered.
#[derive(Debug, Clone)]
pub(super) struct Assignments {
    schedules: Schedules,
    verified: Arc<Mutex<Verified>>,
}

impl Assignments {
    pub(super) fn new(schedules: Schedules) -> Self {
        Self { schedules, verified: Arc::default() }
    }

    pub(super) fn schedules(&self) -> &Schedules {
        &self.schedules
    }

    /// The slot of a report that was assigned; `None` for one whose fisher chose the node.
    pub(super) async fn check(
        &self,
        store: &dyn Store,
        parameters: &Parameters,
        decoded: &Decoded,
        rental: &Rental,
    ) -> Result<Option<Slot>, Refusal> {
        let Some(assignment) = &decoded.report.assignment else { return Ok(None) };
        let Assignment { epoch, slot, .. } = *assignment;
        let preimage = array("report.assignment.preimage", &assignment.preimage)?;
        if slot >= parameters.assignment_slots {
            return Err(Refusal::AssignmentSlot { slot, slots: parameters.assignment_slots });
        }
        let known = match self.schedules.of(epoch).await.map_err(Refusal::Store)? {
            Of::Known(known) => known,
            Of::Later => return Err(Refusal::AssignmentUnknown(epoch)),
            Of::Forgotten => return Err(Refusal::AssignmentLate(epoch)),
        };
        let fisher = decoded.fisher.into_array();
        let chain = store.chain(fisher, epoch).await.map_err(Refusal::Store)?;
        let chain = chain.ok_or(Refusal::AssignmentPreimage(epoch))?;
        if !self.is_preimage(fisher, chain, epoch, preimage).await? {
            return Err(Refusal::AssignmentPreimage(epoch));
        }
        let Known { schedule, beacon } = known;
        let ticket = Ticket { preimage, beacon, fisher, epoch, slot };
        let assigned = ticket.draw(&schedule, parameters.epoch_secs);
        let assigned = assigned.ok_or(Refusal::AssignmentForeign { epoch, slot })?;
        if (assigned.node, assigned.probe) != (decoded.node, decoded.probe) {
            return Err(Refusal::AssignmentForeign { epoch, slot });
        }
        in_time(&assigned, served(epoch, parameters.epoch_secs).end, decoded, rental)?;
        Ok(Some(Slot { epoch, number: slot }))
    }

    /// Whether a value is the preimage of an epoch. Walks on a thread of its own: the first one of a chain may be far.
    async fn is_preimage(
        &self,
        fisher: [u8; 20],
        chain: Chain,
        epoch: u64,
        preimage: [u8; 32],
    ) -> Result<bool, Refusal> {
        let key = (fisher, chain.end);
        let last = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let walk = move || match last {
            Some((at, value)) if at <= epoch => leads(&preimage, epoch - at, &value),
            Some((at, value)) => leads(&value, at - epoch, &preimage),
            None => verify(&chain.end, chain.epoch, epoch, &preimage),
        };
        let holds = tokio::task::spawn_blocking(walk).await.map_err(|_| Refusal::Examiner)?;
        if holds && last.is_none_or(|(at, _)| at < epoch) {
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if verified.len() >= VERIFIED_MAX && !verified.contains_key(&key) {
                verified.clear();
            }
            verified.insert(key, (epoch, preimage));
        }
        Ok(holds)
    }
}

/// Refuses a session outside its time: a fisher who may choose the moment tells a friendly host. The session's times are his
/// own word, the rental's beginning is the chain's.
fn in_time(assigned: &Assigned, end: u64, decoded: &Decoded, rental: &Rental) -> Result<(), Refusal> {
    let drawn = assigned.start_us / MICROS;
    let start = decoded.start_us / MICROS;
    let early = |what: &str, at: u64| {
        Err(Refusal::AssignmentTime(format!("its {what} began at {at}, before {drawn}, the start that was drawn")))
    };
    if start.saturating_add(CLOCK_SKEW_SECS) < drawn {
        return early("session", start);
    }
    if rental.start.saturating_add(CLOCK_SKEW_SECS) < drawn {
        return early("rental", rental.start);
    }
    if start >= end.saturating_add(CLOCK_SKEW_SECS + LATE_SECS) {
        return Err(Refusal::AssignmentTime(format!("its session began at {start}, its time ended at {end}")));
    }
    Ok(())
}
