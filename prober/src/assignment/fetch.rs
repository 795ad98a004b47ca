//! Reads schedules from an oracle. Whatever it answers is bounded and checked: pages of one epoch that belong together, nodes in
//! order and once, every claim with an index. The beacon is compared with the chain by the caller.
use crate::report::{Oracle, OracleError, refused};
use gpux_kernels::assignment::{self, Schedule};
use gpux_proto::{
    bytes::{self, array, present},
    oracle::{self, GetScheduleRequest, GetScheduleResponse, schedule_service_client::ScheduleServiceClient},
};
use prost::Message as _;

/// The largest answer: a page of 10,000 nodes takes 1.5 MB.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Nodes in a page, and all pages of a schedule together.
const PAGE: i32 = 10_000;
const PAGES_MAX: usize = 400;
/// All answers of a schedule together: a million nodes take 150 MB.
const BYTES_MAX: usize = 256 << 20;
/// The most sessions that an epoch may assign to one fisher.
pub(super) const SLOTS_MAX: u32 = 64;

/// There is no schedule to draw from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The oracle did not answer.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// A field has the wrong size.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// Its nodes are not what may be drawn from.
    #[error(transparent)]
    Schedule(#[from] assignment::Error),
    /// A page belongs to another epoch, market or schedule.
    #[error("the oracle sent {what} {sent} with the schedule of epoch {epoch}, {expected} was expected")]
    Foreign {
        /// Which value.
        what: &'static str,
        /// Which schedule was asked for.
        epoch: u64,
        /// As it was sent.
        sent: u64,
        /// As it must be.
        expected: u64,
    },
    /// The beacon changed between two pages.
    #[error("the oracle sent two beacons of epoch {0}")]
    Beacons(u64),
    /// Its pages never end.
    #[error("the schedule of epoch {0} has no end within {PAGES_MAX} pages and {BYTES_MAX} bytes")]
    Endless(u64),
}

/// A schedule as an oracle publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The epoch.
    pub epoch: u64,
    /// What the oracle says its beacon is.
    pub beacon: [u8; 32],
    /// How many sessions it assigns to a fisher.
    pub slots: u32,
    /// What they are drawn from.
    pub schedule: Schedule,
}

async fn page(oracle: &Oracle, request: GetScheduleRequest) -> Result<GetScheduleResponse, OracleError> {
    let mut client = ScheduleServiceClient::new(oracle.channel()).max_decoding_message_size(ANSWER_BYTES_MAX);
    Ok(client.get_schedule(request).await.map_err(refused("its schedule"))?.into_inner())
}

/// The newest epoch that has a schedule; `None` while there is none.
pub async fn newest(oracle: &Oracle) -> Result<Option<u64>, Error> {
    let request = GetScheduleRequest { epoch: 0, page_size: 1, page_token: String::new() };
    match page(oracle, request).await {
        Ok(answer) => Ok(Some(present("schedule", &answer.schedule)?.epoch)),
        Err(OracleError::Refused { refusal, .. }) if refusal.reason == "NOT_FOUND" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads all of an epoch's schedule.
pub async fn fetch(oracle: &Oracle, epoch: u64, epoch_secs: u32) -> Result<Published, Error> {
    let (mut published, mut bytes, mut page_token) = (None, 0, String::new());
    for _ in 0..PAGES_MAX {
        let answer = page(oracle, GetScheduleRequest { epoch, page_size: PAGE, page_token }).await?;
        bytes += answer.encoded_len();
        let sent = present("schedule", &answer.schedule)?;
        append(&mut published, sent, (epoch, epoch_secs))?;
        match published {
            Some(published) if answer.next_page_token.is_empty() => return Ok(published),
            // A page without nodes and with another page after it would never end.
            _ if bytes > BYTES_MAX || sent.nodes.is_empty() => return Err(Error::Endless(epoch)),
            _ => page_token = answer.next_page_token,
        }
    }
    Err(Error::Endless(epoch))
}

/// Appends a page to the ones before it.
fn append(
    published: &mut Option<Published>,
    page: &oracle::Schedule,
    (epoch, epoch_secs): (u64, u32),
) -> Result<(), Error> {
    let same = |what, sent: u64, expected: u64| {
        if sent == expected { Ok(()) } else { Err(Error::Foreign { what, epoch, sent, expected }) }
    };
    same("epoch", page.epoch, epoch)?;
    same("epoch length", page.epoch_seconds.into(), epoch_secs.into())?;
    let beacon = array("schedule.beacon", &page.beacon)?;
    let first = || Published { epoch, beacon, slots: page.slots, schedule: Schedule::default() };
    let published = published.get_or_insert_with(first);
    same("slots", page.slots.into(), published.slots.min(SLOTS_MAX).into())?;
    if beacon != published.beacon {
        return Err(Error::Beacons(epoch));
    }
    for node in &page.nodes {
        published.schedule.push_wire(node)?;
    }
    Ok(())
}
