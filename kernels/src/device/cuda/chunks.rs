//! Memory of any size in plain allocations: pieces of 2^shift units each, the last one cut, and a table of where they are.
//!
//! One allocation of all that is free fails on a card whose memory is in use here and there, so pieces get smaller until
//! all fit. Larger ones are tried first: a short table stays in the caches next to the cores.

use std::sync::Arc;

use super::Error;
use super::driver::{Address, Driver, Failure};
use super::owned::Buffer;

/// The largest piece.
pub(super) const PIECE_BYTES_MAX: u64 = 1 << 30;
/// The smallest piece: what drivers map at once, so that smaller ones find no more memory.
pub(super) const PIECE_BYTES_MIN: u64 = 2 << 20;

/// How kernels find a unit: its piece's address in the table, and its place in the piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) address: Address,
    pub(super) shift: u32,
}

/// Units that lie one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) first: u64,
    pub(super) count: u64,
}

/// Units of memory.
#[derive(Debug)]
pub(super) struct Chunks<D: Driver> {
    units: u64,
    shift: u32,
    table: Buffer<D>,
    /// Held, and used through the table only.
    _pieces: Vec<Buffer<D>>,
}

/// Cuts units into pieces.
fn cut(units: u64, shift: u32) -> impl ExactSizeIterator<Item = Piece> {
    let each = 1 << shift;
    // At most 2^24 pieces: memory has been compared with what the card has.
    let pieces = units.div_ceil(each) as u32;
    (0..pieces).map(move |piece| {
        let first = u64::from(piece) * each;
        Piece { first, count: each.min(units - first) }
    })
}

impl<D: Driver> Chunks<D> {
    /// Allocates `units` of `unit_bytes` each, a power of two up to the smallest piece.
    pub(super) fn new(driver: &Arc<D>, units: u64, unit_bytes: u64) -> Result<Self, Error> {
        let (mut piece_bytes, asked) = (PIECE_BYTES_MAX, units * unit_bytes);
        loop {
            let shift = (piece_bytes / unit_bytes).trailing_zeros();
            let got = match allocate(driver, cut(units, shift).map(|piece| piece.count * unit_bytes)) {
                Ok(pieces) => return Self::filed(driver, units, shift, pieces),
                Err(Stopped::Full { got }) => got,
                Err(Stopped::Failed(failure)) => return Err(failure.into()),
            };
            if piece_bytes == PIECE_BYTES_MIN {
                return Err(Error::Memory { asked, got, piece: piece_bytes });
            }
            piece_bytes /= 2;
        }
    }

    /// Writes the table.
    fn filed(driver: &Arc<D>, units: u64, shift: u32, pieces: Vec<Buffer<D>>) -> Result<Self, Error> {
        let addresses: Vec<u8> = pieces.iter().flat_map(|piece| piece.address().0.to_le_bytes()).collect();
        let table = Buffer::new(driver, addresses.len() as u64)?;
        table.write(0, &addresses)?;
        Ok(Self { units, shift, table, _pieces: pieces })
    }

    pub(super) fn table(&self) -> Table {
        Table { address: self.table.address(), shift: self.shift }
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> {
        cut(self.units, self.shift)
    }
}

/// Why not all pieces could be allocated.
enum Stopped {
    Full { got: u64 },
    Failed(Failure),
}

fn allocate<D: Driver>(driver: &Arc<D>, sizes: impl Iterator<Item = u64>) -> Result<Vec<Buffer<D>>, Stopped> {
    let mut pieces: Vec<Buffer<D>> = Vec::new();
    for bytes in sizes {
        match Buffer::new(driver, bytes) {
            Ok(piece) => pieces.push(piece),
            Err(Failure { code: Failure::OUT_OF_MEMORY, .. }) => {
                return Err(Stopped::Full { got: pieces.iter().map(Buffer::bytes).sum() });
            }
            Err(failure) => return Err(Stopped::Failed(failure)),
        }
    }
    Ok(pieces)
}
