//! How memory is taken: all that is usable, in pieces that get smaller until they fit.

use super::recording::Call;
use super::*;
use crate::device::cuda::driver::Argument;
use crate::device::cuda::prepare;
use crate::device::{Error, Prepared, cuda};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

fn all_cells() -> Parameters {
    parameters(ProbeId::Vram, Shape::Walk { cells: 0, walkers: 1, steps: 1, hard: 4 })
}

/// Prepares on a card, and returns the sizes of the pieces and all that is held.
fn taken(card: Card, parameters: &Parameters) -> (Result<Prepared, Error>, Vec<u64>, u64) {
    let (mut device, driver) = device(card);
    let prepared = device.prepare(parameters, &fill());
    let log = driver.log();
    let pieces = log.held.values().copied().filter(|bytes| *bytes >= MIB).collect();
    (prepared, pieces, log.held.values().sum())
}

#[test]
fn all_usable_memory_is_taken_in_the_largest_pieces() {
    let card = Card::default();
    let (prepared, pieces, held) = taken(card, &all_cells());
    let cells = prepared.unwrap().cells;
    let bytes = 64 * cells;
    assert_eq!(bytes, prepare::usable(16 * GIB));
    assert!(bytes > 16 * GIB / 100 * 99 && held < 16 * GIB);
    assert!(pieces.len() == 16 && pieces[..15].iter().all(|piece| *piece == GIB), "{pieces:?}");

    let blocks = parameters(ProbeId::Stream, Shape::Pass { blocks: 0 });
    let (prepared, pieces, held) = taken(card, &blocks);
    assert_eq!(prepared.unwrap().cells, prepare::usable(16 * GIB) >> 16);
    // The leaves are below a thousandth, and more than a mebibyte.
    assert!(pieces.len() == 17 && held < 16 * GIB);
}

#[test]
fn pieces_get_smaller_until_they_fit() {
    let named = parameters(ProbeId::Vram, Shape::Walk { cells: GIB / 64, walkers: 1, steps: 1, hard: 4 });
    let (prepared, pieces, _) = taken(Card { piece_bytes: 300 * MIB, ..Card::default() }, &named);
    assert_eq!(prepared.unwrap().cells, GIB / 64);
    assert_eq!(pieces, [256 * MIB; 4]);
}

#[test]
fn memory_that_cannot_be_had_is_an_error_that_says_how_much() {
    // Only what is smaller than the smallest piece can be allocated.
    let card = Card { piece_bytes: 2 * MIB - 1, ..Card::default() };
    let named = parameters(ProbeId::Vram, Shape::Walk { cells: 5 * MIB / 64, walkers: 1, steps: 1, hard: 4 });
    let (prepared, _, held) = taken(card, &named);
    let error = prepared.unwrap_err();
    assert!(
        matches!(&error, Error::Cuda(cuda::Error::Memory { asked, got: 0, piece }) if *asked == 5 * MIB && *piece == 2 * MIB)
    );
    assert_eq!(
        error.to_string(),
        "of 5242880 bytes of memory only 0 could be allocated, in pieces of 2097152 bytes and more"
    );
    assert_eq!(held, 0);
    // More than there is is refused before anything is allocated.
    let (mut device, driver) = device(Card { memory_bytes: GIB, ..Card::default() });
    let refused = device
        .prepare(&parameters(ProbeId::Vram, Shape::Walk { cells: 1 << 40, walkers: 1, steps: 1, hard: 4 }), &fill());
    assert!(matches!(refused, Err(Error::Memory { asked, .. }) if asked == 64 << 40), "{refused:?}");
    assert_eq!(driver.log().allocated, []);
}

#[test]
fn a_card_that_is_to_fill_everything_fills_what_it_gets() {
    let whole = prepare::usable(GIB);
    let (mut device, driver) = device(Card { memory_bytes: GIB, ..Card::default() });
    driver.take_secretly(200 * MIB);
    let cells = device.prepare(&all_cells(), &fill()).unwrap().cells;
    assert!(64 * cells < whole - 128 * MIB && 64 * cells > whole - 400 * MIB, "{} of {whole}", 64 * cells);
    let filled = driver.calls().into_iter().filter_map(|call| match call {
        Call::Launch(_, _, arguments) => match arguments[3] {
            Argument::U64(count) => Some(count),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(filled.sum::<u64>(), cells, "what is claimed is filled");
}

#[test]
fn a_card_with_nothing_to_fill_is_refused() {
    let (prepared, _, held) = taken(Card { memory_bytes: 64 * MIB, ..Card::default() }, &all_cells());
    assert!(matches!(prepared, Err(Error::Memory { usable: 0, .. })), "{prepared:?}");
    assert_eq!(held, 0);
}

#[test]
fn the_memory_of_a_session_is_given_back_before_the_next() {
    let (mut device, driver) = device(Card::default());
    for _ in 0..3 {
        let cells = device.prepare(&all_cells(), &fill()).unwrap().cells;
        assert_eq!(64 * cells, prepare::usable(16 * GIB));
    }
    drop(device);
    assert!(driver.log().held.is_empty() && driver.log().modules.is_empty());
}
