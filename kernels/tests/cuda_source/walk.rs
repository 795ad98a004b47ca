//! `vram`: cells in scattered chunks, and walks over them.

use gpux_kernels::philox::philox;
use gpux_kernels::{Key, ProbeId, Shape};

use crate::Comparison;
use crate::assert_same;
use crate::buffer::Buffer;
use crate::library::{Kernel, Library};
use crate::random::{Random, key_words};
use crate::reference::{Reference, compare_bytes};

const CELL_BYTES: usize = 64;
const CELL_STREAM: u32 = 11;

/// Memory in chunks of 2^shift units, whose addresses the device reads from a table; the last chunk is cut.
pub(crate) struct Chunks {
    pub(crate) shift: u32,
    chunks: Vec<Buffer>,
    pub(crate) table: Buffer,
}

impl Chunks {
    pub(crate) fn new(units: u32, unit_bytes: usize, shift: u32) -> Self {
        let each = 1u32 << shift;
        let lengths = (0..units.div_ceil(each)).map(|chunk| (units - chunk * each).min(each));
        let mut chunks: Vec<_> = lengths.map(|length| Buffer::new(length as usize * unit_bytes)).collect();
        let addresses: Vec<u64> = chunks.iter_mut().map(Buffer::address).collect();
        Self { shift, chunks, table: Buffer::of_addresses(&addresses) }
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let parts: Result<Vec<_>, _> = self.chunks.iter().map(Buffer::read).collect();
        Ok(parts?.concat())
    }
}

/// The cell's last four calls, little-endian.
fn cell(index: u32, hard: u32, key: &Key) -> Vec<u8> {
    let [k0, k1, ..] = key_words(key);
    let mut block = [index, 0, CELL_STREAM, 0];
    let mut calls = Vec::new();
    for _ in 0..hard {
        block = philox(block, [k0 as u32, k1 as u32]);
        calls.push(block);
    }
    calls[hard as usize - 4..].as_flattened().iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn compare(library: &Library, random: &mut Random) -> Result<(), String> {
    let (cells, shift) = (random.between(1, 900), random.between(0, 10));
    let (walkers, steps, hard) = (random.between(1, 70), random.between(1, 60), random.between(4, 12));
    let (fill, key) = (random.fill_key(), random.key());
    let mut memory = Chunks::new(cells, CELL_BYTES, shift);
    let [k0, k1, ..] = key_words(&fill);
    // In two launches, as memory of more than a grid is filled.
    let cut = random.between(0, cells - 1);
    for (first, count) in [(0, cut), (cut, cells - cut)].into_iter().filter(|(_, count)| *count > 0) {
        let kernel = Kernel { module: "vram", name: "gpux_fill", grid: [count.div_ceil(256), 1], block: 256 };
        let arguments = [memory.table.address(), shift.into(), first.into(), count.into(), hard.into(), k0, k1];
        library.launch(&kernel, &arguments, random)?;
    }
    let expected: Vec<u8> = (0..cells).flat_map(|index| cell(index, hard, &fill)).collect();
    compare_bytes("the fill", &memory.read()?, &expected)?;

    let [k0, k1, ..] = key_words(&key);
    let mut leaves = Buffer::new(walkers as usize * 32);
    let kernel = Kernel { module: "vram", name: "gpux_walk", grid: [walkers.div_ceil(32), 1], block: 32 };
    let table = memory.table.address();
    let arguments = [table, shift.into(), cells.into(), walkers.into(), steps.into(), k0, k1, leaves.address()];
    library.launch(&kernel, &arguments, random)?;
    let shape = Shape::Walk { cells: cells.into(), walkers, steps, hard };
    let compared = Reference::new(ProbeId::Vram, shape, &fill).compare(&key, &leaves.read_digests()?);
    compared.map_err(|difference| format!("walk of {steps} steps over {cells} cells in 2^{shift}: {difference}"))
}

pub(crate) const VRAM: Comparison = compare;

#[test]
fn vram_agrees_with_the_crate() {
    assert_same(VRAM, 16);
}
