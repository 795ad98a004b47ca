//! Rounds as the card sees them: every launch with its geometry and arguments, and every copy.

use super::recording::Call;
use super::*;
use crate::block::BLOCK_BYTES;
use crate::device::Error;
use crate::device::cuda::driver::{Address, Argument, Geometry};
use crate::device::cuda::launches::tree;
use crate::merkle::{self, Domain};

/// Leaves, nodes, and what the probe allocates after them, in this order.
fn buffers(driver: &Recording) -> Vec<Address> {
    driver.log().allocated.iter().map(|(address, _)| *address).collect()
}

fn launch<const N: usize>(kernel: &str, grid: [u32; 2], block: u32, arguments: [Argument; N]) -> Call {
    Call::Launch(kernel.into(), Geometry { grid, block }, arguments.into())
}

macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { [$(Argument::from($argument)),*] };
}

fn reduced(from: Address, count: u32, to: Address) -> Call {
    launch("gpux_tree", [count.div_ceil(512), 1], 256, arguments![from, count, to])
}

/// The words of the key, and the two of the fill's that kernels take.
const K0: u32 = 0x0403_0201;
const K1: u32 = 0x0807_0605;
const K2: u32 = 0x0C0B_0A09;
const K3: u32 = 0x100F_0E0D;
const F0: u32 = 0xA3A2_A1A0;
const F1: u32 = 0xA7A6_A5A4;

fn shape(probe: ProbeId) -> Shape {
    SHAPES.into_iter().find(|(other, _)| *other == probe).map(|(_, shape)| shape).unwrap()
}

/// What a round makes the card do.
fn round(probe: ProbeId) -> (Vec<Call>, Vec<Address>) {
    let (mut device, driver) = prepared(probe, shape(probe));
    driver.calls();
    // The card answers every download with the same bytes.
    let top = [0xC4; 32];
    let units = parameters(probe, shape(probe)).units_per_round(parameters(probe, shape(probe)).cells_for(0));
    assert_eq!(device.round(&key()).unwrap(), merkle::seal(Domain::Round, units, &top));
    (driver.calls(), buffers(&driver))
}

#[test]
fn imma_expands_and_multiplies() {
    let (calls, at) = round(ProbeId::Imma);
    let [leaves, nodes, left, right] = at[..] else { panic!("{at:?}") };
    let expand = |to: Address, stream: u32| {
        launch("gpux_expand_i8", [1, 384], 256, arguments![to, 300u32, 1_000u32, 64u32, stream, K0, K1])
    };
    let expected = [
        expand(left, 1),
        expand(right, 2),
        launch("gpux_imma", [3, 3], 256, arguments![left, right, 300u32, 64u32, leaves]),
        reduced(leaves, 9, nodes),
        Call::Download(nodes, 32),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn hmma_has_eight_values_a_block_and_one_tile_no_tree() {
    let (calls, at) = round(ProbeId::Hmma);
    let [leaves, _, left, right] = at[..] else { panic!("{at:?}") };
    // 375 blocks of eight values, up to 376.
    let expand = |to: Address, stream: u32| {
        launch("gpux_expand_f16", [2, 128], 256, arguments![to, 100u32, 3_000u32, 376u32, stream, K0, K1])
    };
    let expected = [
        expand(left, 3),
        expand(right, 4),
        launch("gpux_hmma", [1, 1], 256, arguments![left, right, 100u32, 376u32, leaves]),
        Call::Download(leaves, 32),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn chains_are_one_launch() {
    let (calls, at) = round(ProbeId::Fma32);
    let [leaves, nodes] = at[..] else { panic!("{at:?}") };
    let expected = [
        launch("gpux_fma32", [3, 1], 256, arguments![513u32, 99u32, K0, K1, leaves]),
        reduced(leaves, 513, nodes),
        reduced(nodes, 2, nodes.plus(2 * 32)),
        Call::Download(nodes.plus(2 * 32), 32),
    ];
    assert_eq!(calls, expected);

    let (calls, at) = round(ProbeId::Fma64);
    let expected =
        [launch("gpux_fma64", [1, 1], 256, arguments![1u32, 98u32, K0, K1, at[0]]), Call::Download(at[0], 32)];
    assert_eq!(calls, expected);

    let (calls, at) = round(ProbeId::Dp4a);
    assert_eq!(calls[0], launch("gpux_dp4a", [1_025, 1], 256, arguments![262_145u32, 97u32, K0, K1, at[0]]));
}

/// The address table of two pieces that are allocated after `at`.
fn table(pieces: &[Address]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.0.to_le_bytes()).collect()
}

#[test]
fn vram_is_filled_piece_by_piece_and_walked() {
    let (mut device, driver) = prepared(ProbeId::Vram, shape(ProbeId::Vram));
    let at = buffers(&driver);
    let [leaves, nodes, first, second, addresses] = at[..] else { panic!("{at:?}") };
    let sizes: Vec<u64> = driver.log().allocated.iter().map(|(_, bytes)| *bytes).collect();
    assert_eq!(sizes, [65 * 32, 32, 1 << 30, 77 * 64, 2 * 8]);
    let filled = |grid, first: u64, count: u64| {
        launch("gpux_fill", [grid, 1], 256, arguments![addresses, 24u32, first, count, 9u32, F0, F1])
    };
    let expected = [
        Call::Upload(addresses, table(&[first, second])),
        filled(1 << 16, 0, 1 << 24),
        filled(1, 1 << 24, 77),
        Call::Synchronise,
    ];
    assert_eq!(driver.calls(), expected);

    device.round(&key()).unwrap();
    let cells = (1u64 << 24) + 77;
    let expected = [
        launch("gpux_walk", [3, 1], 32, arguments![addresses, 24u32, cells, 65u32, 33u32, K0, K1, leaves]),
        reduced(leaves, 65, nodes),
        Call::Download(nodes, 32),
    ];
    assert_eq!(driver.calls(), expected);
}

#[test]
fn stream_passes_over_all_blocks_and_is_replayed_from_where_it_stands() {
    let (mut device, driver) = prepared(ProbeId::Stream, shape(ProbeId::Stream));
    let at = buffers(&driver);
    let [leaves, nodes, first, second, addresses] = at[..] else { panic!("{at:?}") };
    let filled =
        |count, first: u64| launch("gpux_block_fill", [count, 1], 256, arguments![addresses, 14u32, first, F0, F1]);
    let fills = [filled(1 << 14, 0), filled(7, 1 << 14)];
    let uploaded = Call::Upload(addresses, table(&[first, second]));
    assert_eq!(driver.calls(), [&[uploaded], &fills[..], &[Call::Synchronise]].concat());

    let blocks = (1u32 << 14) + 7;
    let pass = |key: &Key| {
        let [k0, k1, k2, k3] = key.quad();
        launch("gpux_stream", [blocks, 1], 256, arguments![addresses, 14u32, blocks, k0, k1, k2, k3, leaves])
    };
    let up = nodes.plus(33 * 32);
    let reduced = [reduced(leaves, blocks, nodes), reduced(nodes, 33, up), Call::Download(up, 32)];
    assert_eq!(key().quad(), [K0, K1, K2, K3]);
    let keys = [key(), fill(), Key::from_bytes([9; 32])];
    for key in &keys {
        device.round(key).unwrap();
        assert_eq!(driver.calls(), [&[pass(key)], &reduced[..]].concat());
    }
    // Before where memory stands: from the fill on.
    let brought = Call::Download(leaves, 32 * blocks as usize);
    device.open(&keys[0], &[0]).unwrap();
    assert_eq!(driver.calls(), [&fills[..], &[pass(&keys[0]), brought.clone()]].concat());
    // Behind it: only what is between.
    device.open(&keys[2], &[0]).unwrap();
    assert_eq!(driver.calls(), [pass(&keys[1]), pass(&keys[2]), brought.clone()]);
    device.open(&keys[2], &[0]).unwrap();
    assert_eq!(driver.calls(), [&fills[..], &keys.each_ref().map(pass)[..], &[brought]].concat());
    // A round after an opening comes after all rounds.
    device.open(&keys[0], &[0]).unwrap();
    driver.calls();
    let next = Key::from_bytes([8; 32]);
    device.round(&next).unwrap();
    assert_eq!(driver.calls(), [&[pass(&keys[1]), pass(&keys[2]), pass(&next)], &reduced[..]].concat());
    assert!(matches!(device.open(&Key::from_bytes([7; 32]), &[0]), Err(Error::NoSuchRound)));
    assert_eq!(driver.calls(), []);
}

#[test]
fn link_goes_there_and_back_and_makes_trips() {
    let (calls, at) = round(ProbeId::Link);
    let [leaves, nodes, from, to, state] = at[..] else { panic!("{at:?}") };
    let blocks: Vec<u8> =
        (0..3).flat_map(|block| crate::block::filled(&fill(), block).concat()).flat_map(u32::to_le_bytes).collect();
    let trip = launch("gpux_trip", [1, 1], 1, arguments![state]);
    // The card's answer, hashed once more by the host.
    let hashed = *blake3::hash(&[0xC4; 32]).as_bytes();
    let expected = [
        Call::Upload(from, blocks),
        launch("gpux_link", [3, 1], 256, arguments![from, to, 3u32, 4u32, K0, K1, K2, K3, leaves]),
        Call::Download(to, 3 * BLOCK_BYTES),
        Call::Upload(state, key().as_bytes().to_vec()),
        trip.clone(),
        Call::Download(state, 32),
        Call::Upload(state, hashed.to_vec()),
        trip,
        Call::Download(state, 32),
        Call::Upload(leaves.plus(3 * 32), merkle::unit_leaf(3, 4, &hashed).to_vec()),
        reduced(leaves, 4, nodes),
        Call::Download(nodes, 32),
    ];
    assert_eq!(calls, expected);
}

#[test]
fn trees_are_reduced_until_one_node_is_left() {
    let (leaves, nodes) = (Address(0x1000), Address(0x9000));
    let counts = |count: u32| -> (Vec<(u32, u32)>, u64) {
        let (launches, top) = tree::reduction(leaves, count, nodes);
        let each = launches.iter().map(|launch| match launch.arguments[..] {
            [Argument::Address(_), Argument::U32(count), Argument::Address(_)] => (launch.geometry.grid[0], count),
            _ => panic!("{launch:?}"),
        });
        (each.collect(), top.0)
    };
    assert_eq!(counts(1), (vec![], 0x1000));
    assert_eq!(counts(511), (vec![(1, 511)], 0x9000));
    assert_eq!(counts(512), (vec![(1, 512)], 0x9000));
    assert_eq!(counts(513), (vec![(2, 513), (1, 2)], 0x9000 + 2 * 32));
    assert_eq!(counts(262_145), (vec![(513, 262_145), (2, 513), (1, 2)], 0x9000 + (513 + 2) * 32));
    let bytes = [1, 511, 512, 513, 262_145].map(tree::nodes_bytes);
    assert_eq!(bytes, [0, 32, 32, 3 * 32, 516 * 32]);
}

#[test]
fn an_opening_brings_all_leaves_and_no_tree() {
    for (probe, shape) in SHAPES {
        let (mut device, driver) = prepared(probe, shape);
        device.round(&key()).unwrap();
        driver.calls();
        let opened = device.open(&key(), &[0]).unwrap();
        assert_eq!(opened[0].leaf, [0xC4; 32]);
        let calls = driver.calls();
        let leaves = driver.log().allocated[0];
        assert_eq!(calls.last(), Some(&Call::Download(leaves.0, leaves.1 as usize)), "{probe}");
        assert!(!calls.iter().any(|call| matches!(call, Call::Launch(kernel, ..) if kernel == "gpux_tree")));
    }
}
