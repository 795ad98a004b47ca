//! Provers that answer with what was said before, or whose frames are not what they signed.

use std::time::Duration;

use gpux_kernels::{Digest, ProbeId};
use gpux_proto::evidence::{Frame, Open, Pong, job_output::Message};

use super::{
    prover::{Honest, Prover, Round},
    random::Random,
    stage::Claim,
    table::{Column, Row},
    worker::{Made, Work},
};

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    let two = Claim { count: 2, ..imma };
    let frames = |name, how| Row::prover(name, imma, Column::None, move |_| Frames { how, held: None });
    let old = |name, how| {
        Row::new(name, imma, Column::None, move |stage, seed| {
            let mut before = stage.host(Recorder::default());
            stage.session(&Random::new(seed, "the session before").bytes(), &mut before);
            let made = before.job.map(|job| job.made).unwrap_or_default();
            stage.play(seed, Old { how, said: before.prover.0, made, next: 0 })
        })
    };
    vec![
        old("replays an old transcript's frames", Replay::Frames),
        old("signs an old transcript anew", Replay::Messages),
        old("answers with another rental's results", Replay::Results),
        Row::prover("answers with another device's results", two, Column::None, |_| Device::default()),
        Row::prover("names another rental's hello in OPEN", imma, Column::None, |seed| Foreign(*seed)),
        frames("reorders frames", How::Reorder),
        frames("edits a signed frame", How::Edit),
        frames("withholds the signature over ROOT", How::Unsigned),
        frames("withholds ROOT", How::Withhold),
    ]
}

/// Keeps the frames of an honest session.
#[derive(Debug, Default)]
struct Recorder(Vec<(Message, Frame)>);

impl Prover for Recorder {
    fn frames(&mut self, frame: Frame, message: &Message) -> Vec<Frame> {
        self.0.push((message.clone(), frame.clone()));
        vec![frame]
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Replay {
    /// The frames with their old signatures.
    Frames,
    /// The messages in new frames.
    Messages,
    /// The rounds' results, in the order in which this session wants them.
    Results,
}

/// Answers with an earlier session of the same node.
#[derive(Debug)]
struct Old {
    how: Replay,
    said: Vec<(Message, Frame)>,
    made: Made,
    next: usize,
}

impl Prover for Old {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let window = self.made.rounds.get(round.window).and_then(|devices| devices.first());
        match window.and_then(|rounds| rounds.get(round.number)) {
            Some(old) if self.how == Replay::Results => old.leaves.clone(),
            _ => Honest.leaves(work, round),
        }
    }

    fn say(&mut self, _: &mut Duration, message: &mut Message, _: &mut Work, _: &Made) -> bool {
        if self.how == Replay::Messages
            && let Some((old, _)) = self.said.get(self.next)
        {
            *message = old.clone();
            self.next += 1;
        }
        true
    }

    fn frames(&mut self, frame: Frame, _: &Message) -> Vec<Frame> {
        if self.how != Replay::Frames {
            return vec![frame];
        }
        let old = self.said.get(self.next).map(|(_, old)| old.clone());
        self.next += 1;
        old.into_iter().collect()
    }
}

/// Has one card, names two, and gives the first one's results as the second's.
#[derive(Debug, Default)]
struct Device(Vec<Vec<Digest>>);

impl Prover for Device {
    fn devices(&self) -> u32 {
        2
    }

    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        if round.device == 0 {
            let leaves = Honest.leaves(work, round);
            if round.number == 0 {
                self.0.clear();
            }
            self.0.push(leaves.clone());
            return leaves;
        }
        self.0.get(round.number).cloned().unwrap_or_else(|| Honest.leaves(work, round))
    }
}

/// Opens a session that another rental asked for.
#[derive(Debug)]
struct Foreign(Digest);

impl Prover for Foreign {
    fn open(&mut self, open: &mut Open) {
        open.hello = self.0.to_vec();
    }
}

#[derive(Debug, Clone, Copy)]
enum How {
    Reorder,
    Edit,
    Unsigned,
    Withhold,
}

/// Computes honestly and meddles with frames.
#[derive(Debug)]
struct Frames {
    how: How,
    held: Option<Frame>,
}

impl Prover for Frames {
    fn say(&mut self, _: &mut Duration, message: &mut Message, _: &mut Work, _: &Made) -> bool {
        !(matches!(self.how, How::Withhold) && matches!(message, Message::Root(_)))
    }

    fn frames(&mut self, mut frame: Frame, message: &Message) -> Vec<Frame> {
        match (self.how, message) {
            (How::Reorder, Message::RoundRoots(_)) => {
                self.held = Some(frame);
                Vec::new()
            }
            (How::Reorder, Message::Openings(_)) => [frame].into_iter().chain(self.held.take()).collect(),
            (How::Edit, Message::Pong(Pong { window: 1, .. })) => {
                if let Some(byte) = frame.data.last_mut() {
                    *byte ^= 1;
                }
                vec![frame]
            }
            (How::Unsigned, Message::Root(_)) => {
                frame.signature.clear();
                vec![frame]
            }
            _ => vec![frame],
        }
    }
}
