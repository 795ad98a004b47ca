//! gRPC and HTTP on one port.
//!
//! Owns protocols, limits, error details and what answers look like; the reads are in `query`, what is accepted is decided by
//! `ingest`. A message has one function, which both protocols call. Its invariant: the same request gets the same answer, or
//! the same reason code, over either.

mod admin;
mod connections;
mod description;
mod error;
mod explorer;
mod grpc;
mod guard;
mod health;
mod http;
mod metrics;
mod page_token;
mod query;
mod reason;
mod schedule;
mod submit;
#[cfg(test)]
mod tests;
mod watch;

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};

use crate::{ingest::Ingest, store::Store};

pub use error::Error;
pub use health::{Health, State as HealthState};
pub use metrics::{Kind, Metrics, Outcome, Protocol};
pub use query::{Query, View};
pub use reason::{REASONS, Reason};

/// The largest message: a bundle of 4 MiB and its report.
pub const REQUEST_BYTES_MAX: usize = 5 << 20;
/// Streams of one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;
/// How long running requests may go on after the token is cancelled.
const GRACE: Duration = Duration::from_secs(10);
/// How often the store is asked whether it answers.
const PING: Duration = Duration::from_secs(5);

/// What one address may ask in a second, four seconds' worth at once; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    pub reads_per_second: u32,
    pub writes_per_second: u32,
}

/// Everything that requests are answered with. Clones share it.
#[derive(Debug, Clone)]
pub struct Api(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Arc<dyn Store>,
    query: Query,
    ingest: Ingest,
    health: Health,
    metrics: Metrics,
    requests: Semaphore,
    writes: Semaphore,
    feed: watch::Feed,
}

impl Api {
    /// Answers from this store and gives what comes in to `ingest`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, ingest: Ingest, view: View, health: Health, metrics: Metrics) -> Self {
        let requests = Semaphore::new(guard::REQUESTS_MAX);
        let query = Query::new(store.clone(), view);
        let writes = Semaphore::new(guard::WRITES_MAX);
        let feed = watch::Feed::default();
        Self(Arc::new(Parts { store, query, ingest, health, metrics, requests, writes, feed }))
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0.store)
    }

    fn feed(&self) -> &watch::Feed {
        &self.0.feed
    }

    fn query(&self) -> &Query {
        &self.0.query
    }

    fn ingest(&self) -> &Ingest {
        &self.0.ingest
    }

    fn health(&self) -> &Health {
        &self.0.health
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    fn requests(&self) -> &Semaphore {
        &self.0.requests
    }

    fn writes(&self) -> &Semaphore {
        &self.0.writes
    }
}

/// The HTTP half without a port: its paths and what they answer.
pub fn routes(api: &Api) -> axum::Router {
    http::routes(api)
}

/// Serves gRPC and HTTP until the token is cancelled, then lets running requests end.
pub async fn serve(api: Api, listener: TcpListener, limits: Limits, stop: CancellationToken) -> io::Result<()> {
    let rates = Arc::new(guard::Rates::new(limits));
    let (router, reporter) = grpc::routes(&api, routes(&api)).map_err(io::Error::other)?;
    let router = router.layer(axum::middleware::from_fn_with_state((api.clone(), rates), guard::guard));
    let router = grpc::web::translated(router);
    let served = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(connections::accept(listener, stop.clone()), stop.clone().cancelled_owned());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = served => served.map_err(io::Error::other),
        () = late => Ok(()),
        () = grpc::follow(api.health().clone(), reporter) => Ok(()),
        () = watch_store(&api) => Ok(()),
        () = watch::follow(&api, &stop) => Ok(()),
    }
}

/// Serves the operator's pages until the token is cancelled.
pub async fn serve_admin(api: Api, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
    axum::serve(listener, admin::routes(&api)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Sets the store's switch for as long as the server runs.
async fn watch_store(api: &Api) {
    let mut ticks = tokio::time::interval(PING);
    loop {
        ticks.tick().await;
        let answered = tokio::time::timeout(PING, api.query().ping()).await.unwrap_or(false);
        api.health().set_store(answered);
    }
}
