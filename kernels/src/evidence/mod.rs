//! Re-checks a session from its bundle: what `gpux-oracle verify-evidence`, ingest and the fisher himself all run.
//!
//! Owns the reading of `gpux.evidence.v1` bundles: signatures, frame chains, the job's conversation, the draw, the
//! openings, and the figures that follow. Pure: no clock, no network, no chain. Invariant: a bundle convicts only if every
//! check holds and two drawn units are wrong; anything that the fisher could have made up makes it void instead.

mod binding;
mod claim;
mod conversation;
mod remedy;
mod stamps;
mod wire;

pub use binding::Bound;
pub use claim::{Expectation, Measured, claims, expected, measure};
pub use conversation::Stage;
pub use remedy::{remedy, step_name};
pub use stamps::{Agreement, Comparison, compare, session_head};

use std::sync::Arc;

use gpux_proto::evidence::{Bundle, DeviceKind, Hello, Step, TranscriptFrame, Window};
use gpux_proto::frames::Chains;
use gpux_proto::signing::VerifyingKey;

use crate::plan::{Market, Plan, plan};
use crate::probe::{Parameters, ProbeId};
use crate::release::Release;
use crate::session;

/// What a verifier accepts.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which market's parameters and devices.
    pub market: Market,
    /// The chain's id.
    pub chain_id: u64,
    /// The Rentals contract.
    pub rentals: [u8; 20],
    /// Accepted releases of the worker. Without any, a development market accepts every worker that is no variant, which
    /// the check says, and a production market none.
    pub releases: Vec<Arc<Release>>,
}

/// How far a bundle is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything but the recomputation of what was drawn: no arithmetic of the probe.
    Transcript,
    /// The drawn units too.
    Recompute,
}

/// One check and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// Values, or why it does not hold.
    pub detail: String,
}

/// Where and how the host failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: Step,
    /// What happened.
    pub detail: String,
}

/// What a bundle shows.
#[derive(Clone, Debug, Default)]
pub struct Examination {
    /// Every check in order; those after one that makes the rest meaningless are absent.
    pub checks: Vec<Check>,
    /// The probe, once its parameters were read.
    pub probe: Option<ProbeId>,
    /// The device that answered.
    pub device: Option<DeviceKind>,
    /// What a round computed.
    pub parameters: Option<Parameters>,
    /// Timed windows that ended, by the fisher's clock.
    pub windows: Vec<Window>,
    /// The work of each of those windows, in the probe's unit, of all devices together.
    pub work: Vec<u128>,
    /// Bytes that were filled, scale included (memory probes).
    pub bytes: u64,
    /// Units drawn.
    pub drawn: u32,
    /// Drawn units whose bits are wrong, if recomputed.
    pub wrong: Vec<u64>,
    /// The host's failure, if it failed.
    pub failure: Option<Failure>,
    /// What was waited for, if the failure is that the frames end there: the only one that no signed frame shows.
    pub silent_at: Option<Stage>,
    /// The place of the frame that completed ROOT: what is after it is not timed.
    pub root_frame: Option<usize>,
    /// Whether the bundle convicts: every check holds and at least two drawn units are wrong.
    pub convicts: bool,
}

/// How many wrong drawn units convict: a single soft error on memory without ECC convicts nobody.
pub const CONVICTING_UNITS: usize = 2;

impl Examination {
    /// Whether every check holds: the bundle is evidence at all.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    /// The first check that does not hold.
    #[must_use]
    pub fn first_unsound(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.holds)
    }

    fn check(&mut self, name: &'static str, result: Result<String, String>) -> bool {
        let (holds, detail) = match result {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        self.checks.push(Check { name, holds, detail });
        holds
    }
}

/// Checks a bundle. Never fails: whatever is wrong stands in the checks or in the failure.
#[must_use]
pub fn examine(bundle: &Bundle, rules: &Rules, depth: Depth) -> Examination {
    examine_by(bundle, rules, depth, Clock::Renter)
}

/// The same for a bundle whose frames carry the times of another clock.
fn examine_by(bundle: &Bundle, rules: &Rules, depth: Depth, clock: Clock) -> Examination {
    let mut examination = Examination::default();
    let Some(bound) = binding::check(bundle, rules, &mut examination) else { return examination };
    let manner = Manner { asked: Asked::By(rules.market), depth, clock };
    frames(&bundle.frames, &bound, manner, &mut examination);
    examination.convicts = examination.is_sound() && examination.wrong.len() >= CONVICTING_UNITS;
    examination
}

/// Checks the session of a machine with itself: the same conversation, draw and recomputation, by a plan of any length,
/// without node, offer and rental. It convicts nobody.
#[must_use]
pub fn examine_session(transcript: &[TranscriptFrame], bound: &Bound, plan: &Plan) -> Examination {
    let mut examination = Examination::default();
    let manner = Manner { asked: Asked::For(*plan), depth: Depth::Recompute, clock: Clock::Renter };
    frames(transcript, bound, manner, &mut examination);
    examination
}

/// What the renter may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The plans of a market.
    By(Market),
    /// This plan.
    For(Plan),
}

impl Asked {
    fn plan(&self, probe: ProbeId) -> Option<Plan> {
        match self {
            Self::By(market) => plan(probe, *market),
            Self::For(plan) => Some(*plan).filter(|plan| plan.probe == probe),
        }
    }
}

/// Where the clock stands that timed the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// With the renter, who keeps the plan's windows by it.
    Renter,
    /// With a relay, by which every window is shorter by the way between renter and relay.
    Relay,
}

/// How frames are checked.
#[derive(Clone, Copy, Debug)]
struct Manner {
    asked: Asked,
    depth: Depth,
    clock: Clock,
}

/// Checks frames, conversation and openings.
fn frames(transcript: &[TranscriptFrame], bound: &Bound, manner: Manner, examination: &mut Examination) {
    let mut conversation = conversation::Conversation::new(bound.secret_digest, manner.asked, manner.clock);
    let walked = walk(transcript, bound, &mut conversation);
    let held = walked.as_ref().map(|frames| format!("{frames} frames, each signed over both chains"));
    examination.check("frames", held.map_err(Clone::clone));
    examination.probe = conversation.parameters.map(|parameters| parameters.probe);
    examination.parameters = conversation.parameters;
    examination.device = conversation.device;
    examination.windows = std::mem::take(&mut conversation.windows);
    examination.work = conversation.work();
    examination.bytes = conversation.resident_bytes();
    if walked.is_err() {
        return;
    }
    examination.root_frame = conversation.root_frame;
    if conversation.failure.is_none() && conversation.void.is_none() {
        conversation.end();
        examination.silent_at = conversation.failure.is_some().then_some(conversation.stage);
    }
    if let Some(detail) = conversation.void.clone() {
        examination.check("conversation", Err(detail));
        return;
    }
    examination.check("conversation", Ok(format!("ended at {:?}", conversation.stage)));
    examination.failure = conversation.failure.take();
    match conversation.device_fits() {
        Ok(kind) => _ = examination.check("device", Ok(kind)),
        // The kind is the host's word. Were a bundle void for it, a host that is too slow could say so and never score.
        Err(detail) => {
            (examination.device, examination.silent_at) = (None, None);
            examination.failure = Some(Failure { step: Step::Prepare, detail });
        }
    }
    if examination.failure.is_none() {
        openings(&conversation, manner.depth, examination);
    }
}

/// Walks the frames of both sides through their chains and the conversation.
fn walk(
    transcript: &[TranscriptFrame],
    bound: &Bound,
    conversation: &mut conversation::Conversation,
) -> Result<usize, String> {
    use gpux_proto::evidence::Direction;
    use gpux_proto::frames::Side;
    let mut chains = Chains::new(bound.open_id);
    let mut time_us = 0;
    for (index, entry) in transcript.iter().enumerate() {
        let (side, key): (Side, &VerifyingKey) = match entry.direction() {
            Direction::Renter => (Side::Renter, &bound.session_key),
            Direction::Node => (Side::Node, &bound.node_key),
            Direction::Unspecified => return Err(format!("frame {index} has no direction")),
        };
        let frame = entry.frame.as_ref().ok_or_else(|| format!("frame {index} is missing"))?;
        chains.receive(side, frame, key).map_err(|error| format!("frame {index}: {error}"))?;
        if entry.time_us < time_us {
            return Err(format!("frame {index} is older than the one before it"));
        }
        time_us = entry.time_us;
        let before = conversation.stage;
        conversation.frame(side, frame, time_us, &chains);
        if before == Stage::Root && conversation.stage == Stage::Reveal {
            conversation.root_frame = Some(index);
        }
    }
    Ok(transcript.len())
}

fn openings(conversation: &conversation::Conversation, depth: Depth, examination: &mut Examination) {
    let fail = |detail: String| Some(Failure { step: Step::Opening, detail });
    let (claimed, draw, openings) = match conversation.claimed() {
        Ok(claimed) => claimed,
        Err(detail) => {
            examination.failure = fail(detail);
            return;
        }
    };
    examination.drawn = openings.len() as u32;
    let result = match depth {
        Depth::Transcript => session::check_session(&claimed, &draw, &openings).map(|_| Vec::new()),
        Depth::Recompute => session::verify_session(&claimed, &draw, &openings).map(|verified| verified.wrong),
    };
    match result {
        Ok(wrong) => examination.wrong = wrong,
        Err(error) => examination.failure = fail(error.to_string()),
    }
    if !examination.wrong.is_empty() {
        let detail = format!("wrong results in {} of {} drawn units", examination.wrong.len(), examination.drawn);
        examination.failure = Some(Failure { step: Step::Verify, detail });
    }
}

/// Reads the Hello of a bundle without checking anything; for finding which rental and node it speaks of.
pub fn hello(bundle: &Bundle) -> Result<Hello, gpux_proto::signing::Error> {
    let signed = gpux_proto::bytes::present("hello", &bundle.hello)?;
    gpux_proto::signing::open(gpux_proto::signing::Domain::Hello, signed)
}

#[cfg(test)]
mod tests;
