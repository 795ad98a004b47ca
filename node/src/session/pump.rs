//! After OPEN: the renter's frames become the job's input, the job's output becomes the node's signed frames.
//!
//! Never looks into the bytes. What the job has written is framed and signed before it is given more input, so that a
//! frame's `seen` says what the job could have known. Nothing here waits without an end: the job's limits, the rental's
//! end, the renter's leaving and the node's stop are watched at every step. Invariant: when `run` returns, the job and
//! all that it started have been killed.
use super::{
    Error,
    wire::{Requests, Responses},
};
use crate::{
    cheat::Meddler,
    sandbox::{Exit, Job, Limit, Limits, Streams},
};
use gpux_proto::{
    evidence::Frame,
    frames::{Chains, FRAME_BYTES_MAX, Side},
    node::{Closed, SessionResponse, session_request, session_response},
    signing::{SigningKey, VerifyingKey},
};
use std::{future::Future, io, pin::Pin, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdin, ChildStdout},
    time::{Instant, Interval},
};
use tokio_util::sync::CancellationToken;

/// How often all of a job's processes are added up.
const CENSUS: Duration = Duration::from_millis(500);
/// How long what is left in the pipe of a job that has ended may take, when somebody still holds its other end.
const DRAIN: Duration = Duration::from_secs(1);
/// SIGXCPU and SIGXFSZ (signal(7)), by which the kernel says that a limit was passed.
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// Who speaks on which chain.
pub(super) struct Parties<'a> {
    pub(super) chains: Chains,
    pub(super) own: &'a SigningKey,
    pub(super) renter: VerifyingKey,
}

/// One running session.
pub(super) struct Pump<'a> {
    parties: Parties<'a>,
    job: Job,
    meddler: &'a mut Meddler,
    limits: &'a Limits,
    requests: &'a mut Requests,
    responses: &'a mut Responses,
    renter_speaks: bool,
    input: Option<ChildStdin>,
    pending: Vec<u8>,
    output: Option<ChildStdout>,
    buffer: Vec<u8>,
    written: u64,
    exit: Option<Exit>,
    end: Instant,
    census: Interval,
}

/// What happened next.
enum Event {
    Stop,
    Gone,
    Rental,
    WallTime,
    Census,
    Output(io::Result<usize>),
    MadeUp(Vec<u8>),
    Room,
    Input(io::Result<usize>),
    Exit(io::Result<Exit>),
    Renter(Box<Result<Option<session_request::Message>, Error>>),
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        parties: Parties<'a>,
        mut job: Job,
        meddler: &'a mut Meddler,
        limits: &'a Limits,
        (requests, responses): (&'a mut Requests, &'a mut Responses),
    ) -> Self {
        let (input, output) = job.streams().map(|Streams { input, output }| (input, output)).unzip();
        Self {
            parties,
            job,
            meddler,
            limits,
            requests,
            responses,
            renter_speaks: true,
            input,
            pending: Vec::new(),
            output,
            buffer: vec![0; FRAME_BYTES_MAX],
            written: 0,
            exit: None,
            end: Instant::now() + limits.wall,
            census: tokio::time::interval(CENSUS),
        }
    }

    /// Runs the session to its end. `rental` resolves when the rental is over.
    pub(super) async fn run(
        mut self,
        stop: &CancellationToken,
        mut rental: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<Closed, Error> {
        loop {
            if self.exit.is_some() && self.output.is_none() {
                return Ok(self.closed().await);
            }
            let limit = match self.event(stop, rental.as_mut()).await {
                Event::Stop => return Err(Error::Stopping),
                Event::Gone => return Err(Error::Gone),
                Event::Rental => Some(Limit::Rental),
                // A job that has ended by itself was not ended by what its pipe took to drain.
                Event::WallTime if self.exit.is_some() => return Ok(self.closed().await),
                Event::WallTime => Some(Limit::WallTime),
                Event::Census => self.passed(),
                Event::Output(read) => self.output(read)?,
                Event::MadeUp(data) => self.send(data)?,
                Event::Room => None,
                Event::Input(written) => self.fed(written),
                Event::Exit(exit) => self.ended(exit)?,
                Event::Renter(message) => self.renter((*message)?)?,
            };
            if let Some(limit) = limit {
                self.job.kill();
                return Ok(Closed { exit_code: None, limit: limit.to_string() });
            }
        }
    }

    /// Waits for whatever comes first. Output goes before input, so that it is signed before the job is told more; it is
    /// read only when the renter's queue has room.
    async fn event(&mut self, stop: &CancellationToken, rental: Pin<&mut (impl Future<Output = ()> + Send)>) -> Event {
        let room = self.responses.has_room();
        let idle = self.pending.is_empty();
        tokio::select! {
            biased;
            () = stop.cancelled() => Event::Stop,
            () = self.responses.closed() => Event::Gone,
            () = rental => Event::Rental,
            () = tokio::time::sleep_until(self.end) => Event::WallTime,
            _ = self.census.tick(), if self.exit.is_none() => Event::Census,
            there = self.responses.room(), if !room => if there { Event::Room } else { Event::Gone },
            read = read(&mut self.output, &mut self.buffer), if room && self.output.is_some() => Event::Output(read),
            data = self.meddler.made_up(), if room => Event::MadeUp(data),
            exit = self.job.wait(), if self.exit.is_none() => Event::Exit(exit),
            written = write(&mut self.input, &self.pending), if !idle => Event::Input(written),
            message = self.requests.next_message(), if idle && self.renter_speaks => Event::Renter(Box::new(message)),
        }
    }

    fn passed(&self) -> Option<Limit> {
        let usage = self.job.usage();
        if usage.cpu > self.limits.cpu {
            Some(Limit::CpuTime)
        } else if usage.memory_bytes > self.limits.memory_bytes {
            Some(Limit::Memory)
        } else if usage.tasks > self.limits.tasks {
            Some(Limit::Tasks)
        } else {
            None
        }
    }

    fn output(&mut self, read: io::Result<usize>) -> Result<Option<Limit>, Error> {
        let count = read.unwrap_or(0);
        if count == 0 {
            self.output = None;
            return Ok(None);
        }
        let data = self.buffer[..count].to_vec();
        if self.meddler.output(&data) { self.send(data) } else { Ok(None) }
    }

    fn send(&mut self, data: Vec<u8>) -> Result<Option<Limit>, Error> {
        self.written += data.len() as u64;
        if self.written > self.limits.output_bytes {
            return Ok(Some(Limit::Output));
        }
        let frame = match self.parties.chains.send(Side::Node, data, self.parties.own) {
            Ok(frame) => frame,
            Err(gpux_proto::frames::Error::TooMany) => return Ok(Some(Limit::Output)),
            Err(error) => return Err(error.into()),
        };
        let message = Some(session_response::Message::Frame(frame));
        // There was room before the output was read, and nobody else sends.
        self.responses.try_send(SessionResponse { message }, self.parties.chains.head(Side::Node))?;
        Ok(None)
    }

    fn renter(&mut self, message: Option<session_request::Message>) -> Result<Option<Limit>, Error> {
        match message {
            Some(session_request::Message::Frame(frame)) => self.frame(frame)?,
            Some(_) => return Err(Error::Malformed("after OPEN a renter sends frames only")),
            None => {
                self.renter_speaks = false;
                self.input = None;
            }
        }
        Ok(None)
    }

    fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        // A relay stamps what it is shown: a renter who shows another head would have times of frames that never were.
        if let Some(shown) = self.requests.shown()
            && shown != self.parties.chains.next(Side::Renter, &frame.data)?
        {
            return Err(Error::HeadForeign);
        }
        self.parties.chains.receive(Side::Renter, &frame, &self.parties.renter)?;
        // A job that has closed its input is told nothing; the frame counts all the same.
        if self.meddler.input(&frame.data) && self.input.is_some() {
            self.pending = frame.data;
        }
        Ok(())
    }

    fn fed(&mut self, written: io::Result<usize>) -> Option<Limit> {
        match written {
            Ok(count @ 1..) => drop(self.pending.drain(..count)),
            // The job reads no more.
            _ => {
                self.input = None;
                self.pending.clear();
            }
        }
        None
    }

    fn ended(&mut self, exit: io::Result<Exit>) -> Result<Option<Limit>, Error> {
        self.exit = Some(exit?);
        self.input = None;
        self.pending.clear();
        self.end = self.end.min(Instant::now() + DRAIN);
        Ok(match self.exit {
            Some(Exit::Signal(SIGXCPU)) => Some(Limit::CpuTime),
            Some(Exit::Signal(SIGXFSZ)) => Some(Limit::Output),
            _ => None,
        })
    }

    async fn closed(&mut self) -> Closed {
        let exit_code = match self.exit {
            Some(Exit::Code(code)) => Some(code),
            _ => None,
        };
        if exit_code != Some(0) {
            let complaint = tokio::time::timeout(DRAIN, self.job.complaint()).await.unwrap_or_default();
            tracing::warn!(exit = ?self.exit, complaint, "a job did not end well");
        }
        Closed { exit_code, limit: String::new() }
    }
}

async fn read(output: &mut Option<ChildStdout>, buffer: &mut [u8]) -> io::Result<usize> {
    match output {
        Some(output) => output.read(buffer).await,
        None => std::future::pending().await,
    }
}

async fn write(input: &mut Option<ChildStdin>, data: &[u8]) -> io::Result<usize> {
    match input {
        Some(input) => input.write(data).await,
        None => Ok(0),
    }
}
