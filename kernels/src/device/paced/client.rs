//! The job's side of a simulated card.
//!
//! The node hands the socket over as file descriptor 3, outside of J (evidence.md, Formats). Its presence is what makes
//! evidence say `simulated`. The card's answers are bounded and checked like anything from a host.
#![allow(unsafe_code)] // Borrowing file descriptor 3, once.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use super::protocol::{self, INFO, OPEN, PREPARE, REFUSED, RESULT, ROUND, TEXT_MAX};
use crate::device::{Device, DeviceInfo, DeviceKind, Error, OPENED_MAX, OpenedUnit, Prepared, RoundRoot};
use crate::key::Key;
use crate::probe::Parameters;

/// Where the node leaves the socket.
const DESCRIPTOR: i32 = 3;

/// A simulated card, driven over a socket.
#[derive(Debug)]
pub struct PacedClient {
    stream: UnixStream,
    info: DeviceInfo,
}

impl PacedClient {
    /// Asks the card at the other end what it is.
    pub fn connect(mut stream: UnixStream) -> Result<Self, Error> {
        let answer = ask(&mut stream, &[INFO])?;
        let (usable, name) = answer.split_first_chunk::<8>().ok_or(Error::Protocol("info too short"))?;
        let name = std::str::from_utf8(name).map_err(|_| Error::Protocol("name is not text"))?;
        if name.len() > TEXT_MAX {
            return Err(Error::Protocol("name too long"));
        }
        let usable_bytes = u64::from_le_bytes(*usable);
        Ok(Self { stream, info: DeviceInfo { kind: DeviceKind::Paced, name: name.to_owned(), usable_bytes } })
    }

    /// Connects to the card on file descriptor 3; `None` when that is not open or no Unix socket.
    pub fn from_fd3() -> Result<Option<Self>, Error> {
        // SAFETY: the borrow lives for this call only and is used for nothing but duplication, which the kernel
        // refuses when the descriptor is not open; nothing in this process closes descriptor 3 meanwhile.
        let borrowed = unsafe { BorrowedFd::borrow_raw(DESCRIPTOR) };
        let Ok(owned) = borrowed.try_clone_to_owned() else { return Ok(None) };
        let stream = UnixStream::from(owned);
        // Only a connected Unix socket has a peer: files, pipes and network sockets fail here.
        match stream.peer_addr() {
            Ok(_) => Self::connect(stream).map(Some),
            Err(_) => Ok(None),
        }
    }
}

fn ask(stream: &mut UnixStream, request: &[u8]) -> Result<Vec<u8>, Error> {
    protocol::write_frame(stream, request)?;
    let answer = protocol::read_frame(stream)?.ok_or(Error::Protocol("closed without an answer"))?;
    match answer.split_first() {
        Some((&RESULT, result)) => Ok(result.to_vec()),
        Some((&REFUSED, message)) if message.len() <= TEXT_MAX => {
            Err(Error::Refused(String::from_utf8_lossy(message).into_owned()))
        }
        _ => Err(Error::Protocol("no such answer")),
    }
}

impl Device for PacedClient {
    fn info(&self) -> DeviceInfo {
        self.info.clone()
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, Error> {
        parameters.validate()?;
        let request = [&[PREPARE], fill.as_bytes().as_slice(), &parameters.to_bytes()].concat();
        let answer = ask(&mut self.stream, &request)?;
        let cells = answer.try_into().map_err(|_| Error::Protocol("cells"))?;
        Ok(Prepared { cells: u64::from_le_bytes(cells) })
    }

    fn round(&mut self, key: &Key) -> Result<RoundRoot, Error> {
        let answer = ask(&mut self.stream, &[&[ROUND], key.as_bytes().as_slice()].concat())?;
        answer.try_into().map_err(|_| Error::Protocol("root"))
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, Error> {
        if units.len() > OPENED_MAX {
            return Err(Error::TooMany(units.len()));
        }
        let mut request = [&[OPEN], key.as_bytes().as_slice()].concat();
        units.iter().for_each(|unit| request.extend(unit.to_le_bytes()));
        protocol::decode_opened(&ask(&mut self.stream, &request)?, units.len())
    }
}
