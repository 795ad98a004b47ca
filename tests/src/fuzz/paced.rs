//! The socket between a job and a simulated card: each side meets any bytes of the other.

use gpux_kernels::{
    Key, Parameters,
    device::{
        Device, DeviceInfo, DeviceKind, Error, OPENED_MAX, OpenedUnit, Prepared,
        paced::{PacedClient, serve},
    },
    merkle::PATH_MAX,
};
use std::{
    io::{self, Cursor, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

/// A device that answers at once and computes nothing: what is searched is who talks to it.
#[derive(Debug, Default)]
pub(super) struct Idle {
    units: u32,
    /// Rounds that may be asked for, so that no input runs for long.
    rounds: u32,
}

impl Idle {
    /// A device that computes so many rounds.
    pub(super) fn new(rounds: u32) -> Self {
        Self { units: 0, rounds }
    }
}

impl Device for Idle {
    fn info(&self) -> DeviceInfo {
        DeviceInfo { kind: DeviceKind::Paced, name: "idle".repeat(100), usable_bytes: 1 << 30 }
    }

    fn prepare(&mut self, parameters: &Parameters, _fill: &Key) -> Result<Prepared, Error> {
        parameters.validate()?;
        let cells = parameters.cells_for(1 << 30);
        self.units = parameters.units_per_round(cells);
        Ok(Prepared { cells })
    }

    fn round(&mut self, key: &Key) -> Result<[u8; 32], Error> {
        self.rounds = self.rounds.checked_sub(1).ok_or(Error::NotPrepared)?;
        Ok(*key.as_bytes())
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
        if units.len() > OPENED_MAX {
            return Err(Error::TooMany(units.len()));
        }
        if let Some(&unit) = units.iter().find(|unit| **unit >= self.units) {
            return Err(Error::NoSuchUnit { unit, units: self.units });
        }
        Ok(units.iter().map(|_| OpenedUnit { leaf: *key.as_bytes(), path: vec![[1; 32]; PATH_MAX] }).collect())
    }
}

struct Peer {
    sent: Cursor<Vec<u8>>,
    received: usize,
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sent.read(buffer)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first byte says which side is hostile.
pub(super) fn run(input: &[u8]) {
    let Some((side, bytes)) = input.split_first() else { return };
    if side % 2 == 0 { requests(bytes) } else { answers(bytes) }
}

fn requests(bytes: &[u8]) {
    let mut peer = Peer { sent: Cursor::new(bytes.to_vec()), received: 0 };
    let _ = serve(&mut peer, &mut Idle::new(64));
    // A request takes at least five bytes, an answer at most all openings with the longest paths.
    assert!(peer.received <= bytes.len().div_ceil(5) * (4 + 1 + OPENED_MAX * (33 + PATH_MAX * 32)));
}

/// A client asks everything once, whatever it is answered.
fn answers(bytes: &[u8]) {
    let Ok((ours, mut theirs)) = UnixStream::pair() else { return };
    let sent = theirs.write_all(bytes).and_then(|()| theirs.shutdown(std::net::Shutdown::Write));
    if sent.and(ours.set_read_timeout(Some(Duration::from_secs(5)))).is_err() {
        return;
    }
    let Ok(mut card) = PacedClient::connect(ours) else { return };
    let key = Key::first(&[0; 32], 0);
    let plan = gpux_kernels::plan::plan(gpux_kernels::ProbeId::Imma, gpux_kernels::plan::Market::Development);
    let _ = plan.map(|plan| card.prepare(&plan.parameters, &key));
    let _ = card.round(&key);
    if let Ok(opened) = card.open(&key, &[1, 2]) {
        assert!(opened.len() == 2 && opened.iter().all(|unit| unit.path.len() <= PATH_MAX));
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes(), body].concat()
}

/// Whole conversations of both sides.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let plan = gpux_kernels::plan::plan(gpux_kernels::ProbeId::Vram, gpux_kernels::plan::Market::Development);
    let parameters = plan.map(|plan| plan.parameters.to_bytes()).unwrap_or_default();
    let ask = |tag: u8, rest: &[u8]| framed(&[&[tag], [3; 32].as_slice(), rest].concat());
    let asked = [framed(&[1]), ask(2, &parameters), ask(3, &[]), ask(4, &[1, 0, 0, 0, 2, 0, 0, 0])].concat();
    let opened = [[7; 32].as_slice(), &[1], &[8; 32]].concat().repeat(2);
    let answer = |body: &[u8]| framed(&[&[0], body].concat());
    let answered =
        [answer(&[&[0; 8], b"card".as_slice()].concat()), answer(&[9; 8]), answer(&[7; 32]), answer(&opened)].concat();
    vec![[vec![0], asked].concat(), [vec![1], answered].concat(), [vec![1], framed(b"\x01no")].concat()]
}
