//! A session of this machine with itself: the fisher's conversation and the worker's, joined by a pipe inside one process.
//! Both ends have keys of the moment, frames are signed and chained, and the finding is made from the transcript by
//! `gpux_kernels::evidence`, as everywhere. Never rents, uploads or reports. Invariant: when it returns in order, the
//! worker has ended and its devices have given back what they held.
#[cfg(test)]
mod tests;

use super::{
    Failure, Fault, Watch,
    link::{Ends, Link},
    outside::{Lost, Outside},
    talk::Talk,
};
use crate::job::{self, Devices};
use gpux_kernels::{
    Digest, Key, Parameters,
    device::{self, Device, DeviceInfo, OpenedUnit, Prepared},
    evidence::{Bound, Examination, examine_session},
    plan::Plan,
    release,
};
use gpux_proto::{
    evidence::{Frame, Step},
    frames::{Chains, Side},
    node::{Closed, SessionRequest, SessionResponse, Start, session_request, session_response},
    signing::{self, Domain, SigningKey, VerifyingKey},
};
use std::{
    io,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::{mpsc, oneshot},
    time::{timeout, timeout_at},
};
use tonic::Status;

/// Messages that wait on either side.
const QUEUE: usize = 4;
/// The largest piece of the worker's output that becomes a frame.
const PIECE_BYTES: usize = 64 << 10;
/// How long devices may take to give back their memory after the session.
const RELEASE_MAX: Duration = Duration::from_secs(60);

/// What a session showed.
#[derive(Debug)]
pub struct Held {
    /// What the transcript shows.
    pub examination: Examination,
    /// Why the session ended early, in the conversation's own words.
    pub failure: Option<Failure>,
}

/// Holds a session with the devices that `choose` gives.
pub async fn hold(
    plan: &Plan,
    choose: impl FnOnce(&Parameters) -> Devices + Send + 'static,
    watch: &Watch,
) -> Result<Held, Failure> {
    let fisher = |e: &dyn std::fmt::Display| Failure::new(Step::Hello, Fault::Fisher, e);
    let mut random = [0; 128];
    getrandom::fill(&mut random).map_err(|e| fisher(&e))?;
    let [own, node, open_id, secret] = *random.as_chunks::<32>().0 else {
        return Err(fisher(&"no random bytes"));
    };
    let (own, node) = (SigningKey::from_bytes(&own), SigningKey::from_bytes(&node));
    let bound = Bound {
        session_key: own.verifying_key(),
        node_key: node.verifying_key(),
        open_id,
        secret_digest: signing::id(Domain::Secret, &secret),
    };
    let (outbound, requests) = mpsc::channel(QUEUE);
    let (answers, inbound) = mpsc::channel(QUEUE);
    let pipe = Pipe { outbound: Some(outbound), inbound };
    let (held, mut released) = mpsc::channel(1);
    let pump = Pump::start(&bound, node, move |parameters| lent(choose(parameters)?, &held));
    let pump = pump.map_err(|e| fisher(&e))?;
    let serving = tokio::spawn(pump.run(requests, answers));
    let ends = Ends { own, node: bound.node_key, started: Instant::now() };
    let mut link = Link::new(pipe, open_id, ends);
    let talk = Talk { plan, secret, lock: None, watch };
    let failure = talk.run(&mut link).await.err();
    let frames = link.into_frames();
    // The pump ends once its input is closed, which it is now, and the worker has ended its round.
    let _ = timeout(RELEASE_MAX, serving).await;
    // The last device is gone, so that the next session finds its memory free.
    let _ = timeout(RELEASE_MAX, released.recv()).await;
    let plan = *plan;
    let examined = tokio::task::spawn_blocking(move || examine_session(&frames, &bound, &plan));
    let examination = examined.await.map_err(|e| Failure::new(Step::Verify, Fault::Fisher, e))?;
    Ok(Held { examination, failure })
}

/// The fisher's end of the conversation.
struct Pipe {
    outbound: Option<mpsc::Sender<SessionRequest>>,
    inbound: mpsc::Receiver<Result<SessionResponse, Status>>,
}

impl Outside for Pipe {
    /// The worker is this program: nothing is uploaded, and the pipe is there already.
    async fn connect(&mut self, _: Start, _: &release::Built, _: Instant) -> Result<(), Failure> {
        Ok(())
    }

    async fn send(&mut self, request: SessionRequest, _: [u8; 32], deadline: Instant) -> Result<(), Lost> {
        let Some(outbound) = &self.outbound else { return Err(Lost::Closed) };
        match timeout_at(deadline.into(), outbound.send(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Lost::Closed),
            Err(_) => Err(Lost::Deadline),
        }
    }

    fn end_input(&mut self) {
        self.outbound = None;
    }

    async fn receive(&mut self, deadline: Instant) -> Result<SessionResponse, Lost> {
        match timeout_at(deadline.into(), self.inbound.recv()).await {
            Err(_) => Err(Lost::Deadline),
            Ok(None) => Err(Lost::Closed),
            Ok(Some(Err(status))) => Err(Lost::Status(status)),
            Ok(Some(Ok(response))) => Ok(response),
        }
    }
}

/// Devices that hold a sender as long as they live.
fn lent(devices: Vec<Box<dyn Device>>, held: &mpsc::Sender<()>) -> Devices {
    let lend = |device| Box::new(Lent { device, _held: held.clone() }) as Box<dyn Device>;
    Ok(devices.into_iter().map(lend).collect())
}

struct Lent {
    device: Box<dyn Device>,
    _held: mpsc::Sender<()>,
}

impl Device for Lent {
    fn info(&self) -> DeviceInfo {
        self.device.info()
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, device::Error> {
        self.device.prepare(parameters, fill)
    }

    fn round(&mut self, key: &Key) -> Result<Digest, device::Error> {
        self.device.round(key)
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, device::Error> {
        self.device.open(key, units)
    }
}

/// The node's half: passes bytes between frames and the worker's streams.
struct Pump {
    chains: Chains,
    own: SigningKey,
    renter: VerifyingKey,
    input: OwnedWriteHalf,
    output: OwnedReadHalf,
    ended: oneshot::Receiver<bool>,
}

impl Pump {
    /// Starts the worker on a thread of its own.
    fn start(
        bound: &Bound,
        own: SigningKey,
        choose: impl FnOnce(&Parameters) -> Devices + Send + 'static,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let worker_output = theirs.try_clone()?;
        let (ending, ended) = oneshot::channel();
        thread::spawn(move || {
            let result = job::serve(theirs, worker_output, choose);
            // The session may have ended already.
            let _ = ending.send(result.is_ok());
        });
        ours.set_nonblocking(true)?;
        let (output, input) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let (chains, renter) = (Chains::new(bound.open_id), bound.session_key);
        Ok(Self { chains, own, renter, input, output, ended })
    }

    async fn run(
        mut self,
        mut requests: mpsc::Receiver<SessionRequest>,
        answers: mpsc::Sender<Result<SessionResponse, Status>>,
    ) {
        let mut buffer = vec![0; PIECE_BYTES];
        let mut asking = true;
        loop {
            tokio::select! {
                request = requests.recv(), if asking => {
                    let heard = match request.and_then(|request| request.message) {
                        Some(session_request::Message::Frame(frame)) => self.hear(&frame).await,
                        _ => false,
                    };
                    if !heard {
                        asking = false;
                        let _ = self.input.shutdown().await;
                    }
                }
                read = self.output.read(&mut buffer) => {
                    let Ok(count @ 1..) = read else { break };
                    let Ok(frame) = self.chains.send(Side::Node, buffer[..count].to_vec(), &self.own) else { break };
                    let message = Some(session_response::Message::Frame(frame));
                    if answers.send(Ok(SessionResponse { message })).await.is_err() {
                        // Nobody listens any more; the worker is told by the end of its input.
                        break;
                    }
                }
            }
        }
        drop((self.input, self.output));
        let exit_code = self.ended.await.ok().map(|whole| i32::from(!whole));
        let message = Some(session_response::Message::Closed(Closed { exit_code, limit: String::new() }));
        let _ = answers.send(Ok(SessionResponse { message })).await;
    }

    /// Passes a frame on to the worker.
    async fn hear(&mut self, frame: &Frame) -> bool {
        self.chains.receive(Side::Renter, frame, &self.renter).is_ok()
            && self.input.write_all(&frame.data).await.is_ok()
    }
}
