//! Compares what a fisher reported with what a relay's stamps say of the same session.
//!
//! Owns the rules of an audit. Pure: a bundle, stamps and a report in, a finding out, whatever anybody wrote into them.
//! What the node signed speaks for itself and needs no stamps; times and silences are a fisher's word, so the relay's
//! replace them. Its invariant: a fisher who kept every frame and every time agrees with honest stamps, and whoever is
//! not shown to have lied is never said to.

use std::collections::HashMap;
use std::time::Duration;

use gpux_proto::bytes::present;
use gpux_proto::evidence::{Bundle, Descriptor, Direction, EndedBy, Outcome, Report, Stamps};
use gpux_proto::frames::{Chains, Side};
use gpux_proto::signing::{self, Domain};

use super::{Clock, Depth, Examination, Rules, Stage, examine, examine_by, expected, measure};
use crate::measure::{RATIO_ONE, Ratio};
use crate::plan::plan;
use crate::probe::ProbeId;

/// How far x may lie from the stamps, in hundredths (design/scoring.md section 10).
const TOLERANCE_PERCENT: u32 = 10;
/// The share of a deadline that must have passed: the relay sees a session's end before the fisher's clock runs out.
const WAITED_PERCENT: u32 = 90;

/// What an audit says of the fisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The report and the stamps say the same.
    Agrees,
    /// They do not.
    Disagrees,
    /// The stamps say nothing.
    Inconclusive,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What it says of the fisher.
    pub agreement: Agreement,
    /// x by the stamps; `None` if they say nothing of the node.
    pub ratio: Option<Ratio>,
    /// Why, in a sentence.
    pub detail: String,
}

impl Comparison {
    fn new(agreement: Agreement, ratio: Option<Ratio>, detail: impl Into<String>) -> Self {
        Self { agreement, ratio, detail: detail.into() }
    }

    /// An audit that says nothing of either.
    #[must_use]
    pub fn inconclusive(detail: impl Into<String>) -> Self {
        Self::new(Agreement::Inconclusive, None, detail)
    }
}

/// The head of a session's first frame from the renter, by which its stamps are found: renter and relay know it, and no
/// other session has it, since the chain starts at OPEN's id.
#[must_use]
pub fn session_head(bundle: &Bundle) -> Option<[u8; 32]> {
    let heads = heads(bundle)?;
    heads.into_iter().find(|(side, _)| *side == Side::Renter).map(|(_, head)| head)
}

/// Compares a report, which fits its bundle, with the stamps of the relay that it names.
#[must_use]
pub fn compare(bundle: &Bundle, stamps: Option<&Stamps>, report: &Report, rules: &Rules) -> Comparison {
    if report.outcome() == Outcome::Inconclusive {
        return Comparison::inconclusive("the fisher says that his session says nothing");
    }
    let shown = examine(bundle, rules, Depth::Recompute);
    if let Some(check) = shown.first_unsound() {
        return Comparison::inconclusive(format!("the bundle is no evidence: {}", check.name));
    }
    let passed = report.outcome() == Outcome::Pass;
    match (&shown.failure, shown.silent_at) {
        // Wrong bits, a broken protocol: the node's own signature says it, and no clock is asked.
        (Some(failure), None) => {
            let agreement = if passed { Agreement::Disagrees } else { Agreement::Agrees };
            Comparison::new(agreement, Some(Ratio::ZERO), format!("the node's frames show: {}", failure.detail))
        }
        (failure, _) if failure.is_some() == passed => {
            Comparison::new(Agreement::Disagrees, None, "the bundle shows another outcome than the report")
        }
        (_, silent_at) => {
            let Some(stamped) = stamps.and_then(|stamps| Stamped::new(bundle, stamps)) else {
                return Comparison::inconclusive("there are no stamps of this session");
            };
            match silent_at {
                Some(stage) => stamped.silence(stage, &shown, rules),
                None => stamped.times(&shown, report, rules),
            }
        }
    }
}

/// A bundle's frames beside the stamps of its session.
struct Stamped<'a> {
    bundle: &'a Bundle,
    stamps: &'a Stamps,
    /// When each frame of the bundle passed the relay, if it did.
    passed_us: Vec<Option<u64>>,
    /// Whether the relay saw a frame that the bundle lacks.
    lacks: bool,
}

impl<'a> Stamped<'a> {
    /// `None` if the frames make no chains, which no sound bundle's do.
    fn new(bundle: &'a Bundle, stamps: &'a Stamps) -> Option<Self> {
        let heads = heads(bundle)?;
        let mut passed = HashMap::with_capacity(stamps.stamps.len());
        for stamp in &stamps.stamps {
            let side = match stamp.direction() {
                Direction::Renter => Side::Renter,
                Direction::Node => Side::Node,
                Direction::Unspecified => continue,
            };
            passed.entry((side as u8, stamp.head.as_slice())).or_insert(stamp.time_us);
        }
        let time = |(side, head): &(Side, [u8; 32])| passed.get(&(*side as u8, head.as_slice())).copied();
        let passed_us: Vec<_> = heads.iter().map(time).collect();
        let lacks = passed_us.iter().flatten().count() < passed.len();
        Some(Self { bundle, stamps, passed_us, lacks })
    }

    /// Compares x of a session that passed.
    fn times(&self, shown: &Examination, report: &Report, rules: &Rules) -> Comparison {
        let timed = shown.root_frame.map_or(self.passed_us.len(), |root| root + 1);
        if let Some(frame) = self.passed_us[..timed].iter().position(Option::is_none) {
            return Comparison::inconclusive(format!("frame {frame} has no stamp"));
        }
        let mut by_relay = self.bundle.clone();
        let mut last = 0;
        for (frame, passed_us) in by_relay.frames.iter_mut().zip(&self.passed_us) {
            // What crossed on the way has another order at the relay; the conversation's order is the fisher's.
            last = passed_us.map_or(last, |time| last.max(time));
            frame.time_us = last;
        }
        let (Some(probe), Some(descriptor)) = (shown.probe, descriptor(self.bundle)) else {
            return Comparison::inconclusive("the bundle names no probe");
        };
        let Some(expectation) = expected(&descriptor, probe, rules.market) else {
            return Comparison::inconclusive("the descriptor makes no claim that was tested");
        };
        let timed = examine_by(&by_relay, rules, Depth::Transcript, Clock::Relay);
        if !timed.is_sound() || timed.failure.is_some() {
            return Comparison::inconclusive("the stamps make no session");
        }
        let ratio = measure(&timed, &expectation).ratio;
        let near = near(report.x_lower, ratio.lower.into());
        let agreement = if near { Agreement::Agrees } else { Agreement::Disagrees };
        let detail = format!("x is {}/64 by the stamps and {}/64 by the report", ratio.lower, report.x_lower);
        Comparison::new(agreement, Some(ratio), detail)
    }

    /// Judges whether a node fell silent, or was made to look so.
    fn silence(&self, stage: Stage, shown: &Examination, rules: &Rules) -> Comparison {
        if self.lacks {
            let detail = "the relay saw a frame that the bundle leaves out";
            return Comparison::new(Agreement::Disagrees, None, detail);
        }
        let ended_by = self.stamps.ended_by();
        // The frame that a fisher tried to send into a closed stream never reached the relay.
        let reached = self.passed_us.iter().rposition(Option::is_some).map_or(0, |frame| frame + 1);
        let sides: Vec<_> = self.bundle.frames.iter().map(|frame| frame.direction()).collect();
        let unsent = self.passed_us.len() - reached;
        let tried = ended_by == EndedBy::Node && sides[reached..].iter().all(|side| *side == Direction::Renter);
        if reached == 0 || self.passed_us[..reached].iter().any(Option::is_none) || (unsent > 0 && !tried) {
            return Comparison::inconclusive("a frame before the silence has no stamp");
        }
        let asked = sides.iter().zip(&self.passed_us).rev().find(|(side, _)| **side == Direction::Renter);
        let (asked_us, end_us) = (asked.and_then(|(_, time)| *time).unwrap_or(0), self.stamps.end_us);
        let waited = Duration::from_micros(end_us.saturating_sub(asked_us));
        let deadline = shown.probe.and_then(|probe| deadline(probe, stage, rules)).unwrap_or(Duration::MAX);
        let silent = |detail| Comparison::new(Agreement::Agrees, Some(Ratio::ZERO), detail);
        match ended_by {
            EndedBy::Node => silent("the node ended the session"),
            EndedBy::Renter if waited >= deadline / 100 * WAITED_PERCENT => {
                silent("the node was silent to its deadline")
            }
            EndedBy::Renter => {
                let detail = format!("the renter left after {} ms of {}", waited.as_millis(), deadline.as_millis());
                Comparison::new(Agreement::Disagrees, None, detail)
            }
            EndedBy::Relay | EndedBy::Unspecified => Comparison::inconclusive("the relay ended the session"),
        }
    }
}

/// Whether two x in 64ths lie at most a tenth apart.
pub(super) fn near(reported: u32, stamped: u32) -> bool {
    let apart = u64::from(reported.abs_diff(stamped));
    apart * 100 <= u64::from(RATIO_ONE) * u64::from(TOLERANCE_PERCENT)
}

/// How long a fisher waits at a stage.
fn deadline(probe: ProbeId, stage: Stage, rules: &Rules) -> Option<Duration> {
    let deadlines = plan(probe, rules.market)?.deadlines;
    match stage {
        Stage::Ready => Some(deadlines.prepare),
        Stage::Window => Some(deadlines.pong),
        Stage::Root => Some(deadlines.root),
        Stage::Openings => Some(deadlines.openings),
        Stage::Prepare | Stage::Challenge | Stage::Reveal | Stage::Done => None,
    }
}

/// The head of every frame, in the bundle's order; `None` if a frame cannot be one.
pub(super) fn heads(bundle: &Bundle) -> Option<Vec<(Side, [u8; 32])>> {
    let open = bundle.open.as_ref()?;
    let mut chains = Chains::new(signing::id(Domain::Open, &open.payload));
    let mut heads = Vec::with_capacity(bundle.frames.len());
    for frame in &bundle.frames {
        let side = match frame.direction() {
            Direction::Renter => Side::Renter,
            Direction::Node => Side::Node,
            Direction::Unspecified => return None,
        };
        heads.push((side, chains.follow(side, &frame.frame.as_ref()?.data).ok()?));
    }
    Some(heads)
}

fn descriptor(bundle: &Bundle) -> Option<Descriptor> {
    signing::open(Domain::Descriptor, present("descriptor", &bundle.descriptor).ok()?).ok()
}
