//! The worker that runs on the rented node: answers Prepare, Challenge, Ping, Finish and Reveal on a pair of byte streams.
//! Knows no network, chain, file or key, and reads no clock; whatever the other side sends is bounded and typed. Invariant:
//! one answer a question, in the order of the questions.
mod devices;
mod hand;
#[cfg(test)]
mod tests;

pub use devices::{cards, choose};

use gpux_kernels::{
    Digest, Parameters,
    device::{Device, DeviceKind},
    merkle,
    session::{DEVICES_MAX, Layout, WINDOWS_MAX},
};
use gpux_proto::{
    bytes::{self, array, present},
    evidence::{
        Challenge, Failure, JobInput, JobOutput, Opening, Openings, Ping, Pong, Prepare, Progress, Ready, ReadyDevice,
        Reveal, Root, RoundRoots, job_input, job_output,
    },
    stream,
};
use hand::{Hand, Place};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    sync::{Arc, atomic::AtomicUsize, mpsc},
    thread,
};

/// Questions that wait: a fisher asks one at a time, so more is garbage.
const QUESTIONS_MAX: usize = 8;
/// Roots in a message, as the format says.
const ROOTS_PER_MESSAGE: usize = 4_096;
/// Openings in a message: with the longest paths they stay below the stream's limit.
const OPENINGS_PER_MESSAGE: usize = 128;

/// The job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input or the output broke.
    #[error("stream: {0}")]
    Stream(#[from] io::Error),
    /// The input is no sequence of messages.
    #[error(transparent)]
    Message(#[from] stream::Error),
    /// A field has the wrong form.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// The parameters are refused.
    #[error(transparent)]
    Parameters(#[from] gpux_kernels::probe::Error),
    /// A device failed.
    #[error(transparent)]
    Device(#[from] gpux_kernels::device::Error),
    /// The worker's own modules are damaged.
    #[error(transparent)]
    Modules(#[from] gpux_kernels::release::Error),
    /// A device's thread ended.
    #[error("a device stopped")]
    DeviceStopped,
    /// A message came when another was due.
    #[error("{0} is out of order")]
    OutOfOrder(&'static str),
    /// The session is longer than its formats allow.
    #[error("more rounds than a session may have")]
    TooManyRounds,
    /// The input ended early.
    #[error("the input ended early")]
    Ended,
}

/// The devices for a probe.
pub type Devices = Result<Vec<Box<dyn Device>>, Error>;

/// Chooses devices for a probe.
pub type Chooser = fn(&Parameters) -> Devices;

/// Serves one session with the devices that are chosen once its parameters are known. On an error the other side is told
/// in a Failure message before it is returned.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write,
    choose: impl FnOnce(&Parameters) -> Devices,
) -> Result<(), Error> {
    let questions = listen(input);
    let mut job = Job { questions, output };
    let result = job.session(choose);
    if let Err(error) = &result {
        let message: String = error.to_string().chars().take(200).collect();
        // The output may be what broke; the exit status tells then.
        let _ = job.say(job_output::Message::Failure(Failure { message }));
    }
    result
}

type Question = Result<job_input::Message, Error>;

/// Reads questions on a thread of its own, so that a Ping waits for nothing but the round that is being computed.
fn listen(mut input: impl Read + Send + 'static) -> mpsc::Receiver<Question> {
    let (sender, questions) = mpsc::sync_channel(QUESTIONS_MAX);
    thread::spawn(move || {
        let (mut reader, mut buffer) = (stream::Reader::default(), vec![0; 64 << 10]);
        loop {
            let next = match reader.take::<JobInput>() {
                Ok(Some(JobInput { message: Some(message) })) => Ok(message),
                Ok(Some(JobInput { message: None })) => Err(Error::OutOfOrder("an empty message")),
                Err(error) => Err(error.into()),
                Ok(None) => match input.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        reader.push(&buffer[..count]);
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error.into()),
                },
            };
            let broken = next.is_err();
            if sender.send(next).is_err() || broken {
                break;
            }
        }
    });
    questions
}

struct Job<W> {
    questions: mpsc::Receiver<Question>,
    output: W,
}

/// What was computed, by window, device and round.
struct Computed {
    hands: Vec<Hand>,
    /// By device: the units of a round.
    units: Vec<u32>,
    /// By device, then window, then round.
    roots: Vec<Vec<Vec<Digest>>>,
    windows: usize,
}

impl<W: Write> Job<W> {
    fn session(&mut self, choose: impl FnOnce(&Parameters) -> Devices) -> Result<(), Error> {
        let job_input::Message::Prepare(prepare) = self.hear()? else { return Err(Error::OutOfOrder("Prepare")) };
        let (hands, units) = self.prepare(&prepare, choose)?;
        let mut windows = 0;
        loop {
            match self.hear()? {
                job_input::Message::Challenge(challenge) if windows < WINDOWS_MAX => {
                    self.window(&challenge, windows, &hands)?;
                    windows += 1;
                }
                job_input::Message::Finish(_) => break,
                _ => return Err(Error::OutOfOrder("Challenge or Finish")),
            }
        }
        let roots = hands.iter().map(Hand::roots).collect::<Result<_, _>>()?;
        let computed = Computed { hands, units, roots, windows };
        let ordered = computed.ordered();
        let root = Root { root: merkle::session_root(&ordered).to_vec(), rounds: computed.rounds().concat() };
        self.say(job_output::Message::Root(root))?;
        let job_input::Message::Reveal(reveal) = self.hear()? else { return Err(Error::OutOfOrder("Reveal")) };
        for piece in ordered.chunks(ROOTS_PER_MESSAGE) {
            self.say(job_output::Message::RoundRoots(RoundRoots { roots: piece.as_flattened().to_vec() }))?;
        }
        self.openings(&computed.open(&reveal)?)?;
        match self.hear() {
            Err(Error::Ended) => Ok(()),
            _ => Err(Error::OutOfOrder("a message after Reveal")),
        }
    }

    fn prepare(
        &mut self,
        prepare: &Prepare,
        choose: impl FnOnce(&Parameters) -> Devices,
    ) -> Result<(Vec<Hand>, Vec<u32>), Error> {
        let parameters = Parameters::try_from(present("parameters", &prepare.parameters)?)?;
        let seed = array("seed", &prepare.seed)?;
        let mut devices = choose(&parameters)?;
        devices.truncate(DEVICES_MAX);
        let total = Arc::new(AtomicUsize::new(0));
        let start = |(index, device)| Hand::start(index, device, Arc::clone(&total));
        let hands: Vec<Hand> = (0..).zip(devices).map(start).collect();
        hands.iter().try_for_each(|hand| hand.prepare(parameters, seed))?;
        let (mut ready, mut units) = (Vec::new(), Vec::new());
        for hand in &hands {
            let (info, prepared) = hand.prepared()?;
            let kind = match info.kind {
                DeviceKind::Cuda => gpux_proto::evidence::DeviceKind::Cuda,
                DeviceKind::Cpu => gpux_proto::evidence::DeviceKind::Cpu,
                DeviceKind::Paced => gpux_proto::evidence::DeviceKind::Simulated,
            };
            let name = info.name.chars().take(64).collect();
            ready.push(ReadyDevice { name, kind: kind as u32, cells: prepared.cells });
            units.push(parameters.units_per_round(prepared.cells));
        }
        self.say(job_output::Message::Ready(Ready { devices: ready }))?;
        Ok((hands, units))
    }

    fn window(&mut self, challenge: &Challenge, window: usize, hands: &[Hand]) -> Result<(), Error> {
        if challenge.window as usize != window {
            return Err(Error::OutOfOrder("the window's number"));
        }
        let seed = array("seed", &challenge.seed)?;
        hands.iter().try_for_each(|hand| hand.window(seed))?;
        loop {
            let job_input::Message::Ping(Ping { nonce, last }) = self.hear()? else {
                return Err(Error::OutOfOrder("Ping"));
            };
            hands.iter().try_for_each(|hand| hand.ping(last))?;
            let mut devices = Vec::with_capacity(hands.len());
            for hand in hands {
                let progress = hand.pong()?;
                devices.push(Progress { rounds: progress.rounds, key: progress.key.as_bytes().to_vec() });
            }
            self.say(job_output::Message::Pong(Pong { nonce, window: challenge.window, devices }))?;
            if last {
                return Ok(());
            }
        }
    }

    fn openings(&mut self, openings: &[Opening]) -> Result<(), Error> {
        let pieces = openings.len().div_ceil(OPENINGS_PER_MESSAGE).max(1);
        for at in 0..pieces {
            let piece = openings.iter().skip(at * OPENINGS_PER_MESSAGE).take(OPENINGS_PER_MESSAGE).cloned().collect();
            self.say(job_output::Message::Openings(Openings { openings: piece, last: at + 1 == pieces }))?;
        }
        Ok(())
    }

    fn hear(&mut self) -> Result<job_input::Message, Error> {
        self.questions.recv().map_err(|_| Error::Ended)?
    }

    fn say(&mut self, message: job_output::Message) -> Result<(), Error> {
        self.output.write_all(&stream::encode(&JobOutput { message: Some(message) }))?;
        Ok(self.output.flush()?)
    }
}

impl Computed {
    /// All rounds' roots in the order window, device, round.
    fn ordered(&self) -> Vec<Digest> {
        let window = |w: usize| self.roots.iter().flat_map(move |device| device[w].iter().copied());
        (0..self.windows).flat_map(window).collect()
    }

    /// The numbers of rounds by window and device.
    fn rounds(&self) -> Vec<Vec<u32>> {
        let window = |w: usize| self.roots.iter().map(move |device| device[w].len() as u32).collect();
        (0..self.windows).map(window).collect()
    }

    /// Opens what is drawn, each round once and in the order in which they were computed.
    fn open(&self, reveal: &Reveal) -> Result<Vec<Opening>, Error> {
        let (secret, head) = (array("secret", &reveal.secret)?, array("head", &reveal.head)?);
        let rounds = self.rounds();
        let layout = Layout { units: self.units.clone(), rounds: &rounds };
        let drawn = gpux_kernels::draw(&secret, &head, layout.units(), reveal.openings);
        let mut asked: BTreeMap<(usize, usize, u32), Vec<(u64, u32)>> = BTreeMap::new();
        for index in &drawn {
            let place = layout.place(*index).ok_or(Error::OutOfOrder("opening"))?;
            asked.entry((place.device, place.window, place.round)).or_default().push((*index, place.unit));
        }
        let mut opened = BTreeMap::new();
        for ((device, window, round), units) in asked {
            let numbers = units.iter().map(|(_, unit)| *unit).collect();
            let found = self.hands[device].open(Place { window, round: round as usize, units: numbers })?;
            for ((index, _), unit) in units.iter().zip(found) {
                let path = unit.path.as_flattened().to_vec();
                opened.insert(*index, Opening { index: *index, leaf: unit.leaf.to_vec(), path });
            }
        }
        drawn.iter().map(|index| opened.remove(index).ok_or(Error::OutOfOrder("opening"))).collect()
    }
}
