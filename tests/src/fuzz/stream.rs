//! Messages cut out of a stream: where it is cut changes nothing, and what is read is what a writer would have written.

use gpux_proto::{
    evidence::{JobInput, JobOutput},
    stream::{self, MESSAGE_BYTES_MAX, Reader},
};
use prost::Message;
use std::fmt::Debug;

/// The first byte says how the rest is cut, the second whose messages it holds.
pub(super) fn run(input: &[u8]) {
    let Some(([cut, node], bytes)) = input.split_first_chunk() else { return };
    if node % 2 == 0 { check::<JobInput>(bytes, *cut) } else { check::<JobOutput>(bytes, *cut) }
}

fn check<M: Message + Default + PartialEq + Debug>(bytes: &[u8], cut: u8) {
    let whole = read::<M>(bytes, bytes.len().max(1));
    assert_eq!(read::<M>(bytes, 1 + usize::from(cut)), whole, "the cut of a stream changes what is read");
    let written: Vec<u8> = whole.0.iter().flat_map(stream::encode).collect();
    let (again, end) = read::<M>(&written, MESSAGE_BYTES_MAX);
    assert_eq!((again, end), (whole.0, Ok(true)), "what was read is read again");
}

/// The messages, and whether nothing was left or why there are no more.
fn read<M: Message + Default>(bytes: &[u8], cut: usize) -> (Vec<M>, Result<bool, stream::Error>) {
    let (mut reader, mut messages) = (Reader::default(), Vec::new());
    for piece in bytes.chunks(cut) {
        reader.push(piece);
        loop {
            match reader.take() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    (messages, Ok(reader.is_empty()))
}

/// A whole conversation of each side, but for what is large in it.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let talk = super::transcript::Transcript::honest(0);
    let of = |node: bool| {
        let said = talk.said.iter().filter(|said| said.node == node).take(12);
        [vec![40, u8::from(node)], said.flat_map(|said| said.data.clone()).collect()].concat()
    };
    vec![of(false), of(true)]
}
