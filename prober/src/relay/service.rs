//! `RelayService`: describes nodes and carries sessions, one task each. Owns the limits and the order at a session's end: the
//! stamps are durable before the renter is told that it has ended.
use super::{
    Options,
    courier::Courier,
    directory::Directory,
    error::Error,
    forward::{self, Passing, QUEUE, Responses},
    limits::Places,
    reach,
    stamps::Recorder,
    store::Store,
};
use crate::offered::Place;
use gpux_proto::{
    bytes::{array, to_hex},
    evidence::EndedBy,
    node::{self, node_service_client::NodeServiceClient},
    relay::{DescribeRequest, DescribeResponse, SessionRequest, SessionResponse, relay_service_server::RelayService},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming, transport::Channel};
use tracing::{debug, error};

/// Descriptions that are asked for at once.
const DESCRIBING_MAX: usize = 32;
/// How long a node may take to describe itself, and the largest description.
const DESCRIBE_MAX: Duration = Duration::from_secs(3);
const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
/// How long a renter may take to hear why a session ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// The service of a relay.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    directory: Directory,
    store: Arc<Store>,
    news: Arc<Notify>,
    sessions: Arc<Semaphore>,
    describing: Semaphore,
    places: Arc<Places>,
    stop: CancellationToken,
}

impl Relay {
    /// Makes the service. When `stop` is cancelled, all sessions end.
    pub fn new(options: Options, stop: CancellationToken) -> std::io::Result<Self> {
        let deployment = &options.registrar.deployment;
        let place = Place { chain_id: deployment.chain_id, rentals: deployment.rentals };
        let shared = Shared {
            directory: Directory::new(options.oracle.clone(), place),
            store: Arc::new(Store::open(&options.data)?),
            news: Arc::default(),
            sessions: Arc::new(Semaphore::new(options.limits.sessions)),
            describing: Semaphore::new(DESCRIBING_MAX),
            places: Arc::default(),
            stop,
            options,
        };
        Ok(Self { shared: Arc::new(shared), tasks: TaskTracker::new() })
    }

    /// The tasks of the sessions, to wait for after a stop.
    pub(super) fn sessions(&self) -> TaskTracker {
        self.tasks.clone()
    }

    /// Registers with the oracle, and goes on doing so; ends with an error only.
    pub(super) fn registered(&self, stop: CancellationToken) -> impl Future<Output = anyhow::Result<()>> + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.options.registrar.run(&shared.options.oracle, &stop).await }
    }

    /// Who delivers the stamps.
    pub(super) fn courier(&self) -> Courier {
        let Shared { options, store, news, .. } = &*self.shared;
        Courier { store: Arc::clone(store), oracle: options.oracle.clone(), news: Arc::clone(news) }
    }
}

#[tonic::async_trait]
impl RelayService for Relay {
    type SessionStream = ReceiverStream<Result<SessionResponse, Status>>;

    async fn describe(&self, request: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let node = request.into_inner().node;
        let node = array("node", &node).map_err(|e| Error::Malformed(e.to_string()))?;
        let description = self.shared.describe(&node).await?;
        Ok(Response::new(DescribeResponse { description }))
    }

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let shared = Arc::clone(&self.shared);
        if shared.stop.is_cancelled() {
            return Err(Error::Stopping.into());
        }
        if shared.store.is_full() {
            return Err(Error::Busy("undelivered stamps").into());
        }
        let place = Arc::clone(&shared.sessions).try_acquire_owned().map_err(|_| Error::Busy("sessions"))?;
        let (responses, received) = mpsc::channel(QUEUE);
        self.tasks.spawn(async move {
            let ended = shared.session(request.into_inner(), &responses).await;
            if let Err(error) = ended {
                debug!(%error, "a session was refused or broke");
                // The renter may have gone; then there is nobody to tell.
                let _gone = responses.send_timeout(Err(error.into()), FAREWELL).await;
            }
            drop(place);
        });
        Ok(Response::new(ReceiverStream::new(received)))
    }
}

impl Shared {
    async fn describe(&self, node: &[u8; 32]) -> Result<Option<gpux_proto::evidence::Description>, Error> {
        let _place = self.describing.try_acquire().map_err(|_| Error::Busy("descriptions"))?;
        let channel = self.reach(node).await?;
        let mut client = NodeServiceClient::new(channel).max_decoding_message_size(DESCRIPTION_BYTES_MAX);
        let answer = timeout(DESCRIBE_MAX, client.describe(node::DescribeRequest {})).await;
        let answer = answer.map_err(|_| Error::Unreachable("gives no description in time".into()))?;
        Ok(answer.map_err(Error::of_node)?.into_inner().description)
    }

    async fn reach(&self, node: &[u8; 32]) -> Result<Channel, Error> {
        let (endpoint, scope) = (self.directory.find(node).await?, self.options.scope);
        match reach::connect(&endpoint, scope).await {
            // A node that has moved since the directory learned of it is not away.
            Err(error @ Error::Unreachable(_)) => match self.directory.moved(node, &endpoint).await? {
                Some(endpoint) => reach::connect(&endpoint, scope).await,
                None => Err(error),
            },
            reached => reached,
        }
    }

    /// One session from its first message to its durable stamps.
    async fn session(&self, mut requests: Streaming<SessionRequest>, responses: &Responses) -> Result<(), Error> {
        let limits = &self.options.limits;
        let node = tokio::select! {
            node = forward::named(&mut requests, limits.first) => node?,
            () = self.stop.cancelled() => return Err(Error::Stopping),
        };
        let end = Instant::now() + limits.length;
        let passing = Passing::new(node, limits);
        let _place = self.places.take(node, limits.sessions_per_node)?;
        let carried = async {
            let channel = self.reach(&node).await?;
            passing.run(channel, &mut requests, responses).await
        };
        let ended = tokio::select! {
            biased;
            ended = carried => ended,
            () = self.stop.cancelled() => Err(Error::Stopping),
            () = tokio::time::sleep_until(end) => Err(Error::Limit(format!("{:?}", limits.length))),
            () = responses.closed() => Err(Error::Gone),
        };
        self.keep(passing.into_recorder(), forward::ended_by(&ended), &node).await?;
        ended
    }

    async fn keep(&self, recorder: Recorder, ended_by: EndedBy, node: &[u8; 32]) -> Result<(), Error> {
        let Some(stamps) = recorder.sign(ended_by, &self.options.key) else { return Ok(()) };
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.keep(&stamps)).await {
            Ok(Ok(())) => {
                self.news.notify_one();
                Ok(())
            }
            Ok(Err(cause)) => {
                error!(error = %cause, node = to_hex(node), "the stamps of a session cannot be kept");
                Err(Error::Store)
            }
            Err(_) => Err(Error::Store),
        }
    }
}
