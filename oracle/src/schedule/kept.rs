//! The schedules of the last epochs, in memory.
//!
//! Owns which closing a schedule belongs to. Nothing is written: whoever starts folds the log anyway, and computes the last
//! schedules again on the way, so that what is served is what the log says and no file that could differ from it. Closings
//! only rise, so the newest one before an epoch is settled as soon as the epoch before it, or a later one, is closed.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use gpux_kernels::assignment::Schedule;

use crate::{
    score::Parameters,
    store::{self, Store},
};

/// How many schedules are kept: reports of older epochs come too late.
pub const SCHEDULES_MAX: u64 = 64;
/// The most memory that they take together, unless [`SCHEDULES_MIN`] take more.
const BYTES_MAX: usize = 512 << 20;
/// So many are kept whatever they take: an epoch's reports come in the one or two after it.
const SCHEDULES_MIN: usize = 4;

/// What assignments of an epoch are drawn from.
#[derive(Debug, Clone)]
pub struct Known {
    pub schedule: Arc<Schedule>,
    pub beacon: [u8; 32],
}

/// What is known of an epoch's schedule.
#[derive(Debug, Clone)]
pub enum Of {
    /// It is settled, and so is the beacon.
    Known(Known),
    /// Not yet.
    Later,
    /// Not any more.
    Forgotten,
}

/// A schedule and the epoch whose closing made it.
#[derive(Debug)]
struct Closing {
    epoch: u64,
    schedule: Arc<Schedule>,
}

/// The kept schedules; clones share them.
#[derive(Debug, Clone)]
pub struct Schedules {
    store: Arc<dyn Store>,
    epoch_secs: u64,
    closings: Arc<RwLock<VecDeque<Closing>>>,
}

impl Schedules {
    /// None yet; beacons are read from this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, parameters: &Parameters) -> Self {
        Self { store, epoch_secs: parameters.epoch_secs.into(), closings: Arc::default() }
    }

    /// Keeps what an epoch's closing gave. Epochs come in their order.
    pub fn keep(&self, epoch: u64, schedule: Schedule) {
        let mut closings = self.closings.write().unwrap_or_else(PoisonError::into_inner);
        if closings.back().is_some_and(|last| last.epoch >= epoch) {
            return;
        }
        closings.push_back(Closing { epoch, schedule: Arc::new(schedule) });
        let mut bytes: usize = closings.iter().map(|closing| closing.schedule.bytes()).sum();
        while closings.len() > SCHEDULES_MAX as usize || (bytes > BYTES_MAX && closings.len() > SCHEDULES_MIN) {
            bytes -= closings.pop_front().map_or(0, |oldest| oldest.schedule.bytes());
        }
    }

    /// The newest epoch that has a schedule.
    #[must_use]
    pub fn newest(&self) -> Option<u64> {
        self.closings.read().unwrap_or_else(PoisonError::into_inner).back().map(|last| last.epoch + 1)
    }

    /// The schedule of an epoch and its beacon.
    pub async fn of(&self, epoch: u64) -> store::Result<Of> {
        let schedule = {
            let closings = self.closings.read().unwrap_or_else(PoisonError::into_inner);
            if closings.back().is_none_or(|last| last.epoch.saturating_add(1) < epoch) {
                return Ok(Of::Later);
            }
            match closings.iter().rev().find(|closing| closing.epoch < epoch) {
                Some(closing) => closing.schedule.clone(),
                None => return Ok(Of::Forgotten),
            }
        };
        let beacon = self.store.first_finalised_since(epoch.saturating_mul(self.epoch_secs)).await?;
        Ok(beacon.map_or(Of::Later, |block| Of::Known(Known { schedule, beacon: block.hash })))
    }
}
