//! `NodeService`: one task a session, from Start to Closed.
use super::{
    Error, Timeouts,
    pump::{Parties, Pump},
    slots::Slots,
    start::{self, Admitted},
    upload,
    wire::{self, Requests, Responses},
};
use crate::{
    chain::{Rental, Rentals},
    cheat::{Cheating, Meddler},
    clock,
    identity::Identity,
    sandbox::{Limits, Program, Sandbox},
    simulate::Simulator,
};
use gpux_proto::{
    bytes::to_hex,
    evidence::Open,
    frames::Chains,
    node::{
        Closed, DescribeRequest, DescribeResponse, Opened, SealedSessionRequest, SealedSessionResponse, SessionRequest,
        SessionResponse, node_service_server::NodeService, session_request, session_response,
    },
    signing::{self, Domain},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming};

/// Messages that wait for a slow renter; the job waits when it is full.
const QUEUE: usize = 8;
/// Renters whose Start is being checked; those who have paid are not counted here but by the capacity.
const UNCHECKED_MAX: usize = 64;
/// How long a renter may take to receive the last message.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a rental gets beside the host.
#[derive(Debug)]
pub enum Device {
    /// Nothing.
    None,
    /// A simulated card on file descriptor 3.
    Simulated(Simulator),
}

/// What a node is made of.
#[derive(Debug)]
pub struct Options<R> {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// Where rentals are looked up.
    pub rentals: R,
    /// Where jobs run.
    pub sandbox: Sandbox,
    /// What a job may use.
    pub limits: Limits,
    /// How long a renter may take.
    pub timeouts: Timeouts,
    /// Where jobs' files lie while they run.
    pub folder: PathBuf,
    /// The file that remembers which sessions were opened.
    pub ledger: PathBuf,
    /// What a rental gets beside the host.
    pub device: Device,
    /// How it lies, in a development market.
    pub cheating: Option<Cheating>,
}

#[derive(Debug)]
struct Shared<R> {
    options: Options<R>,
    slots: Slots,
    unchecked: Semaphore,
    stop: CancellationToken,
}

/// The service of a node.
#[derive(Debug)]
pub struct Node<R> {
    shared: Arc<Shared<R>>,
    tasks: TaskTracker,
}

impl<R: Rentals> Node<R> {
    /// Makes the service. When `stop` is cancelled, all sessions end.
    pub fn new(options: Options<R>, stop: CancellationToken) -> std::io::Result<Self> {
        let slots = Slots::open(options.identity.price().capacity, &options.ledger)?;
        let unchecked = Semaphore::new(UNCHECKED_MAX);
        let shared = Arc::new(Shared { options, slots, unchecked, stop });
        Ok(Self { shared, tasks: TaskTracker::new() })
    }

    /// The tasks of the sessions, to wait for after a stop.
    #[must_use]
    pub fn sessions(&self) -> TaskTracker {
        self.tasks.clone()
    }
}

#[tonic::async_trait]
impl<R: Rentals> NodeService for Node<R> {
    type SessionStream = ReceiverStream<Result<SessionResponse, Status>>;
    type SealedSessionStream = ReceiverStream<Result<SealedSessionResponse, Status>>;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let description = Some(self.shared.options.identity.published().description.clone());
        Ok(Response::new(DescribeResponse { description }))
    }

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        self.shared.running()?;
        let (responses, received) = mpsc::channel(QUEUE);
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            shared.serve(Requests::Open(request.into_inner()), Responses::Open(responses)).await;
        });
        Ok(Response::new(ReceiverStream::new(received)))
    }

    async fn sealed_session(
        &self,
        request: Request<Streaming<SealedSessionRequest>>,
    ) -> Result<Response<Self::SealedSessionStream>, Status> {
        self.shared.running()?;
        let (responses, received) = mpsc::channel(QUEUE);
        let shared = self.shared.clone();
        self.tasks.spawn(async move {
            match shared.join(request.into_inner(), responses.clone()).await {
                Ok((requests, sealed)) => shared.serve(requests, sealed).await,
                Err(error) => {
                    tracing::info!(reason = error.code().1, %error, "a sealed session did not begin");
                    // The renter may have gone; then there is nobody to tell.
                    let _gone = responses.send_timeout(Err(error.into()), FAREWELL).await;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(received)))
    }
}

fn message(message: session_response::Message) -> SessionResponse {
    SessionResponse { message: Some(message) }
}

impl<R: Rentals> Shared<R> {
    fn running(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() { Err(Error::Stopping) } else { Ok(()) }
    }

    /// The handshake of a sealed session. It is bounded like every renter who was not checked yet.
    async fn join(
        &self,
        stream: Streaming<SealedSessionRequest>,
        answers: mpsc::Sender<Result<SealedSessionResponse, Status>>,
    ) -> Result<(Requests, Responses), Error> {
        let _unchecked = self.unchecked.try_acquire().map_err(|_| Error::Busy)?;
        tokio::select! {
            joined = wire::join(self.options.identity.key(), (stream, answers), self.options.timeouts.message) => joined,
            () = self.stop.cancelled() => Err(Error::Stopping),
        }
    }

    /// Runs a session and tells the renter how it ended.
    async fn serve(&self, mut requests: Requests, mut responses: Responses) {
        let told = match self.session(&mut requests, &mut responses).await {
            Ok(closed) => {
                let last = message(session_response::Message::Closed(closed));
                match tokio::time::timeout(FAREWELL, responses.send(last, None)).await {
                    Ok(told) => told,
                    Err(_) => Err(Error::Gone),
                }
            }
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::info!(reason = error.code().1, %error, "a session was refused or broke");
            responses.fail(error.into(), FAREWELL).await;
        }
    }

    /// One session. Before OPEN a stop or the renter's leaving ends whatever is awaited; after it the pump sees to that.
    async fn session(&self, requests: &mut Requests, responses: &mut Responses) -> Result<Closed, Error> {
        let prepare = async {
            let (admitted, rental) = self.check(requests).await?;
            let place = self.slots.take()?;
            let folder = tempfile::Builder::new().prefix("job-").tempdir_in(&self.options.folder)?;
            upload::receive(requests, &admitted.manifest.files, folder.path(), &self.options.timeouts).await?;
            Ok::<_, Error>((admitted, rental, place, folder))
        };
        let asked = Instant::now();
        let (admitted, rental, place, folder) = tokio::select! {
            prepared = prepare => prepared?,
            () = self.stop.cancelled() => return Err(Error::Stopping),
            () = responses.closed() => return Err(Error::Gone),
        };
        let mut meddler = self.options.cheating.as_ref().map_or(Meddler::None, Cheating::meddler);
        // The upload has used some of what was paid for when the chain was asked.
        let paid_until = asked + rental.left();
        let limits = self.limits(paid_until);
        let job = self.start(&admitted, folder.path(), &limits)?;
        let chains = self.open(&admitted, responses).await?;
        let parties = Parties { chains, own: self.options.identity.key(), renter: admitted.session_key };
        let over = std::pin::pin!(self.over(admitted.rental, paid_until));
        let pump = Pump::new(parties, job, &mut meddler, &limits, (requests, responses));
        let closed = pump.run(&self.stop, over).await;
        if let (Some(cheating), Ok(Closed { exit_code: Some(0), .. })) = (&self.options.cheating, &closed) {
            cheating.learn(meddler);
        }
        drop((place, folder));
        closed
    }

    async fn check(&self, requests: &mut Requests) -> Result<(Admitted, Rental), Error> {
        let _unchecked = self.unchecked.try_acquire().map_err(|_| Error::Busy)?;
        let start = match requests.next(self.options.timeouts.message).await? {
            Some(session_request::Message::Start(start)) => start,
            Some(_) => return Err(Error::Malformed("the first message is not a start")),
            None => return Err(Error::Gone),
        };
        let published = self.options.identity.published();
        let admitted = start::admit(&start, &published)?;
        self.slots.fresh(&admitted.rental, &admitted.hello)?;
        let rental = start::paid(&self.options.rentals, &admitted, self.options.identity.price().rate).await?;
        if self.options.cheating.as_ref().is_some_and(Cheating::refuses) {
            return Err(Error::Offline);
        }
        Ok((admitted, rental))
    }

    fn limits(&self, paid_until: Instant) -> Limits {
        // The rental may be prolonged while the job runs, so its end is watched and not made the wall time.
        let wall = if paid_until > Instant::now() { self.options.limits.wall } else { Duration::ZERO };
        Limits { wall, ..self.options.limits.clone() }
    }

    fn start(
        &self,
        admitted: &Admitted,
        folder: &std::path::Path,
        limits: &Limits,
    ) -> Result<crate::sandbox::Job, Error> {
        let manifest = &admitted.manifest;
        let program = Program {
            folder,
            executable: &manifest.files[0].name,
            argv: &manifest.argv,
            environment: &manifest.environment,
        };
        let device = match &self.options.device {
            Device::None => None,
            Device::Simulated(simulator) => Some(simulator.plug()?),
        };
        let started = self.options.sandbox.start(&program, limits, device);
        started.inspect_err(|error| tracing::error!(?error, "cannot start a job")).map_err(Error::from)
    }

    /// Signs OPEN and tells the renter; its id starts both frame chains.
    async fn open(&self, admitted: &Admitted, responses: &mut Responses) -> Result<Chains, Error> {
        let open = Open {
            hello: admitted.hello.to_vec(),
            job: admitted.job.to_vec(),
            ordinal: self.slots.enter(admitted.rental, admitted.hello)?,
            node: self.options.identity.node().to_vec(),
            open_time: Some(clock::timestamp(clock::unix())),
        };
        let signed = signing::sign(Domain::Open, &open, self.options.identity.key());
        let id = signing::id(Domain::Open, &signed.payload);
        tracing::info!(rental = to_hex(&admitted.rental), ordinal = open.ordinal, "session opened");
        let opened = message(session_response::Message::Opened(Opened { open: Some(signed) }));
        responses.send(opened, None).await?;
        Ok(Chains::new(id))
    }

    /// Resolves when the rental was stopped or is no longer paid. While the chain does not answer, what was paid counts.
    async fn over(&self, rental: [u8; 32], mut paid_until: Instant) {
        loop {
            let wait = self.options.timeouts.rental.min(paid_until.saturating_duration_since(Instant::now()));
            tokio::time::sleep(wait).await;
            let asked = Instant::now();
            if let Ok(found) = self.options.rentals.rental(rental).await {
                paid_until = asked + found.left();
            }
            if paid_until <= Instant::now() {
                return;
            }
        }
    }
}
