//! Provers that play with time: what they can delay, what they say of their own clock, and when they give up.

use std::time::Duration;

use gpux_kernels::ProbeId;
use gpux_proto::evidence::{Open, ReadyDevice, job_output::Message};

use super::{
    prover::Prover,
    stage::{Claim, WALL},
    table::{Column, Row},
    worker::{Made, Work},
};

/// How long pongs are held: most of what lies between two pings, and far below their deadline.
const HELD: Duration = Duration::from_millis(30);
/// A clock that runs so many times too fast makes an hour of a session.
const FAST: u32 = 4;
/// The share of the claimed speed that a host with a lesser card has.
const SLOW: f64 = 0.5;

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    vec![
        Row::prover("delays pongs", imma, Column::Gain(1.0), |_| DelaysPongs),
        Row::prover("reports its own fast clock", imma, Column::Gain(1.0), |_| FastClock),
        Row::prover("counts rounds by its own fast clock", imma, Column::None, |_| FastCount),
        Row::prover("hangs when it is slow", imma, Column::None, |_| Aborts { how: Abort::Hangs }),
        Row::prover("says that its job failed when it is slow", imma, Column::None, |_| Aborts { how: Abort::Fails }),
    ]
}

/// Answers late, so that round trips look long, and works meanwhile.
#[derive(Debug)]
struct DelaysPongs;

impl Prover for DelaysPongs {
    fn patience(&self) -> Duration {
        HELD
    }
}

/// States a time and a name that make it look fast.
#[derive(Debug)]
struct FastClock;

impl Prover for FastClock {
    fn open(&mut self, open: &mut Open) {
        let seconds = (WALL * FAST).as_secs() as i64;
        open.open_time = Some(pbjson_types::Timestamp { seconds, nanos: 0 });
    }

    fn ready(&mut self, device: &mut ReadyDevice) {
        device.name = "GeForce RTX 5090".into();
    }
}

/// Counts the rounds that its clock would have had time for, and makes them up after the window.
#[derive(Debug)]
struct FastCount;

impl Prover for FastCount {
    fn claimed(&self, made: u32) -> u32 {
        made * FAST
    }
}

#[derive(Debug, Clone, Copy)]
enum Abort {
    Hangs,
    Fails,
}

/// Has half of the claimed speed, sees it in the second window, and ends the session there.
#[derive(Debug)]
struct Aborts {
    how: Abort,
}

impl Prover for Aborts {
    fn length(&mut self, honest: Duration) -> Duration {
        honest.div_f64(SLOW)
    }

    fn say(&mut self, _: &mut Duration, message: &mut Message, _: &mut Work, made: &Made) -> bool {
        let late = made.rounds.len() > 1;
        match self.how {
            Abort::Hangs => !late,
            Abort::Fails if late => {
                let word = "CUDA error: the launch timed out";
                *message = Message::Failure(gpux_proto::evidence::Failure { message: word.into() });
                true
            }
            Abort::Fails => true,
        }
    }
}
