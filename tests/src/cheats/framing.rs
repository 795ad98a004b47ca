//! Fishers who want an honest node convicted. The node computes whatever the job computes and signs all of it; what the
//! fisher did to the job, the parameters, the draw or the sandbox must show in the bundle. Convictions are those of
//! `gpux_kernels::evidence::examine`, which verify-evidence runs.

use gpux_kernels::{
    Digest, ProbeId,
    evidence::{Examination, step_name},
};
use gpux_proto::evidence::Open;

use super::{
    framer::frame,
    prover::{Honest, Prover, Round},
    stage::Claim,
    table::{Column, Played, Row},
    tiles::Skips,
    worker::Work,
};

/// What a fisher does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Trick {
    /// Nothing: what is wrong is the node's own doing.
    #[cfg(test)]
    Nothing,
    /// Uploads a worker of his own, which computes wrongly, and names the release.
    ForgedWorker,
    /// The same, and names a variant of the release.
    ForgedVariant,
    /// Asks for parameters whose results are not exact everywhere.
    Inexact,
    /// Reveals another s than he committed to, one that draws the units in which memory erred.
    ChosenSecret,
    /// Tells the job another head, whose draw contains those units.
    ChosenHead,
    /// Sets a variable that changes what the worker loads.
    Poisoned,
    /// Runs a job before, which leaves something behind.
    SecondJob,
}

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    let framed = |name, trick| {
        Row::new(name, imma, Column::NoConviction, move |stage, seed| match trick {
            // All that is wrong is what two soft errors left.
            Trick::ChosenSecret | Trick::ChosenHead => played(&frame(stage, seed, Errors(2), trick)),
            Trick::SecondJob => played(&frame(stage, seed, Second, trick)),
            _ => played(&frame(stage, seed, Wrong, trick)),
        })
    };
    vec![
        framed("frames: uploads a forged worker", Trick::ForgedWorker),
        framed("frames: names a variant that is none", Trick::ForgedVariant),
        framed("frames: asks for inexact parameters", Trick::Inexact),
        framed("frames: chooses s after ROOT", Trick::ChosenSecret),
        framed("frames: tells the job another head", Trick::ChosenHead),
        framed("frames: poisons the sandbox", Trick::Poisoned),
        framed("frames: runs a job before", Trick::SecondJob),
        Row::prover("frames: waits for a single soft error", imma, Column::NoConviction, |_| Errors(1)),
    ]
}

/// A node whose job computes wrongly, whoever's doing that is.
#[derive(Debug)]
struct Wrong;

impl Prover for Wrong {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let units = work.units[round.device as usize] as usize;
        (0..units).map(|unit| Skips::made_up(unit, units)).collect()
    }
}

/// An honest node whose memory errs: a bit of one tile in each of the first rounds of the first window.
#[derive(Debug)]
struct Errors(usize);

/// The unit of each of those rounds that is wrong.
pub(super) const WRONG: usize = 3;

impl Prover for Errors {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let mut leaves = Honest.leaves(work, round);
        if round.window == 0 && round.number < self.0 {
            leaves[WRONG][0] ^= 1;
        }
        leaves
    }
}

/// A node that computes wrongly because of an earlier job in its sandbox, and says truly that there was one.
#[derive(Debug)]
struct Second;

impl Prover for Second {
    fn open(&mut self, open: &mut Open) {
        open.ordinal = 2;
    }

    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        Wrong.leaves(work, round)
    }
}

fn played(shown: &Examination) -> Played {
    let unsound = shown.first_unsound().map(|check| format!("void: {}: {}", check.name, check.detail));
    let failed = shown.failure.as_ref().map(|failure| format!("{}: {}", step_name(failure.step), failure.detail));
    let caught = unsound.or(failed);
    Played { passed: caught.is_none(), convicted: shown.convicts, caught, rate: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cheats::stage::Stage;

    #[test]
    fn the_same_bits_convict_where_the_fisher_plays_no_trick() {
        let stage = Stage::new(Claim::of(ProbeId::Imma)).unwrap();
        let shown = frame(&stage, &[1; 32], Wrong, Trick::Nothing);
        assert!(shown.convicts, "{shown:?}");
        let shown = frame(&stage, &[1; 32], Honest, Trick::Nothing);
        assert!(shown.is_sound() && shown.failure.is_none() && !shown.convicts, "{shown:?}");
    }
}
