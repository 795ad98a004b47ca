//! What the renter says: Prepare, Challenges, Pings, Finish, Reveal.
//!
//! Owns the rules that bind him: only a plan's parameters, fresh seeds in order, windows as long as the plan's, and s only
//! after ROOT. Its invariant: whatever breaks one makes the bundle void, so that no fisher convicts by it.

use gpux_proto::bytes::array;
use gpux_proto::evidence::{Frame, JobInput, job_input};
use gpux_proto::frames::Side;
use gpux_proto::signing::{self, Domain};

use super::{Conversation, Said, Stage, Waiting, ensure};
use crate::evidence::Clock;
use crate::probe::Parameters;

impl Conversation {
    /// Hears every message that the renter's frames so far complete.
    pub(super) fn renter(&mut self, frame: &Frame, time_us: u64) -> Said {
        while let Some(input) =
            self.readers[Side::Renter as usize].take::<JobInput>().map_err(|error| error.to_string())?
        {
            match (self.stage, input.message) {
                (Stage::Prepare, Some(job_input::Message::Prepare(prepare))) => {
                    let wire = prepare.parameters.as_ref().ok_or("Prepare has no parameters")?;
                    self.prepare(Parameters::try_from(wire).map_err(|error| error.to_string())?)?;
                    self.fill_seed = array("seed", &prepare.seed).map_err(|error| error.to_string())?;
                }
                (Stage::Challenge, Some(job_input::Message::Challenge(challenge))) => {
                    ensure(challenge.window as usize == self.seeds.len(), || "a window is out of order".into())?;
                    // Each seed is compared with all before it.
                    let most = self.plan.as_ref().map_or(0, |plan| plan.windows as usize);
                    ensure(self.seeds.len() < most, || format!("more windows than {most}"))?;
                    let seed = array("seed", &challenge.seed).map_err(|error| error.to_string())?;
                    ensure(!self.seeds.contains(&seed) && seed != self.fill_seed, || "a seed was used twice".into())?;
                    self.seeds.push(seed);
                    (self.started_us, self.round_trips, self.waiting) = (time_us, 0, None);
                    self.made = vec![0; self.cells.len()];
                    self.stage = Stage::Window;
                }
                (Stage::Window, Some(job_input::Message::Ping(ping))) => {
                    ensure(self.waiting.is_none(), || "a Ping before the last one's Pong".into())?;
                    self.waiting = Some(Waiting { nonce: ping.nonce, last: ping.last });
                }
                (Stage::Challenge, Some(job_input::Message::Finish(_))) => {
                    self.conforms()?;
                    self.stage = Stage::Root;
                }
                (Stage::Reveal, Some(job_input::Message::Reveal(reveal))) => {
                    // The node must have signed ROOT before it saw s, and both said so: the Reveal's frame has seen ROOT's.
                    ensure(frame.seen >= self.root_frames, || "s was revealed before ROOT was signed".into())?;
                    ensure(signing::id(Domain::Secret, &reveal.secret) == self.secret_digest, || {
                        "the revealed s is not the one that the hello committed to".into()
                    })?;
                    // A job that is told another head would open other units than the draw, and its host would look guilty.
                    let openings = self.plan.as_ref().map(|plan| plan.openings);
                    ensure(reveal.head == self.head_after_root && Some(reveal.openings) == openings, || {
                        "the Reveal names another head or number of openings than the session's".into()
                    })?;
                    self.secret = array("secret", &reveal.secret).map_err(|error| error.to_string())?;
                    self.stage = Stage::Openings;
                }
                (stage, _) => return Err(format!("the renter spoke out of turn at {stage:?}")),
            }
        }
        Ok(())
    }

    /// Only the plan's parameters are inside what is cleared to convict: a fisher may not choose inexact ones.
    fn prepare(&mut self, parameters: Parameters) -> Said {
        let plan = self.asked.plan(parameters.probe).ok_or_else(|| format!("no plan for {}", parameters.probe))?;
        ensure(plan.parameters == parameters, || {
            format!("the parameters are not those of the plan for {}", plan.probe)
        })?;
        (self.parameters, self.plan) = (Some(parameters), Some(plan));
        self.stage = Stage::Ready;
        Ok(())
    }

    fn conforms(&self) -> Said {
        let Some(plan) = &self.plan else { return Err("nothing was prepared".into()) };
        ensure(self.windows.len() == plan.windows as usize, || {
            format!("{} windows, not {}", self.windows.len(), plan.windows)
        })?;
        for (index, window) in self.windows.iter().enumerate() {
            // The renter kept the plan by his own clock, which ingest has checked; a relay sees less of each window.
            let long_enough = self.clock == Clock::Relay || u128::from(window.duration_us) >= plan.window.as_micros();
            ensure(long_enough && window.round_trips >= plan.pings, || {
                format!("window {index} is shorter or has fewer round trips than the plan")
            })?;
        }
        Ok(())
    }
}
