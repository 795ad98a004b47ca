//! The fisher's side: asks, times with its own clock, and compares digests. Nothing is subtracted: a round trip or a
//! digest's way back that the other side delays makes its figures worse.
use super::{Error, Line, PIECE_BYTES, SILENCE_MAX, TRANSFER_MAX};
use gpux_kernels::{
    Key, measure as figure,
    net::{AGREED, Received, Request, Source, TRANSFER_BYTES_MAX, distance_metres_max},
};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};

/// The first transfer: large enough for a guess of the rate, small enough for any line.
const FIRST_BYTES: u64 = 256 << 10;
/// By how much a transfer may grow from one to the next.
const GROWTH_MAX: f64 = 16.0;
/// Bits of a byte.
const BITS: f64 = 8.0;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Round trips; the shortest counts.
    pub pings: u32,
    /// Transfers each way; the median counts.
    pub windows: u32,
    /// How long a transfer should take.
    pub window: Duration,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Bits a second from the other side to this one: the median transfer.
    pub down_bits_per_second: f64,
    /// Bits a second from this side to the other.
    pub up_bits_per_second: f64,
    /// The shortest round trip.
    pub round_trip_min: Duration,
    /// How far the other side can be at most, in metres.
    pub distance_metres_max: f64,
}

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

/// Measures the way to whoever answers on `stream`.
pub async fn measure<S: AsyncRead + AsyncWrite + Unpin>(stream: S, plan: &Plan) -> Result<Figures, Error> {
    let mut line = Line { stream };
    line.greet().await?;
    let mut round_trip_min = Duration::MAX;
    for _ in 0..plan.pings.max(1) {
        round_trip_min = round_trip_min.min(line.ping().await?);
    }
    Ok(Figures {
        down_bits_per_second: line.rate(Way::Down, plan).await?,
        up_bits_per_second: line.rate(Way::Up, plan).await?,
        round_trip_min,
        distance_metres_max: distance_metres_max(round_trip_min),
    })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(bytes)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    async fn ping(&mut self) -> Result<Duration, Error> {
        let what = "a ping";
        let nonce: [u8; 8] = random()?;
        let start = Instant::now();
        let deadline = start + SILENCE_MAX;
        self.write(what, &Request::Ping { nonce: u64::from_le_bytes(nonce) }.to_bytes(), deadline).await?;
        let mut heard = [0; 8];
        self.read(what, &mut heard, deadline).await?;
        if heard == nonce { Ok(start.elapsed()) } else { Err(Error::Answer(what)) }
    }

    /// Finds how many bytes fill a window, then transfers them `windows` times; bits a second of the median.
    async fn rate(&mut self, way: Way, plan: &Plan) -> Result<f64, Error> {
        let mut bytes = FIRST_BYTES;
        loop {
            let took = self.transfer(way, bytes).await?;
            let factor = plan.window.as_secs_f64() / took.as_secs_f64().max(1e-9);
            let enough = took * 2 >= plan.window || bytes == TRANSFER_BYTES_MAX;
            bytes = ((bytes as f64 * factor.min(GROWTH_MAX)) as u64).clamp(FIRST_BYTES, TRANSFER_BYTES_MAX);
            if enough {
                break;
            }
        }
        let mut rates = Vec::new();
        for _ in 0..plan.windows.max(1) {
            rates.push(figure::rate(bytes.into(), self.transfer(way, bytes).await?));
        }
        Ok(figure::median(&rates).unwrap_or(0.0) * BITS)
    }

    async fn transfer(&mut self, way: Way, bytes: u64) -> Result<Duration, Error> {
        match way {
            Way::Down => self.down(bytes).await,
            Way::Up => self.up(bytes).await,
        }
    }

    async fn down(&mut self, bytes: u64) -> Result<Duration, Error> {
        let what = "receiving";
        let key = Key::from_bytes(random()?);
        let start = Instant::now();
        let deadline = start + TRANSFER_MAX;
        self.write(what, &Request::Down { key, bytes }.to_bytes(), deadline).await?;
        let (mut source, mut received) = (Source::new(key), Received::default());
        let (mut piece, mut expected) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
        let mut left = bytes;
        let mut same = true;
        while left > 0 {
            let size = left.min(PIECE_BYTES as u64) as usize;
            self.read(what, &mut piece[..size], deadline).await?;
            source.fill(&mut expected[..size]);
            same &= piece[..size] == expected[..size];
            received.take(&piece[..size]);
            left -= size as u64;
        }
        let took = start.elapsed();
        if !same {
            return Err(Error::Differs("from the other side"));
        }
        self.write(what, &received.digest(), deadline).await?;
        let mut agreed = [0];
        self.read(what, &mut agreed, deadline).await?;
        if agreed == [AGREED] { Ok(took) } else { Err(Error::Answer("a digest")) }
    }

    async fn up(&mut self, bytes: u64) -> Result<Duration, Error> {
        let what = "sending";
        // The other side never learns the key: it cannot know the digest before the last byte is there.
        let (mut source, mut sent) = (Source::new(Key::from_bytes(random()?)), Received::default());
        let start = Instant::now();
        let deadline = start + TRANSFER_MAX;
        self.write(what, &Request::Up { bytes }.to_bytes(), deadline).await?;
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
        if digest == sent.digest() { Ok(start.elapsed()) } else { Err(Error::Differs("by the other side")) }
    }
}
