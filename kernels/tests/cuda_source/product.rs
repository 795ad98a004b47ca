//! `imma` and `hmma`: expansion of operands, and products.

use gpux_kernels::merkle;
use gpux_kernels::philox::philox;
use gpux_kernels::{Digest, Key, ProbeId, Shape};

use crate::Comparison;
use crate::assert_same;
use crate::buffer::Buffer;
use crate::compiler::Sources;
use crate::library::{Kernel, Library};
use crate::random::{Random, key_words};
use crate::reference::{Reference, compare_bytes};

/// Edge of a tile on a device.
const TILE: u32 = 128;

/// What tells the two probes apart.
struct Width {
    probe: ProbeId,
    module: &'static str,
    expand: &'static str,
    multiply: &'static str,
    /// Streams of the left and the right operand.
    streams: [u32; 2],
    value_bytes: u32,
    /// Turns random bytes into the bytes of values.
    encode: fn([u8; 16]) -> [u8; 16],
}

const BYTES: Width = Width {
    probe: ProbeId::Imma,
    module: "imma",
    expand: "gpux_expand_i8",
    multiply: "gpux_imma",
    streams: [1, 2],
    value_bytes: 1,
    encode: |bytes| bytes,
};

const HALVES: Width = Width {
    probe: ProbeId::Hmma,
    module: "hmma",
    expand: "gpux_expand_f16",
    multiply: "gpux_hmma",
    streams: [3, 4],
    value_bytes: 2,
    encode: |bytes| {
        let words = bytes.as_chunks::<2>().0.iter().map(|two| u32::from(u16::from_le_bytes(*two)));
        let values: Vec<u8> = words.flat_map(|word| half(((word * 511) >> 16) as i32 - 255).to_le_bytes()).collect();
        values.try_into().expect("eight values")
    },
};

/// The binary16 of a small integer: sign, exponent with bias 15, ten bits behind the leading one.
fn half(value: i32) -> u16 {
    let magnitude = value.unsigned_abs();
    let Some(exponent) = magnitude.checked_ilog2() else { return 0 };
    let mantissa = (magnitude << (10 - exponent)) & 0x3FF;
    (u32::from(value < 0) << 15 | (exponent + 15) << 10 | mantissa) as u16
}

/// Operands in device memory: rows padded to whole tiles, and to lines of 128 bytes.
struct Matrices {
    n: u32,
    k: u32,
    /// Blocks of 16 bytes a row.
    pitch: u32,
}

impl Matrices {
    fn draw(width: &Width, random: &mut Random) -> Self {
        // One tile, cut, or some; and a depth of less than a step up to many runs.
        let n = if random.between(0, 2) == 0 { random.between(1, 127) } else { random.between(129, 270) };
        let k = if random.between(0, 2) == 0 { random.between(1, 130) } else { random.between(131, 700) };
        let lines = (k * width.value_bytes).div_ceil(128) + random.between(0, 1);
        Self { n, k, pitch: lines * 8 }
    }

    fn rows(&self) -> u32 {
        self.n.next_multiple_of(TILE)
    }

    fn bytes(&self) -> usize {
        (self.rows() * self.pitch) as usize * 16
    }

    fn blocks_used(&self, width: &Width) -> u32 {
        (self.k * width.value_bytes).div_ceil(16)
    }

    /// An operand by its definition.
    fn expected(&self, width: &Width, stream: u32, key: &Key) -> Vec<u8> {
        let [k0, k1, ..] = key_words(key);
        let (blocks, row_bytes) = (self.blocks_used(width), (self.k * width.value_bytes) as usize);
        let mut all = Vec::with_capacity(self.bytes());
        for row in 0..self.rows() {
            let mut bytes = Vec::new();
            for block in 0..if row < self.n { blocks } else { 0 } {
                let words = philox([row * blocks + block, 0, stream, 0], [k0 as u32, k1 as u32]);
                let random: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                bytes.extend((width.encode)(random.try_into().expect("sixteen bytes")));
            }
            bytes.truncate(row_bytes);
            bytes.resize(self.pitch as usize * 16, 0);
            all.extend(bytes);
        }
        all
    }

    fn expand(
        &self,
        library: &Library,
        (width, stream): (&Width, u32),
        key: &Key,
        random: &mut Random,
    ) -> Result<Buffer, String> {
        let [k0, k1, ..] = key_words(key);
        let mut out = Buffer::new(self.bytes());
        let grid = [self.pitch.div_ceil(256), self.rows()];
        let kernel = Kernel { module: width.module, name: width.expand, grid, block: 256 };
        let arguments = [out.address(), self.n.into(), self.k.into(), self.pitch.into(), stream.into(), k0, k1];
        library.launch(&kernel, &arguments, random)?;
        Ok(out)
    }

    fn multiply(
        &self,
        library: &Library,
        width: &Width,
        (left, right): (&mut Buffer, &mut Buffer),
        random: &mut Random,
    ) -> Result<Vec<Digest>, String> {
        let edge = self.n.div_ceil(TILE);
        let mut leaves = Buffer::new((edge * edge) as usize * 32);
        let kernel = Kernel { module: width.module, name: width.multiply, grid: [edge, edge], block: 256 };
        let arguments = [left.address(), right.address(), self.n.into(), self.pitch.into(), leaves.address()];
        library.launch(&kernel, &arguments, random)?;
        leaves.read_digests()
    }
}

/// Compares both operands, then the leaves of their product.
fn compare(library: &Library, width: &Width, matrices: Matrices, random: &mut Random) -> Result<(), String> {
    let key = random.key();
    let mut operands = Vec::new();
    for stream in width.streams {
        let out = matrices.expand(library, (width, stream), &key, random)?;
        compare_bytes(&format!("operand {stream}"), &out.read()?, &matrices.expected(width, stream, &key))?;
        operands.push(out);
    }
    let [left, right] = &mut operands[..] else { return Err("two operands".to_owned()) };
    let leaves = matrices.multiply(library, width, (left, right), random)?;
    let Matrices { n, k, pitch } = matrices;
    let compared = Reference::new(width.probe, Shape::Product { n, k, tile: TILE }, &key).compare(&key, &leaves);
    compared.map_err(|difference| format!("n = {n}, k = {k}, pitch {pitch}: {difference}"))
}

pub(crate) const IMMA: Comparison = |library, random| compare(library, &BYTES, Matrices::draw(&BYTES, random), random);
pub(crate) const HMMA: Comparison =
    |library, random| compare(library, &HALVES, Matrices::draw(&HALVES, random), random);

/// So many tiles that they are computed in another order than they are numbered.
pub(crate) const IMMA_OF_MANY_TILES: Comparison = |library, random| {
    let (n, k) = (random.between(8 * TILE + 1, 10 * TILE), random.between(1, 100));
    compare(library, &BYTES, Matrices { n, k, pitch: 8 }, random)
};

/// The change by which products run as on cards of level 75.
pub(crate) const WITHOUT_ASYNCHRONOUS_COPIES: (&str, &str, &str) =
    ("mma.cuh", "#define GPUX_ASYNC_COPY 1", "#define GPUX_ASYNC_COPY 0");

/// All values the largest, so that a sum in single precision grows as fast as it can: a run that is too long reaches
/// 2^24, which the shim reports.
pub(crate) const HMMA_OF_LARGEST: Comparison = |library, random| {
    let (n, k) = (random.between(1, 40), random.between(257, 1_500));
    let matrices = Matrices { n, k, pitch: (k * 2).div_ceil(128) * 8 };
    let operand = |sign: i32| {
        let mut row = half(sign * 255).to_le_bytes().repeat(k as usize);
        row.resize(matrices.pitch as usize * 16, 0);
        let mut all = row.repeat(n as usize);
        all.resize(matrices.bytes(), 0);
        Buffer::of(&all)
    };
    let sign = if random.between(0, 1) == 0 { 1 } else { -1 };
    let leaves = matrices.multiply(library, &HALVES, (&mut operand(1), &mut operand(sign)), random)?;
    let value = sign * 255 * 255 * k as i32;
    let result = (value as u16).to_le_bytes().repeat((n * n) as usize);
    if leaves == [merkle::unit_leaf(0, 1, &result)] { Ok(()) } else { Err(format!("n = {n}, k = {k} differs")) }
};

#[test]
fn imma_agrees_with_the_crate() {
    assert_same(IMMA, 10);
}

#[test]
fn hmma_agrees_with_the_crate() {
    assert_same(HMMA, 10);
}

#[test]
fn imma_of_many_tiles_agrees_with_the_crate() {
    assert_same(IMMA_OF_MANY_TILES, 1);
}

#[test]
fn products_without_asynchronous_copies_agree_with_the_crate() {
    let (file, from, to) = WITHOUT_ASYNCHRONOUS_COPIES;
    let sources = Sources::read().changed(file, from, to);
    let library = Library::load(&sources.library(&["imma", "hmma"]));
    for case in 0..4 {
        for comparison in [IMMA, HMMA] {
            assert_eq!(comparison(&library, &mut Random::new(case)), Ok(()), "case {case}");
        }
    }
}

#[test]
fn hmma_is_exact_on_the_largest_operands() {
    assert_same(HMMA_OF_LARGEST, 6);
}
