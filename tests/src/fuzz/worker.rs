//! The worker's input: whatever a renter says, the job answers in turn or ends with a word.

use super::paced::Idle;
use gpux_kernels::{Parameters, device::Device};
use gpux_prober::job::{self, Error};
use gpux_proto::{evidence::JobOutput, stream};
use std::{
    io::{self, Cursor, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// The most rounds that a device computes.
const ROUNDS: u32 = 8;
/// The most bytes of a session with so few rounds: all openings with the longest paths, and what else is said.
const OUTPUT_BYTES_MAX: usize = 2 << 20;

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives a few bytes at a time.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

fn devices(parameters: &Parameters) -> Result<Vec<Box<dyn Device>>, Error> {
    let count = if parameters.scale.is_multiple_of(2) { 1 } else { 2 };
    Ok((0..count).map(|_| Box::new(Idle::new(ROUNDS)) as Box<dyn Device>).collect())
}

/// The first byte says in which pieces the rest arrives.
pub(super) fn run(input: &[u8]) {
    let Some((size, bytes)) = input.split_first() else { return };
    let input = Pieces { bytes: Cursor::new(bytes.to_vec()), size: 1 + usize::from(*size) * 16 };
    let output = Output::default();
    let ended = job::serve(input, output.clone(), devices);
    let said = output.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(said.len() <= OUTPUT_BYTES_MAX, "{} bytes were said", said.len());
    let mut reader = stream::Reader::default();
    reader.push(&said);
    let mut last = None;
    while let Ok(Some(message)) = reader.take::<JobOutput>() {
        last = message.message;
    }
    assert!(reader.is_empty(), "what a job says are whole messages");
    let failed = matches!(last, Some(gpux_proto::evidence::job_output::Message::Failure(_)));
    assert_eq!(ended.is_err(), failed, "an error is told, and nothing else ends with one");
}

/// What the renter of an honest session says.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let of = |which: u8| {
        let talk = super::transcript::Transcript::honest(which);
        let said = talk.said.into_iter().filter(|said| !said.node);
        [vec![4], said.flat_map(|said| said.data).collect()].concat()
    };
    (0..4).map(of).collect()
}
