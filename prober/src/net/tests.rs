use super::*;
use gpux_kernels::{
    Key,
    net::{AGREED, REQUEST_BYTES, Received, Request, Source},
};
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

const PLAN: Plan = Plan { pings: 3, windows: 3, window: Duration::from_millis(50) };

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_fast_both_ways_and_near() {
    let endpoint = Endpoint::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (endpoint.address(), CancellationToken::new());
    let serving = tokio::spawn(endpoint.serve(stop.clone()));
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let figures = measure(stream, &PLAN).await.unwrap();
    // Any machine moves more than 10 Mbit/s within itself.
    assert!(figures.down_bits_per_second > 1e7 && figures.up_bits_per_second > 1e7, "{figures:?}");
    assert!(figures.round_trip_min < SILENCE_MAX && figures.distance_metres_max > 0.0);
    stop.cancel();
    serving.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "it still listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_allowed_are_closed_at_once() {
    let endpoint = Endpoint::bind("127.0.0.1:0").await.unwrap();
    let address = endpoint.address();
    tokio::spawn(endpoint.serve(CancellationToken::new()));
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut line = Line { stream: tokio::net::TcpStream::connect(address).await.unwrap() };
        line.greet().await.unwrap();
        open.push(line);
    }
    let mut one_more = Line { stream: tokio::net::TcpStream::connect(address).await.unwrap() };
    assert!(matches!(one_more.greet().await, Err(Error::Broken(..))));
    drop(open.pop());
    // The place is free once the end point has noticed.
    let mut answered = false;
    for _ in 0..100 {
        let mut line = Line { stream: tokio::net::TcpStream::connect(address).await.unwrap() };
        answered = line.greet().await.is_ok();
        if answered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answered, "no place became free");
}

/// How an end point misbehaves, once it was greeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Says nothing.
    Silent,
    /// Speaks another protocol.
    Foreign,
    /// Returns other nonces.
    OtherNonce,
    /// Sends less than it was asked for, then closes.
    Short,
    /// Sends other bytes than those of the key.
    OtherBytes,
    /// Sends without end.
    Endless,
    /// Takes no bytes.
    Deaf,
    /// Returns a digest before it could know it.
    Early,
}

/// Plays an end point and, where it misbehaves, holds the connection as long as the other side does.
async fn hostile(act: Act, stream: DuplexStream) -> Option<()> {
    let mut line = Line { stream };
    let far = Instant::now() + Duration::from_secs(3_600);
    match act {
        Act::Silent => std::future::pending().await,
        Act::Foreign => line.write("", b"HTTP/1.1 400 Bad Request\r\n", far).await.ok()?,
        _ => line.greet().await.ok()?,
    }
    loop {
        let mut bytes = [0; REQUEST_BYTES];
        line.stream.read_exact(&mut bytes).await.ok()?;
        match (act, Request::from_bytes(&bytes).ok()?) {
            (Act::OtherNonce, Request::Ping { nonce }) => {
                line.write("", &nonce.wrapping_add(1).to_le_bytes(), far).await.ok()?;
            }
            (_, Request::Ping { nonce }) => line.write("", &nonce.to_le_bytes(), far).await.ok()?,
            (Act::Short, Request::Down { key, bytes }) => {
                let mut piece = vec![0; bytes as usize / 2];
                Source::new(key).fill(&mut piece);
                return line.write("", &piece, far).await.ok();
            }
            (Act::OtherBytes, Request::Down { key, bytes }) => {
                let mut piece = vec![0; bytes as usize];
                Source::new(key).fill(&mut piece);
                piece[bytes as usize / 3] ^= 1;
                line.write("", &piece, far).await.ok()?;
            }
            (Act::Endless, Request::Down { key, bytes }) => {
                let mut piece = vec![0; bytes as usize];
                Source::new(key).fill(&mut piece);
                loop {
                    line.write("", &piece, far).await.ok()?;
                    // By chance the byte after the last one could say that the digests agree.
                    piece.fill(!AGREED);
                }
            }
            (_, Request::Down { key, bytes }) => line.send(&mut Source::new(key), bytes).await.ok()?,
            (Act::Deaf, Request::Up { .. }) => std::future::pending().await,
            (_, Request::Up { .. }) => {
                line.write("", &Received::default().digest(), far).await.ok()?;
                let mut ignored = vec![0; PIECE_BYTES];
                while line.stream.read(&mut ignored).await.ok()? > 0 {}
            }
        }
    }
}

async fn met(act: Act) -> Error {
    let (ours, theirs) = tokio::io::duplex(4 * PIECE_BYTES);
    tokio::spawn(hostile(act, theirs));
    measure(ours, &PLAN).await.expect_err("a hostile end point was measured")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_end_point_does_the_measurement_ends_with_a_word() {
    // Together, since some of them wait for a limit of seconds.
    let (silent, foreign, nonce, short) =
        tokio::join!(met(Act::Silent), met(Act::Foreign), met(Act::OtherNonce), met(Act::Short));
    assert!(matches!(silent, Error::Silence("greeting")), "{silent}");
    assert!(matches!(foreign, Error::Foreign), "{foreign}");
    assert!(matches!(nonce, Error::Answer("a ping")), "{nonce}");
    assert!(matches!(short, Error::Broken("receiving", _)), "{short}");
    let (bytes, endless, deaf, early) =
        tokio::join!(met(Act::OtherBytes), met(Act::Endless), met(Act::Deaf), met(Act::Early));
    assert!(matches!(bytes, Error::Differs("from the other side")), "{bytes}");
    assert!(matches!(endless, Error::Answer("a digest")), "{endless}");
    assert!(matches!(deaf, Error::Silence("sending")), "{deaf}");
    assert!(matches!(early, Error::Differs("by the other side")), "{early}");
}

/// Asks an end point something and returns how it ends.
async fn asked(bytes: &[u8]) -> Error {
    let (ours, theirs) = tokio::io::duplex(4 * PIECE_BYTES);
    let answering = tokio::spawn(answer(theirs));
    let mut line = Line { stream: ours };
    line.greet().await.unwrap();
    line.write("", bytes, Instant::now() + SILENCE_MAX).await.unwrap();
    let ended = answering.await.unwrap().expect_err("answered");
    drop(line);
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_point_is_not_held_up_by_garbage_silence_or_greed() {
    assert!(matches!(asked(&[9; REQUEST_BYTES]).await, Error::Request(_)));
    assert!(matches!(asked(&Request::Up { bytes: u64::MAX }.to_bytes()).await, Error::Request(_)));
    let (up, down) = (Request::Up { bytes: 100 }, Request::Down { key: Key::first(&[1; 32], 0), bytes: 1 << 30 });
    let (up, down) = (up.to_bytes(), down.to_bytes());
    // Asked for bytes that nobody takes, or told of bytes that never come.
    let (nothing, half, up, down) = tokio::join!(asked(&[]), asked(&[1, 2, 3]), asked(&up), asked(&down));
    assert!(matches!(nothing, Error::Silence("waiting for a request")), "{nothing}");
    assert!(matches!(half, Error::Silence("waiting for a request")), "{half}");
    assert!(matches!(up, Error::Silence("receiving")), "{up}");
    assert!(matches!(down, Error::Silence("sending")), "{down}");
}

#[tokio::test]
async fn a_wrong_digest_of_what_was_sent_is_refused() {
    let (ours, theirs) = tokio::io::duplex(4 * PIECE_BYTES);
    let answering = tokio::spawn(answer(theirs));
    let mut line = Line { stream: ours };
    line.greet().await.unwrap();
    let far = Instant::now() + SILENCE_MAX;
    let down = Request::Down { key: Key::first(&[1; 32], 0), bytes: 64 };
    line.write("", &down.to_bytes(), far).await.unwrap();
    line.read("", &mut [0; 64], far).await.unwrap();
    line.write("", &[7; 32], far).await.unwrap();
    assert!(matches!(answering.await.unwrap(), Err(Error::Differs(_))));
}
