//! `stream` and `link`: passes over blocks, and trips.

use gpux_kernels::{Digest, Key, ProbeId, Shape, merkle};

use crate::Comparison;
use crate::assert_same;
use crate::buffer::Buffer;
use crate::library::{Kernel, Library};
use crate::random::{Random, key_words};
use crate::reference::{Reference, compare_bytes};
use crate::walk::Chunks;

const BLOCK_BYTES: usize = 64 << 10;
const BLOCK: u32 = 256;

/// Fills memory in two launches.
fn filled(library: &Library, blocks: u32, fill: &Key, random: &mut Random) -> Result<Chunks, String> {
    let mut memory = Chunks::new(blocks, BLOCK_BYTES, random.between(0, 2));
    let [k0, k1, ..] = key_words(fill);
    let cut = random.between(0, blocks - 1);
    for (first, count) in [(0, cut), (cut, blocks - cut)].into_iter().filter(|(_, count)| *count > 0) {
        let kernel = Kernel { module: "stream", name: "gpux_block_fill", grid: [count, 1], block: BLOCK };
        library.launch(&kernel, &[memory.table.address(), memory.shift.into(), first.into(), k0, k1], random)?;
    }
    Ok(memory)
}

fn pass(library: &Library, memory: &mut Chunks, blocks: u32, key: &Key, random: &mut Random) -> Result<Buffer, String> {
    let [k0, k1, k2, k3] = key_words(key);
    let mut leaves = Buffer::new(blocks as usize * 32);
    let kernel = Kernel { module: "stream", name: "gpux_stream", grid: [blocks, 1], block: BLOCK };
    let arguments = [memory.table.address(), memory.shift.into(), blocks.into(), k0, k1, k2, k3, leaves.address()];
    library.launch(&kernel, &arguments, random)?;
    Ok(leaves)
}

/// Three passes in place, one upon the other.
pub(crate) const STREAM: Comparison = |library, random| {
    let blocks = random.between(1, 5);
    let fill = random.fill_key();
    let mut memory = filled(library, blocks, &fill, random)?;
    let mut reference = Reference::new(ProbeId::Stream, Shape::Pass { blocks }, &fill);
    for round in 0..3 {
        let key = random.key();
        let leaves = pass(library, &mut memory, blocks, &key, random)?;
        let compared = reference.compare(&key, &leaves.read_digests()?);
        compared.map_err(|difference| format!("pass {round} over {blocks} blocks: {difference}"))?;
    }
    Ok(())
};

/// Alternates between device and host.
fn alternated(library: &Library, key: &Key, trips: u32, random: &mut Random) -> Result<Vec<u8>, String> {
    let mut state = key.as_bytes().to_vec();
    for _ in 0..trips {
        let mut on_device = Buffer::of(&state);
        let kernel = Kernel { module: "link", name: "gpux_trip", grid: [1, 1], block: 1 };
        library.launch(&kernel, &[on_device.address()], random)?;
        state = blake3::hash(&on_device.read()?).as_bytes().to_vec();
    }
    Ok(state)
}

/// A pass out of place, whose blocks are those of `stream`, and some trips.
pub(crate) const LINK: Comparison = |library, random| {
    let (blocks, trips) = (random.between(1, 4), random.between(0, 5));
    let (fill, key) = (random.fill_key(), random.key());
    let [k0, k1, k2, k3] = key_words(&key);
    // The host's buffer; `stream` fills it where the library has it, so that the pass in place can be compared.
    let mut memory = filled(&crate::library::UNCHANGED, blocks, &fill, random)?;
    let content = memory.read()?;
    let (mut from, mut to) = (Buffer::of(&content), Buffer::new(content.len()));
    let mut leaves = Buffer::new((blocks as usize + 1) * 32);
    let kernel = Kernel { module: "link", name: "gpux_link", grid: [blocks, 1], block: BLOCK };
    let counts = [blocks.into(), (blocks + 1).into()];
    let arguments = [from.address(), to.address(), counts[0], counts[1], k0, k1, k2, k3, leaves.address()];
    library.launch(&kernel, &arguments, random)?;
    pass(&crate::library::UNCHANGED, &mut memory, blocks, &key, random)?;
    compare_bytes("the buffer that is read", &from.read()?, &content)?;
    compare_bytes("the buffer that is written", &to.read()?, &memory.read()?)?;

    let state = alternated(library, &key, trips, random)?;
    let mut digests: Vec<Digest> = leaves.read_digests()?;
    digests[blocks as usize] = merkle::unit_leaf(blocks, blocks + 1, &state);
    let compared = Reference::new(ProbeId::Link, Shape::Link { blocks, trips }, &fill).compare(&key, &digests);
    compared.map_err(|difference| format!("{blocks} blocks and {trips} trips: {difference}"))
};

#[test]
fn stream_agrees_with_the_crate() {
    assert_same(STREAM, 8);
}

#[test]
fn link_agrees_with_the_crate() {
    assert_same(LINK, 8);
}
