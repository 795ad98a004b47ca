//! What a worker claims to have computed, and its openings: any numbers, and trees that are right but for some nodes.

use arbitrary::{Arbitrary, Unstructured};
use gpux_kernels::{
    Parameters, ProbeId, Shape, draw,
    key::{Digest, Key},
    merkle,
    session::{Claimed, Draw, Error, Opening, check_session, verify_session},
};

/// Bounds that keep an input quick; the verifier's own are far above.
const ROUNDS_MAX: u32 = 6;
const UNITS_MAX: u32 = 40;
const PARTS_MAX: usize = 4;

#[derive(Arbitrary, Debug)]
struct Claim {
    shape: u8,
    size: u16,
    steps: u8,
    scale: u64,
    windows: u8,
    devices: u8,
    rounds: [u8; 16],
    cells: [u16; 4],
    count: u16,
    lies: Vec<Lie>,
}

#[derive(Arbitrary, Debug)]
enum Lie {
    Rounds { window: u8, device: u8, rounds: u32 },
    Cells { device: u8, cells: u64 },
    Root(u8),
    RoundRoot { round: u8, byte: u8 },
    MoreRoots(u8),
    Seeds(u8),
    Parameters { which: u8, value: u64 },
    Index { opening: u8, index: u64 },
    Leaf { opening: u8, byte: u8 },
    Path { opening: u8, node: u8, byte: u8 },
    Shorter(u8),
    Longer(u8),
    Left(u8),
    Twice(u8),
}

fn parameters(claim: &Claim) -> Parameters {
    let size = 1 + u32::from(claim.size) % UNITS_MAX;
    let steps = 1 + u32::from(claim.steps);
    let (probe, shape) = match claim.shape % 8 {
        0 => (ProbeId::Imma, Shape::Product { n: size, k: steps, tile: 8 }),
        1 => (ProbeId::Hmma, Shape::Product { n: size, k: steps, tile: 7 }),
        2 => (ProbeId::Fma32, Shape::Chains { lanes: size, steps }),
        3 => (ProbeId::Cpu, Shape::Chains { lanes: size, steps }),
        4 => (ProbeId::Dp4a, Shape::Chains { lanes: size, steps }),
        5 => (ProbeId::Ram, Shape::Walk { cells: 0, walkers: size, steps, hard: 4 }),
        6 => (ProbeId::Stream, Shape::Pass { blocks: 0 }),
        _ => (ProbeId::Link, Shape::Link { blocks: 1 + size % 3, trips: steps % 8 }),
    };
    Parameters { probe, shape, scale: claim.scale }
}

/// A claim whose roots follow from made-up leaves, with openings of what is drawn.
fn claimed(claim: &Claim) -> (Claimed, Draw, Vec<Opening>) {
    let parameters = parameters(claim);
    let windows = 1 + usize::from(claim.windows) % PARTS_MAX;
    let devices = 1 + usize::from(claim.devices) % PARTS_MAX;
    let held =
        |cells: &u16| if parameters.cell_bytes() == 0 { 0 } else { 1 + u64::from(*cells) % u64::from(UNITS_MAX) };
    let cells: Vec<u64> = claim.cells.iter().take(devices).map(held).collect();
    let round = |at: usize| u32::from(claim.rounds[at % claim.rounds.len()]) % ROUNDS_MAX;
    let rounds: Vec<Vec<u32>> =
        (0..windows).map(|window| (0..devices).map(|device| round(window * PARTS_MAX + device)).collect()).collect();
    let mut trees = Vec::new();
    for window in &rounds {
        for (rounds, cells) in window.iter().zip(&cells) {
            let units = parameters.units_per_round(*cells);
            let leaf =
                |unit: u32, round: u32| merkle::unit_leaf(unit, units, &[unit, round].map(u32::to_le_bytes).concat());
            let tree =
                |round| merkle::Tree::new(merkle::Domain::Round, (0..units).map(|unit| leaf(unit, round)).collect());
            trees.extend((0..*rounds).map(tree));
        }
    }
    let round_roots: Vec<Digest> = trees.iter().map(merkle::Tree::root).collect();
    let claimed = Claimed {
        parameters,
        seeds: (0..windows).map(|window| [window as u8; 32]).collect(),
        fill_seed: [99; 32],
        cells,
        rounds,
        root: merkle::session_root(&round_roots),
        round_roots,
    };
    let drawn = Draw { secret: [7; 32], head_after_root: [8; 32], count: claim.count.into() };
    let open = |index: u64| {
        let place = claimed.place(index)?;
        let (leaf, path) = trees[place.ordinal].open(place.unit)?;
        Some(Opening { index, leaf, path })
    };
    let indices = draw(&drawn.secret, &drawn.head_after_root, claimed.units(), drawn.count);
    let openings = indices.into_iter().filter_map(open).collect();
    (claimed, drawn, openings)
}

fn at<T>(list: &mut [T], which: u8) -> Option<&mut T> {
    let at = usize::from(which) % list.len().max(1);
    list.get_mut(at)
}

fn lie(claimed: &mut Claimed, openings: &mut Vec<Opening>, lie: &Lie) {
    match *lie {
        Lie::Rounds { window, device, rounds } => {
            if let Some(made) = at(&mut claimed.rounds, window).and_then(|window| at(window, device)) {
                *made = rounds;
            }
        }
        Lie::Cells { device, cells } => {
            if let Some(held) = at(&mut claimed.cells, device) {
                *held = cells;
            }
        }
        Lie::Root(byte) => claimed.root[usize::from(byte) % 32] ^= 1,
        Lie::RoundRoot { round, byte } => {
            if let Some(root) = at(&mut claimed.round_roots, round) {
                root[usize::from(byte) % 32] ^= 1;
            }
            claimed.root = merkle::session_root(&claimed.round_roots);
        }
        Lie::MoreRoots(count) => {
            claimed.round_roots.resize(count.into(), [0; 32]);
            claimed.root = merkle::session_root(&claimed.round_roots);
        }
        Lie::Seeds(count) => claimed.seeds.resize(count.into(), [0; 32]),
        Lie::Parameters { which, value } => other_parameters(&mut claimed.parameters, which, value),
        Lie::Index { opening, index } => at(openings, opening).into_iter().for_each(|opening| opening.index = index),
        Lie::Leaf { opening, byte } => {
            at(openings, opening).into_iter().for_each(|opening| opening.leaf[usize::from(byte) % 32] ^= 1);
        }
        Lie::Path { opening, node, byte } => {
            if let Some(node) = at(openings, opening).and_then(|opening| at(&mut opening.path, node)) {
                node[usize::from(byte) % 32] ^= 1;
            }
        }
        Lie::Shorter(opening) => drop(at(openings, opening).and_then(|opening| opening.path.pop())),
        Lie::Longer(opening) => at(openings, opening).into_iter().for_each(|opening| opening.path.push([0; 32])),
        Lie::Left(opening) if !openings.is_empty() => {
            let at = usize::from(opening) % openings.len();
            openings.remove(at);
        }
        Lie::Twice(opening) => {
            if let Some(opening) = at(openings, opening).map(|opening| opening.clone()) {
                openings.push(opening);
            }
        }
        Lie::Left(_) => {}
    }
}

fn other_parameters(parameters: &mut Parameters, which: u8, value: u64) {
    let small = value as u32;
    match (&mut parameters.shape, which % 3) {
        (_, 0) => parameters.scale = value,
        (Shape::Product { n, .. }, 1) => *n = small,
        (Shape::Product { tile, .. }, _) => *tile = small,
        (Shape::Chains { lanes, .. }, _) => *lanes = small,
        (Shape::Walk { cells, .. }, 1) => *cells = value,
        (Shape::Walk { walkers, .. }, _) => *walkers = small,
        (Shape::Pass { blocks } | Shape::Link { blocks, .. }, _) => *blocks = small,
        (Shape::Pages { pages, .. }, _) => *pages = value,
    }
}

/// Runs a claim with its lies.
pub(super) fn run(input: &[u8]) {
    let Ok(claim) = Unstructured::new(input).arbitrary::<Claim>() else { return };
    let (mut claimed, drawn, mut openings) = claimed(&claim);
    let (honest, opened) = (claimed.clone(), openings.clone());
    claim.lies.iter().take(8).for_each(|said| lie(&mut claimed, &mut openings, said));
    let places = check_session(&claimed, &drawn, &openings);
    let changed = claimed.root != honest.root || claimed.rounds != honest.rounds || claimed.cells != honest.cells;
    let roots = claimed.round_roots == honest.round_roots && claimed.parameters == honest.parameters;
    if let (Ok(_), false, true) = (&places, changed, roots) {
        let sorted = |mut list: Vec<Opening>| {
            list.sort_unstable_by_key(|opening| opening.index);
            list
        };
        assert_eq!(sorted(openings.clone()), sorted(opened), "one commitment opens to one set of leaves");
    }
    if !affordable(&claimed) {
        return;
    }
    match (places, verify_session(&claimed, &drawn, &openings)) {
        (Ok(places), Ok(verified)) => {
            assert_eq!(verified.right.len() + verified.wrong.len(), places.len());
            assert!(claimed.keys().iter().all(|key| *key != Key::fill(&claimed.fill_seed, 0)));
        }
        (Err(one), Err(other)) => assert_eq!(one, other),
        (one, other) => panic!("{one:?} and {other:?} disagree"),
    }
    if let Err(Error::Count { count, min, max, .. }) = claimed.validate() {
        assert!(!(min..=max).contains(&count));
    }
}

/// Whether the sizes are still those of [`parameters`]: the envelope allows a thousand times more, at a thousand times the
/// cost.
fn affordable(claimed: &Claimed) -> bool {
    match claimed.parameters.shape {
        Shape::Product { n, tile, .. } => n <= UNITS_MAX && tile <= 128,
        Shape::Chains { .. } | Shape::Walk { .. } | Shape::Pass { .. } => true,
        Shape::Link { .. } | Shape::Pages { .. } => true,
    }
}

/// Random bytes are claims.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut dice = super::replay::Dice::new("session");
    (0..16)
        .map(|shape| {
            let mut claim = dice.bytes(80);
            claim[0] = shape;
            // A scale of 1.
            claim[4..12].copy_from_slice(&1_u64.to_le_bytes());
            claim
        })
        .collect()
}
