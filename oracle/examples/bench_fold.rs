//! Measures the fold: items a second on one core, an epoch of a million nodes and the schedule after it, memory, and a replay
//! that must come out the same twice.
//!
//! Times are those that its one thread had a core, whatever else the machine does. Prints `name=value` lines. `make bench`
//! compares them with the budgets. Needs 5 GiB of memory.
#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]

use std::time::Duration;

use anyhow::{Result, ensure};
use gpux_oracle::{
    schedule::Offers,
    score::{
        Announced, Claims, Entry, EpochClosed, FoldedReport, NodeId, NodeScore, Parameters, Ratio64, ReportId,
        ResourceId, State, Weight,
    },
};
use gpux_proto::evidence::{Description, Descriptor, Host, NodeAnnounced, Offer, Signed, SignedOffer};
use nix::time::{ClockId, clock_gettime};
use peak_alloc::PeakAlloc;
use prost::Message as _;

/// Counts the bytes that live.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const NODES: u64 = 1_000_000;
/// The claims of each node.
const CLAIMS: u32 = 8;
/// One node in twenty is probed in an epoch.
const TOUCHED: u64 = NODES / 20;
/// Reports of the replay, over so many nodes.
const REPLAYED: u64 = 10_000_000;
const REPLAYED_NODES: u64 = 10_000;
/// Reports of the rate's measurement.
const ITEMS: u64 = 1_000_000;
/// Reports of an epoch where they are many.
const BUSY: u64 = 50_000;

fn main() -> Result<()> {
    println!("fold_items_per_second={:.0}", rate()?);
    let (seconds, scores) = replay()?;
    let (_, again) = replay()?;
    ensure!(scores == again, "two replays of one log differ");
    println!("replay_of_ten_million_seconds={seconds:.2}");
    million()
}

/// How long this thread has had a core.
fn worked() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// 32 bytes that are spread like a digest, made by SplitMix64.
fn id(number: u64) -> [u8; 32] {
    let mut id = [0; 32];
    let mut state = number.wrapping_mul(4);
    for part in id.chunks_exact_mut(8) {
        state = state.wrapping_add(1);
        let mut z = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    id
}

fn report(number: u64, node: u64, resource: u32, epoch: u64) -> Entry {
    Entry::Report(FoldedReport {
        report: ReportId(id(number)),
        node: NodeId(id(u64::MAX / 8 - node)),
        resource: ResourceId(resource),
        x: Ratio64::of(0.9 + (number.wrapping_mul(2_654_435_761) % 100) as f64 / 1_000.0),
        weight: Weight::FULL,
        epoch,
    })
}

/// Items a second, their making not counted.
fn rate() -> Result<f64> {
    let entries: Vec<_> = stream(ITEMS).collect();
    let mut state = State::new(Parameters::production());
    let start = worked()?;
    for entry in &entries {
        state.apply(entry)?;
    }
    Ok(entries.len() as f64 / (worked()? - start).as_secs_f64())
}

/// A log of so many reports, with an epoch closed after each 50,000.
fn stream(reports: u64) -> impl Iterator<Item = Entry> {
    (0..reports).flat_map(|number| {
        let epoch = number / BUSY + 1;
        let node = number.wrapping_mul(2_654_435_761) % REPLAYED_NODES;
        let close = (number % BUSY == BUSY - 1).then_some(Entry::EpochClosed(EpochClosed { epoch }));
        std::iter::once(report(number, node, (number % 4) as u32, epoch)).chain(close)
    })
}

/// Folds ten million reports, their making counted; all scores at the end.
fn replay() -> Result<(f64, Vec<NodeScore>)> {
    let start = worked()?;
    let mut state = State::new(Parameters::production());
    for entry in stream(REPLAYED) {
        state.apply(&entry)?;
    }
    let scores = state.scores().collect();
    Ok(((worked()? - start).as_secs_f64(), scores))
}

/// A million nodes with eight claims each: what they occupy, and how long an epoch takes from its first report to all
/// scores.
fn million() -> Result<()> {
    let before = MEMORY.current_usage();
    let mut state = State::new(Parameters::production());
    let (mut number, mut epoch) = (0, 1);
    for node in 0..NODES {
        let claims: Claims = (0..CLAIMS).map(ResourceId).collect();
        let node_id = NodeId(id(u64::MAX / 8 - node));
        state.apply(&Entry::Announced(Announced { node: node_id, claims, organisation: None }))?;
        for resource in 0..CLAIMS {
            state.apply(&report(number, node, resource, epoch))?;
            number += 1;
        }
        if node % (BUSY / u64::from(CLAIMS)) == 0 {
            state.apply(&Entry::EpochClosed(EpochClosed { epoch }))?;
            epoch += 1;
        }
    }
    // Until no report of the filling could come again in time, as in a market that lasts.
    for _ in 0..=Parameters::production().report_window_epochs + 1 {
        state.apply(&Entry::EpochClosed(EpochClosed { epoch }))?;
        epoch += 1;
    }
    state.settle();
    let bytes = MEMORY.current_usage() - before;
    println!("bytes_per_node_claim={:.0}", bytes as f64 / (NODES * u64::from(CLAIMS)) as f64);
    let entries: Vec<_> = (0..TOUCHED)
        .map(|touched| {
            report(number + touched, touched * (NODES / TOUCHED), (touched % u64::from(CLAIMS)) as u32, epoch)
        })
        .collect();
    let start = worked()?;
    for entry in &entries {
        state.apply(entry)?;
    }
    state.apply(&Entry::EpochClosed(EpochClosed { epoch }))?;
    state.settle();
    let published = state.scores().count();
    println!("epoch_of_a_million_nodes_seconds={:.2}", (worked()? - start).as_secs_f64());
    ensure!(published as u64 == NODES, "{published} nodes have scores");
    schedule(&state)
}

/// What the next epoch's assignments are drawn from, when each of a million nodes offers two claims.
fn schedule(state: &State) -> Result<()> {
    let host = Host { threads: 1, fp64_flops: 1, ram_bytes: 1, ram_reads: 1, ..Host::default() };
    let mut offers = Offers::default();
    for node in 0..NODES {
        let node_id = id(u64::MAX / 8 - node).to_vec();
        let descriptor = Descriptor { node: node_id, provider: vec![9; 20], host: Some(host), ..Default::default() };
        let signed = Signed { payload: descriptor.encode_to_vec(), signature: vec![0; 64] };
        let offer = Offer { rate: node.to_string(), capacity: 2, valid_until: u64::MAX, ..Offer::default() };
        let offer = SignedOffer { offer: Some(offer), ..SignedOffer::default() };
        let description = Description { descriptor: Some(signed), offer: Some(offer), membership: None };
        offers.announce(&NodeAnnounced { description: Some(description) }, state.parameters().market);
    }
    let start = worked()?;
    let schedule = offers.schedule(state)?;
    println!("schedule_of_a_million_nodes_seconds={:.2}", (worked()? - start).as_secs_f64());
    ensure!(schedule.page(None, 1).len() == 1, "the schedule is empty");
    Ok(())
}
