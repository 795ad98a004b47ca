//! The probe `net` on both sides: an end point that any stranger may speak to, and a fisher whom an end point answers as it
//! likes. The fisher's nonces and keys are random; no promise hangs on them.

use gpux_kernels::{
    Key,
    net::{PREFACE, Received, Request, Source},
};
use gpux_prober::net::{Error, Plan, answer, measure};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

/// What a stranger takes before he hangs up: the first pieces of a transfer, and what follows them.
const TAKEN_MAX: usize = 1 << 20;
/// Bytes on their way between an honest end point and its fisher.
const WAY_BYTES: usize = 64 << 10;
/// One transfer to find the size and one to measure, each way, without a clock that would decide how large they are.
const PLAN: Plan = Plan { pings: 2, windows: 1, window: Duration::ZERO };

/// The first byte says who is hostile, and how.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    runtime.block_on(async {
        match kind % 3 {
            0 => {
                if let Ok(travelled) = answer(Stranger::new(bytes)).await {
                    assert!(travelled <= (bytes.len() + TAKEN_MAX) as u64, "what travelled was said or taken");
                }
            }
            1 => assert!(measure(Stranger::new(bytes), &PLAN).await.is_err(), "nobody guesses a nonce"),
            _ => edited(bytes).await,
        }
    });
}

/// An honest end point whose answers are changed on the way: three bytes say where, one how; 0 cuts the way off.
async fn edited(bytes: &[u8]) {
    let Some(([a, b, c, change], _)) = bytes.split_first_chunk() else { return };
    let (ours, theirs) = duplex(WAY_BYTES);
    let mut reached = false;
    let at = usize::from_le_bytes([*a, *b, *c, 0, 0, 0, 0, 0]);
    let line = Edited { line: ours, left: at, change: *change, reached: &mut reached };
    let (measured, answered) = tokio::join!(measure(line, &PLAN), answer(theirs));
    match measured {
        Ok(_) => assert!(!reached && answered.is_ok(), "a byte that the end point did not say was taken"),
        Err(error) => assert!(reached && !matches!(error, Error::Silence(_)), "{error}"),
    }
}

/// Says what it has to say, and takes so much.
#[derive(Debug)]
struct Stranger<'a> {
    says: &'a [u8],
    taken: usize,
}

impl<'a> Stranger<'a> {
    fn new(says: &'a [u8]) -> Self {
        Self { says, taken: 0 }
    }
}

impl AsyncRead for Stranger<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.says.split_at(buffer.remaining().min(self.says.len()));
        buffer.put_slice(now);
        self.says = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stranger<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.taken += bytes.len();
        let hangs_up = self.taken > TAKEN_MAX;
        Poll::Ready(if hangs_up { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A way on which one byte is changed, or after which nothing comes.
#[derive(Debug)]
struct Edited<'a> {
    line: DuplexStream,
    /// Bytes before it.
    left: usize,
    change: u8,
    /// Whether anybody read so far.
    reached: &'a mut bool,
}

impl AsyncRead for Edited<'_> {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.change == 0 && this.left == 0 {
            *this.reached = true;
            return Poll::Ready(Ok(()));
        }
        let most = if this.change == 0 { buffer.remaining().min(this.left) } else { buffer.remaining() };
        let mut piece = vec![0; most];
        let mut part = ReadBuf::new(&mut piece);
        let polled = Pin::new(&mut this.line).poll_read(task, &mut part);
        let read = part.filled_mut();
        if this.change != 0 && !*this.reached && this.left < read.len() {
            read[this.left] ^= this.change;
            *this.reached = true;
        }
        this.left = this.left.saturating_sub(read.len());
        buffer.put_slice(read);
        polled
    }
}

impl AsyncWrite for Edited<'_> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(task)
    }
}

/// What a fisher says, what an end point says, and changes of what it says: of the preface, of bytes, of the last digest.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let (key, bytes) = (Key::first(&[7; 32], 0), 1_000);
    let (mut piece, mut received) = (vec![0; bytes], Received::default());
    Source::new(key).fill(&mut piece);
    received.take(&piece);
    let asked = [
        PREFACE.as_slice(),
        &Request::Ping { nonce: 5 }.to_bytes(),
        &Request::Down { key, bytes: bytes as u64 }.to_bytes(),
        &received.digest(),
        &Request::Up { bytes: bytes as u64 }.to_bytes(),
        &piece,
    ];
    let edit = |at: u32, change: u8| [&[2], &at.to_le_bytes()[..3], &[change]].concat();
    let mut seeds =
        vec![[vec![0], asked.concat()].concat(), [vec![1], [PREFACE.as_slice(), &[0; 8]].concat()].concat()];
    seeds.extend([edit(3, 1), edit(100_000, 0x80), edit(524_350, 1), edit(300_000, 0), edit(0xff_ffff, 1)]);
    seeds
}
