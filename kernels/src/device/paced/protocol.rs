//! The bytes between a job and the simulated card that its node offers.
//!
//! A frame is a length (u32, little-endian, at most [`FRAME_MAX`]) and that many bytes; a request begins with its
//! tag, an answer with 0 (result) or 1 (a message). Either side may be hostile to the other: lengths are checked
//! before anything is allocated, and what is malformed ends the conversation.

use std::io::{Read, Write};

use crate::device::{Device, Error, OPENED_MAX, OpenedUnit};
use crate::key::{Digest, Key};
use crate::merkle::PATH_MAX;
use crate::probe::Parameters;

/// The longest frame: all openings of a session with the longest paths.
pub(super) const FRAME_MAX: usize = OPENED_MAX * (32 + 1 + PATH_MAX * 32) + 1;
/// The longest name or message.
pub(super) const TEXT_MAX: usize = 256;

pub(super) const INFO: u8 = 1;
pub(super) const PREPARE: u8 = 2;
pub(super) const ROUND: u8 = 3;
pub(super) const OPEN: u8 = 4;

pub(super) const RESULT: u8 = 0;
pub(super) const REFUSED: u8 = 1;

pub(super) fn write_frame(stream: &mut impl Write, frame: &[u8]) -> Result<(), Error> {
    if frame.len() > FRAME_MAX {
        return Err(Error::Protocol("frame too long"));
    }
    let mut bytes = Vec::with_capacity(4 + frame.len());
    bytes.extend((frame.len() as u32).to_le_bytes());
    bytes.extend(frame);
    stream.write_all(&bytes)?;
    Ok(stream.flush()?)
}

/// Reads a frame; `None` when the peer closed between frames.
pub(super) fn read_frame(stream: &mut impl Read) -> Result<Option<Vec<u8>>, Error> {
    let mut length = [0u8; 4];
    let mut first = 0;
    while first == 0 {
        first = match stream.read(&mut length[..1]) {
            Ok(0) => return Ok(None),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error.into()),
        };
    }
    stream.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length) as usize;
    if length == 0 || length > FRAME_MAX {
        return Err(Error::Protocol("frame length"));
    }
    let mut frame = vec![0u8; length];
    stream.read_exact(&mut frame)?;
    Ok(Some(frame))
}

pub(super) fn encode_opened(opened: &[OpenedUnit]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for unit in opened {
        let length = u8::try_from(unit.path.len()).map_err(|_| Error::Protocol("path too long"))?;
        bytes.extend(unit.leaf);
        bytes.push(length);
        bytes.extend(unit.path.as_flattened());
    }
    Ok(bytes)
}

pub(super) fn decode_opened(mut bytes: &[u8], count: usize) -> Result<Vec<OpenedUnit>, Error> {
    let short = Error::Protocol("opened units too short");
    let mut opened = Vec::new();
    for _ in 0..count {
        let Some((head, rest)) = bytes.split_first_chunk::<33>() else { return Err(short) };
        let length = usize::from(head[32]);
        if length > PATH_MAX {
            return Err(Error::Protocol("path too long"));
        }
        let Some((path, rest)) = rest.split_at_checked(length * 32) else { return Err(short) };
        let mut leaf = Digest::default();
        leaf.copy_from_slice(&head[..32]);
        opened.push(OpenedUnit { leaf, path: path.as_chunks::<32>().0.to_vec() });
        bytes = rest;
    }
    if bytes.is_empty() { Ok(opened) } else { Err(Error::Protocol("opened units too long")) }
}

/// Cuts a text to what fits, at a character.
pub(super) fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Serves a card to one job until the job closes the stream. Blocks: give it a thread of its own.
///
/// What the device refuses is answered; what is no request ends the conversation with an error.
pub fn serve(stream: impl Read + Write, device: &mut impl Device) -> Result<(), Error> {
    let mut stream = stream;
    while let Some(request) = read_frame(&mut stream)? {
        let frame = match answer(&request, device) {
            Ok(result) => [&[RESULT], result.as_slice()].concat(),
            Err(error @ (Error::Protocol(_) | Error::Io(_))) => return Err(error),
            Err(error) => [&[REFUSED], cut(&error.to_string()).as_bytes()].concat(),
        };
        write_frame(&mut stream, &frame)?;
    }
    Ok(())
}

fn key(bytes: &[u8]) -> Result<(Key, &[u8]), Error> {
    let (key, rest) = bytes.split_first_chunk::<32>().ok_or(Error::Protocol("key too short"))?;
    Ok((Key::from_bytes(*key), rest))
}

fn answer(request: &[u8], device: &mut impl Device) -> Result<Vec<u8>, Error> {
    match request.split_first() {
        Some((&INFO, [])) => {
            let info = device.info();
            Ok([&info.usable_bytes.to_le_bytes(), cut(&info.name).as_bytes()].concat())
        }
        Some((&PREPARE, rest)) => {
            let (fill, parameters) = key(rest)?;
            let prepared = device.prepare(&Parameters::from_bytes(parameters)?, &fill)?;
            Ok(prepared.cells.to_le_bytes().to_vec())
        }
        Some((&ROUND, rest)) => match key(rest)? {
            (key, []) => Ok(device.round(&key)?.to_vec()),
            _ => Err(Error::Protocol("round request too long")),
        },
        Some((&OPEN, rest)) => {
            let (key, rest) = key(rest)?;
            let (words, tail) = rest.as_chunks::<4>();
            if !tail.is_empty() || words.len() > OPENED_MAX {
                return Err(Error::Protocol("units of an open request"));
            }
            let units: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
            encode_opened(&device.open(&key, &units)?)
        }
        _ => Err(Error::Protocol("no such request")),
    }
}

#[cfg(test)]
mod tests;
