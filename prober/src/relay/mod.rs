//! The relay: carries other owners' sessions to nodes, so that a fisher's address tells a host nothing, and stamps when each
//! frame passed, so that his times need not be believed.
//!
//! A session goes from [`service`] over [`directory`] and [`reach`] through [`forward`]; its [`stamps`] are put into the [`store`]
//! and brought to the oracle by the [`courier`]. [`registration`] keeps the relay listed, [`listed`] is the fisher's side. Never
//! holds a key that opens what it carries. Invariant: everything is bounded, and a session's stamps are durable before its end
//! is told.
mod courier;
mod directory;
mod error;
mod forward;
mod limits;
mod listed;
mod reach;
mod registration;
mod service;
mod stamps;
mod store;
#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use listed::{Error, Listed, Relays, verify};
pub use reach::Scope;
pub use registration::Registrar;
pub use service::Relay;

use crate::report::Oracle;
use anyhow::Context as _;
use gpux_proto::{relay::relay_service_server::RelayServiceServer, signing::SigningKey};
use std::{path::PathBuf, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::TcpIncoming};

/// Streams of one connection: a fisher's sessions and descriptions.
const STREAMS_MAX: u32 = 64;
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long sessions and connections may take to end after a stop.
const GRACE: Duration = Duration::from_secs(5);

/// What a relay is made of.
#[derive(Debug)]
pub struct Options {
    /// The key that signs stamps.
    pub key: SigningKey,
    /// How it is registered.
    pub registrar: Registrar,
    /// The oracle that knows nodes and takes stamps.
    pub oracle: Oracle,
    /// Where undelivered stamps are kept.
    pub data: PathBuf,
    /// Which addresses it connects to.
    pub scope: Scope,
    /// How much it carries.
    pub limits: Limits,
}

/// Serves on a listener until `stop`: registers, carries, delivers. Returns when every session has ended and its stamps are
/// kept.
pub async fn serve(relay: Relay, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let (sessions, courier) = (relay.sessions(), relay.courier());
    let registered = relay.registered(stop.clone());
    // A frame is small and awaited: held back for a fuller packet it would cost a round trip of a timed window.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let service = RelayServiceServer::new(relay).max_decoding_message_size(forward::MESSAGE_BYTES_MAX);
    let server = Server::builder()
        .max_concurrent_streams(STREAMS_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(service);
    let halt = CancellationToken::new();
    let delivering = tokio::spawn(courier.run(halt.clone()));
    let served = server.serve_with_incoming_shutdown(incoming, stop.cancelled());
    // A renter that keeps its connection open must not keep the relay from stopping.
    let cut = async {
        stop.cancelled().await;
        sessions.close();
        let _ = tokio::time::timeout(GRACE, sessions.wait()).await;
    };
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result.context("the server failed"),
        Err(error) = registered => Err(error),
        () = cut => match tokio::time::timeout(GRACE, served).await {
            Ok(result) => result.context("the server failed"),
            Err(_) => Ok(()),
        },
    };
    stop.cancel();
    sessions.close();
    let _ = tokio::time::timeout(GRACE, sessions.wait()).await;
    halt.cancel();
    let _ = delivering.await;
    result
}
