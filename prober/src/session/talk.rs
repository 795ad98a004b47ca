//! What fisher and job say to each other: Prepare, windows of Challenge, Ping and Pong, Finish, ROOT, Reveal and openings.
//! Checks only what it needs to go on and to stay bounded; the finding is made from the bundle alone, by
//! `gpux_kernels::evidence::examine`. Invariant: s leaves this process only after the node's signature over the head that
//! contains ROOT is held.
use super::{Failure, Fault, Stage, Watch, link::Link, outside::Outside};
use crate::lock::{Held, MachineLock, Mode};
use gpux_kernels::{plan::Plan, session::Layout};
use gpux_proto::{
    evidence::{
        Challenge, Finish, JobInput, JobOutput, Parameters, Ping, Pong, Prepare, Ready, ReadyDevice, Reveal, Root,
        Step, job_input, job_output,
    },
    node::Closed,
};
use std::time::Duration;

/// The most devices of a node, as Ready's format says.
const DEVICES_MAX: usize = 64;
/// How long a session waits for the machine lock; longer is this machine's fault and nobody's failure.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(120);

/// What one conversation needs.
pub(super) struct Talk<'a> {
    /// What is asked.
    pub(super) plan: &'a Plan,
    /// s.
    pub(super) secret: [u8; 32],
    /// What keeps other timed sessions of this machine away.
    pub(super) lock: Option<&'a MachineLock>,
    /// Who watches.
    pub(super) watch: &'a Watch,
}

impl Talk<'_> {
    /// Holds the whole conversation.
    pub(super) async fn run<O: Outside>(&self, link: &mut Link<O>) -> Result<(), Failure> {
        let held = self.acquire().await?;
        let units = self.prepare(link).await?;
        let mut rounds = Vec::new();
        for window in 0..self.plan.windows {
            (self.watch)(Stage::Window { window, windows: self.plan.windows });
            rounds.push(self.window(link, window, units.len()).await?);
        }
        let head = self.root(link, &rounds.concat()).await?;
        let units = Layout { units, rounds: &rounds }.units();
        let drawn = gpux_kernels::draw(&self.secret, &head, units, self.plan.openings);
        drop(held);
        (self.watch)(Stage::Openings);
        self.openings(link, &rounds.concat(), (head, &drawn)).await
    }

    async fn acquire(&self) -> Result<Option<Held>, Failure> {
        let Some(lock) = self.lock else { return Ok(None) };
        (self.watch)(Stage::Waiting);
        let mode = if self.plan.probe.on_host() { Mode::Exclusive } else { Mode::Shared };
        match tokio::time::timeout(LOCK_WAIT_MAX, lock.acquire(mode)).await {
            Ok(Ok(held)) => Ok(Some(held)),
            Ok(Err(e)) => Err(Failure::new(Step::Prepare, Fault::Fisher, format!("the machine lock: {e}"))),
            Err(_) => Err(Failure::new(Step::Prepare, Fault::Fisher, "the machine lock is busy")),
        }
    }

    /// Sets the probe up and returns the units of a round of each device.
    async fn prepare<O: Outside>(&self, link: &mut Link<O>) -> Result<Vec<u32>, Failure> {
        (self.watch)(Stage::Prepare);
        let step = Step::Prepare;
        let deadline = link.now() + self.plan.deadlines.prepare;
        let parameters = Some(Parameters::from(&self.plan.parameters));
        let prepare = Prepare { parameters, seed: link.random(step)?.to_vec() };
        link.send(step, &input(job_input::Message::Prepare(prepare)), deadline).await?;
        match answer(step, link.next(step, deadline).await?)? {
            job_output::Message::Ready(Ready { devices }) if (1..=DEVICES_MAX).contains(&devices.len()) => {
                let of = |device: &ReadyDevice| match self.plan.parameters.allows_cells(device.cells) {
                    true => Ok(self.plan.parameters.units_per_round(device.cells)),
                    false => Err(Failure::host(step, format!("a device claims {} cells", device.cells))),
                };
                devices.iter().map(of).collect()
            }
            job_output::Message::Ready(Ready { devices }) => {
                Err(Failure::host(step, format!("{} devices are ready, not 1 to {DEVICES_MAX}", devices.len())))
            }
            other => Err(unexpected(step, &other)),
        }
    }

    /// Runs one window and returns the rounds of each device.
    async fn window<O: Outside>(&self, link: &mut Link<O>, window: u32, devices: usize) -> Result<Vec<u32>, Failure> {
        let (step, pings) = (Step::Window, self.plan.pings.max(1));
        let seed = link.random(step)?.to_vec();
        let first_nonce = u64::from_le_bytes(link.random(step)?[..8].try_into().unwrap_or_default());
        let challenge = input(job_input::Message::Challenge(Challenge { window, seed }));
        let deadline = link.now() + self.plan.deadlines.pong;
        link.send(step, &challenge, deadline).await?;
        let start = link.now();
        let mut rounds = vec![0; devices];
        for ping in 1..=pings {
            link.sleep_until(start + self.plan.window * ping / pings).await;
            let nonce = first_nonce.wrapping_add(ping.into());
            let deadline = link.now() + self.plan.deadlines.pong;
            let message = input(job_input::Message::Ping(Ping { nonce, last: ping == pings }));
            link.send(step, &message, deadline).await?;
            match answer(step, link.next(step, deadline).await?)? {
                job_output::Message::Pong(pong) => progress(&mut rounds, &pong, (nonce, window))?,
                other => return Err(unexpected(step, &other)),
            }
        }
        Ok(rounds)
    }

    /// Takes ROOT with the node's signature and returns its head.
    async fn root<O: Outside>(&self, link: &mut Link<O>, rounds: &[u32]) -> Result<[u8; 32], Failure> {
        (self.watch)(Stage::Root);
        let step = Step::Root;
        let deadline = link.now() + self.plan.deadlines.root;
        link.send(step, &input(job_input::Message::Finish(Finish {})), deadline).await?;
        match answer(step, link.next(step, deadline).await?)? {
            job_output::Message::Root(Root { root, rounds: named }) => {
                if root.len() != 32 {
                    return Err(Failure::host(step, format!("a root of {} bytes", root.len())));
                }
                if named != rounds {
                    return Err(Failure::host(step, "ROOT names other rounds than the last pongs"));
                }
            }
            other => return Err(unexpected(step, &other)),
        }
        link.seal(step)
    }

    async fn openings<O: Outside>(
        &self,
        link: &mut Link<O>,
        rounds: &[u32],
        (head, drawn): ([u8; 32], &[u64]),
    ) -> Result<(), Failure> {
        let step = Step::Opening;
        let deadline = link.now() + self.plan.deadlines.openings;
        let reveal = Reveal { secret: self.secret.to_vec(), head: head.to_vec(), openings: self.plan.openings };
        link.send(step, &input(job_input::Message::Reveal(reveal)), deadline).await?;
        let mut roots_left: u64 = rounds.iter().map(|r| u64::from(*r)).sum();
        let mut opened = 0;
        loop {
            match answer(step, link.next(step, deadline).await?)? {
                job_output::Message::RoundRoots(piece) => {
                    let (count, rest) = (piece.roots.len() as u64 / 32, piece.roots.len() % 32);
                    if count == 0 || rest != 0 || count > roots_left {
                        return Err(Failure::host(step, "rounds' roots of another number than ROOT names"));
                    }
                    roots_left -= count;
                }
                job_output::Message::Openings(piece) if roots_left == 0 => {
                    let indices = piece.openings.iter().map(|o| o.index);
                    if !indices.eq(drawn.iter().skip(opened).take(piece.openings.len()).copied()) {
                        return Err(Failure::host(step, "openings other than the draw"));
                    }
                    opened += piece.openings.len();
                    match (piece.last, opened == drawn.len()) {
                        (true, true) => break,
                        (false, false) if !piece.openings.is_empty() => {}
                        _ => return Err(Failure::host(step, format!("{opened} of {} openings", drawn.len()))),
                    }
                }
                other => return Err(unexpected(step, &other)),
            }
        }
        match link.close(step, deadline).await? {
            Closed { exit_code: Some(0), .. } => Ok(()),
            closed => Err(Failure::host(step, format!("the job ended with {}", super::link::ending(&closed)))),
        }
    }
}

fn progress(rounds: &mut [u32], pong: &Pong, (nonce, window): (u64, u32)) -> Result<(), Failure> {
    let step = Step::Window;
    if pong.nonce != nonce || pong.window != window {
        return Err(Failure::host(step, "a pong to another ping"));
    }
    if pong.devices.len() != rounds.len() {
        return Err(Failure::host(step, format!("a pong of {} devices, not {}", pong.devices.len(), rounds.len())));
    }
    for (have, now) in rounds.iter_mut().zip(&pong.devices) {
        if now.rounds < *have {
            return Err(Failure::host(step, format!("rounds fell from {have} to {}", now.rounds)));
        }
        *have = now.rounds;
    }
    Ok(())
}

fn input(message: job_input::Message) -> JobInput {
    JobInput { message: Some(message) }
}

fn answer(step: Step, output: JobOutput) -> Result<job_output::Message, Failure> {
    match output.message {
        Some(job_output::Message::Failure(f)) => {
            Err(Failure::host(step, format!("the job gave up: {}", super::bounded(&f.message, 256))))
        }
        Some(message) => Ok(message),
        None => Err(Failure::host(step, "the job sent an empty message")),
    }
}

fn unexpected(step: Step, message: &job_output::Message) -> Failure {
    let name = match message {
        job_output::Message::Ready(_) => "Ready",
        job_output::Message::Pong(_) => "Pong",
        job_output::Message::Root(_) => "Root",
        job_output::Message::RoundRoots(_) => "RoundRoots",
        job_output::Message::Openings(_) => "Openings",
        job_output::Message::Failure(_) => "Failure",
    };
    Failure::host(step, format!("the job sent {name} out of order"))
}
