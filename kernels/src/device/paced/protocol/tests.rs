use std::io::{self, Cursor, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::catalogue::by_name;
use crate::device::paced::{Behaviour, Card, PacedClient, PacedModel};
use crate::device::{DeviceKind, cpu::CpuDevice};
use crate::probe::{ProbeId, Shape};

fn model(behaviour: Behaviour) -> PacedModel {
    PacedModel::new(by_name("GeForce RTX 3060 12 GB").unwrap().clone(), Card::new(), behaviour)
}

fn small() -> Parameters {
    Parameters { probe: ProbeId::Vram, shape: Shape::Walk { cells: 0, walkers: 5, steps: 3, hard: 4 }, scale: 1 << 14 }
}

/// What a peer sends, and what is sent to it.
struct Peer {
    sent: Cursor<Vec<u8>>,
    received: Vec<u8>,
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.sent.read(buffer)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn served(sent: Vec<u8>) -> (Result<(), Error>, Vec<u8>) {
    let mut peer = Peer { sent: Cursor::new(sent), received: Vec::new() };
    let ended = serve(&mut peer, &mut model(Behaviour::Honest));
    (ended, peer.received)
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes(), body].concat()
}

/// Answers one client with `answers` and returns what `ask` makes of them.
fn asked<T>(answers: Vec<u8>, ask: impl FnOnce(UnixStream) -> T) -> T {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (&theirs).write_all(&answers).unwrap();
    theirs.shutdown(std::net::Shutdown::Write).unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    ask(ours)
}

proptest! {
    #[test]
    fn hostile_requests_never_panic_the_server(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let (_, answer) = served(bytes);
        prop_assert!(answer.len() <= 4 + FRAME_MAX);
    }

    #[test]
    fn framed_garbage_never_panics_the_server(tag in 0u8..6, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_, answer) = served(framed(&[&[tag], body.as_slice()].concat()));
        prop_assert!(answer.len() <= 4 + FRAME_MAX);
    }

    #[test]
    fn hostile_answers_never_panic_the_client(bytes in prop::collection::vec(any::<u8>(), 0..300), status in 0u8..3) {
        let _ = asked(bytes.clone(), |stream| PacedClient::connect(stream).map(|_| ()));
        let info = framed(&[&[RESULT], [0u8; 8].as_slice(), b"card"].concat());
        let answers = [info, framed(&[&[status], bytes.as_slice()].concat())].concat();
        let opened = asked(answers, |stream| PacedClient::connect(stream).unwrap().open(&Key::first(&[0; 32], 0), &[1, 2]));
        if let Ok(opened) = opened {
            prop_assert!(opened.len() == 2 && opened.iter().all(|unit| unit.path.len() <= PATH_MAX));
        }
    }

    #[test]
    fn opened_units_travel(paths in prop::collection::vec(prop::collection::vec(any::<[u8; 32]>(), 0..21), 0..9)) {
        let unit = |path: &Vec<Digest>| OpenedUnit { leaf: [path.len() as u8; 32], path: path.clone() };
        let opened: Vec<_> = paths.iter().map(unit).collect();
        let bytes = encode_opened(&opened).unwrap();
        prop_assert_eq!(decode_opened(&bytes, opened.len()).unwrap(), opened);
        prop_assert!(decode_opened(&bytes, paths.len() + 1).is_err());
    }
}

#[test]
fn lengths_are_refused_before_anything_is_allocated() {
    for length in [0u32, FRAME_MAX as u32 + 1, u32::MAX] {
        let (ended, answer) = served(length.to_le_bytes().to_vec());
        assert!(matches!(ended, Err(Error::Protocol("frame length"))));
        assert!(answer.is_empty());
    }
    assert!(matches!(served(vec![9, 0, 0, 0, 1]).0, Err(Error::Io(_))));
    assert!(served(Vec::new()).0.is_ok());
}

#[test]
fn refusals_are_answered_and_the_conversation_goes_on() {
    let round = framed(&[&[ROUND], [3u8; 32].as_slice()].concat());
    let (ended, answer) = served([round, framed(&[INFO])].concat());
    assert!(ended.is_ok());
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(text.contains("not prepared") && text.contains("RTX 3060"), "{text}");
}

#[test]
fn long_texts_are_cut_at_a_character() {
    assert_eq!(cut(&"é".repeat(200)).len(), TEXT_MAX);
    assert_eq!(cut(&format!("x{}", "é".repeat(200))).len(), TEXT_MAX - 1);
}

#[test]
fn client_and_cpu_device_agree() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || serve(theirs, &mut model(Behaviour::Honest)));
    let mut client = PacedClient::connect(ours).unwrap();
    assert_eq!(client.info().kind, DeviceKind::Paced);
    let fill = Key::fill(&[1; 32], 0);
    let cells = client.prepare(&small(), &fill).unwrap().cells;
    assert_eq!(cells, client.info().usable_bytes / 64 / (1 << 14));
    let Shape::Walk { walkers, steps, hard, .. } = small().shape else { panic!("not a memory probe") };
    let named = Parameters { shape: Shape::Walk { cells, walkers, steps, hard }, ..small() };
    let mut cpu = CpuDevice::new(2).with_usable_bytes(1 << 20);
    cpu.prepare(&named, &fill).unwrap();
    let key = Key::first(&[2; 32], 0);
    assert_eq!(client.round(&key).unwrap(), cpu.round(&key).unwrap());
    assert_eq!(client.open(&key, &[4, 0]).unwrap(), cpu.open(&key, &[4, 0]).unwrap());
    assert!(matches!(client.open(&key, &[5]), Err(Error::Refused(_))));
    assert!(matches!(client.open(&key, &[0; OPENED_MAX + 1]), Err(Error::TooMany(_))));
    drop(client);
    assert!(server.join().unwrap().is_ok());
}
