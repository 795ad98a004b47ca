//! The side that answers: an end point that a fisher, or the owner of a machine, runs where the way to it is to be measured.
//! It is open to everybody, so it holds a piece a connection, a few connections at once, and each for a limited time.
use super::{Error, Line, PIECE_BYTES, SILENCE_MAX, TRANSFER_MAX};
use gpux_kernels::net::{AGREED, REQUEST_BYTES, Received, Request, Source};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, ToSocketAddrs},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Connections that are answered at the same time; more are closed at once.
pub const CONNECTIONS_MAX: usize = 16;
/// How long one connection is answered.
const CONNECTION_MAX: Duration = Duration::from_secs(600);
/// The pause after the system gave no connection, so that a lack of file descriptors does not spin.
const PAUSE: Duration = Duration::from_millis(200);

/// A listening end point.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

impl Endpoint {
    /// Binds.
    pub async fn bind(address: impl ToSocketAddrs) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is told to stop.
    pub async fn serve(self, stop: CancellationToken) {
        let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
                debug!(%peer, "closed: too many connections");
                continue;
            };
            let stop = stop.clone();
            tokio::spawn(async move {
                // Without it a ping would wait for an earlier answer's acknowledgement.
                let _ = stream.set_nodelay(true);
                let answered = tokio::select! {
                    answered = timeout(CONNECTION_MAX, answer(stream)) => answered,
                    () = stop.cancelled() => return,
                };
                match answered {
                    Ok(Ok(bytes)) => debug!(%peer, bytes, "answered"),
                    Ok(Err(error)) => debug!(%peer, %error, "gave up"),
                    Err(_) => debug!(%peer, "gave up: it takes too long"),
                }
                drop(permit);
            });
        }
    }
}

/// Answers requests until the other side closes the connection; returns the bytes that travelled.
pub async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<u64, Error> {
    let mut line = Line { stream };
    line.greet().await?;
    let mut travelled = 0;
    while let Some(request) = line.request().await? {
        match request {
            Request::Ping { nonce } => {
                line.write("a ping", &nonce.to_le_bytes(), Instant::now() + SILENCE_MAX).await?;
            }
            Request::Down { key, bytes } => {
                line.send(&mut Source::new(key), bytes).await?;
                travelled += bytes;
            }
            Request::Up { bytes } => {
                line.receive(bytes).await?;
                travelled += bytes;
            }
        }
    }
    Ok(travelled)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// The next request; none when the other side closed between two.
    async fn request(&mut self) -> Result<Option<Request>, Error> {
        let mut bytes = [0; REQUEST_BYTES];
        let what = "waiting for a request";
        let (first, rest) = bytes.split_at_mut(1);
        match timeout(SILENCE_MAX, self.stream.read(first)).await {
            Err(_) => return Err(Error::Silence(what)),
            Ok(Err(error)) => return Err(Error::Broken(what, error)),
            Ok(Ok(0)) => return Ok(None),
            Ok(Ok(_)) => {}
        }
        self.read(what, rest, Instant::now() + SILENCE_MAX).await?;
        Ok(Some(Request::from_bytes(&bytes)?))
    }

    pub(super) async fn send(&mut self, source: &mut Source, bytes: u64) -> Result<(), Error> {
        let (what, deadline) = ("sending", Instant::now() + TRANSFER_MAX);
        let mut sent = Received::default();
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = bytes;
        while left > 0 {
            let size = left.min(PIECE_BYTES as u64) as usize;
            source.fill(&mut piece[..size]);
            self.write(what, &piece[..size], deadline).await?;
            sent.take(&piece[..size]);
            left -= size as u64;
        }
        let mut digest = [0; 32];
        self.read(what, &mut digest, deadline).await?;
        if digest != sent.digest() {
            return Err(Error::Differs("by the other side"));
        }
        self.write(what, &[AGREED], deadline).await?;
        self.stream.flush().await.map_err(|error| Error::Broken(what, error))
    }

    async fn receive(&mut self, bytes: u64) -> Result<(), Error> {
        let (what, deadline) = ("receiving", Instant::now() + TRANSFER_MAX);
        let mut received = Received::default();
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = bytes;
        while left > 0 {
            let size = left.min(PIECE_BYTES as u64) as usize;
            self.read(what, &mut piece[..size], deadline).await?;
            received.take(&piece[..size]);
            left -= size as u64;
        }
        self.write(what, &received.digest(), deadline).await
    }
}
