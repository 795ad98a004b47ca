//! The schedules that assignments are drawn from, in pages.
//!
//! Owns the read of ScheduleService. It answers everybody alike and whole: whoever asked for a part would show which node he
//! is going to probe.

use gpux_kernels::assignment::Schedule as Drawn;
use gpux_proto::oracle::{GetScheduleRequest, GetScheduleResponse, Schedule};

use super::{
    Api,
    error::Error,
    page_token::{self, Cursor},
};
use crate::schedule::{Known, Of};

/// Nodes in a page without a wish, and at most: 10,000 nodes with all claims take 1.5 MB, or 3 MB as JSON.
const PAGE_DEFAULT: usize = 1_000;
const PAGE_MAX: usize = 10_000;

impl Api {
    /// Returns a page of an epoch's schedule.
    pub(super) async fn get_schedule(&self, request: GetScheduleRequest) -> Result<GetScheduleResponse, Error> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE_DEFAULT,
            Ok(wish) => wish.min(PAGE_MAX),
            Err(_) => {
                let message = format!("page_size {} is negative", request.page_size);
                return Err(Error::field("MALFORMED", "page_size", message));
            }
        };
        let schedules = self.ingest().schedules();
        let (epoch, after) = match Cursor::read(&request.page_token)? {
            // The pages of the newest one are those of the epoch that the first of them was of.
            Some(Cursor::Schedule { epoch, after }) if [0, epoch].contains(&request.epoch) => (epoch, Some(after)),
            Some(_) => return Err(page_token::refused()),
            None if request.epoch == 0 => {
                (schedules.newest().ok_or_else(|| Error::not_found("a schedule").retryable())?, None)
            }
            None => (request.epoch, None),
        };
        let Known { schedule, beacon } = match schedules.of(epoch).await? {
            Of::Known(known) => known,
            Of::Later => return Err(Error::not_found(format_args!("the schedule of epoch {epoch}")).retryable()),
            Of::Forgotten => return Err(Error::not_found(format_args!("the schedule of epoch {epoch}"))),
        };
        let parameters = self.ingest().parameters();
        Ok(GetScheduleResponse {
            next_page_token: next(&schedule, epoch, after.as_ref(), size),
            schedule: Some(Schedule {
                epoch,
                beacon: beacon.to_vec(),
                nodes: schedule.page(after.as_ref(), size),
                slots: parameters.assignment_slots,
                epoch_seconds: parameters.epoch_secs,
            }),
        })
    }
}

/// The token of the page after this one; empty if nothing is left.
fn next(schedule: &Drawn, epoch: u64, after: Option<&[u8; 32]>, size: usize) -> String {
    match schedule.last_of_page(after, size) {
        Some(last) => Cursor::Schedule { epoch, after: last }.token(),
        None => String::new(),
    }
}
