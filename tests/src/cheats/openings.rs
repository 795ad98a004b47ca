//! Provers that committed to something and open something else: other units, fewer, none, other hashes, or leaves that bind
//! less than they should.

use std::time::Duration;

use gpux_kernels::{Digest, ProbeId, merkle::Domain};
use gpux_proto::evidence::{Opening, job_output::Message};

use super::{
    prover::{Prover, Round},
    stage::Claim,
    table::{Column, Row},
    tiles::Skips,
    walk::Walk,
    worker::{Made, Work},
};

/// Bytes of a cell that a careless hash of the fill would cover; a quarter of the memory is enough to answer.
const BOUND_BYTES: usize = 16;

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    let row = |name, how| Row::prover(name, imma, Column::None, move |_| Opens { skips: Skips { share: 0.5 }, how });
    vec![
        row("opens computed tiles instead of drawn ones", How::Others),
        row("opens computed tiles under drawn numbers", How::Renumbered),
        row("opens only the computed ones of the drawn", How::Fewer),
        row("opens none", How::None),
        Row::prover("hashes leaves and nodes of another tree", imma, Column::None, |_| Swapped),
        row("opens nodes in the place of leaves", How::Nodes),
        Row::prover("binds a quarter of each cell's bytes", Claim::of(ProbeId::Vram), Column::None, |_| Bound),
    ]
}

#[derive(Debug, Clone, Copy)]
enum How {
    Others,
    Renumbered,
    Fewer,
    None,
    Nodes,
}

/// Skips work and arranges the openings.
#[derive(Debug)]
struct Opens {
    skips: Skips,
    how: How,
}

impl Opens {
    fn arrange(&self, openings: &mut Vec<Opening>, work: &Work, made: &Made) {
        let units = work.units[0] as usize;
        let leaf =
            |index: u64| made.ordered().nth(index as usize / units).map(|round| round.leaves[index as usize % units]);
        let made_up = |index: u64| leaf(index) == Some(Skips::made_up(index as usize % units, units));
        let total = (made.ordered().count() * units) as u64;
        let mut computed = (0..total).filter(|index| !made_up(*index) && !made.drawn.contains(index));
        match self.how {
            How::Others | How::Renumbered => {
                for opening in openings.iter_mut().filter(|opening| made_up(opening.index)) {
                    let Some(other) = computed.next() else { break };
                    let index = opening.index;
                    *opening = made.open(&work.units, other);
                    if matches!(self.how, How::Renumbered) {
                        opening.index = index;
                    }
                }
            }
            How::Fewer => openings.retain(|opening| !made_up(opening.index)),
            How::None => openings.clear(),
            How::Nodes => {
                for opening in openings.iter_mut() {
                    up(opening);
                }
            }
        }
    }
}

/// Opens the node above a leaf as if it were one.
fn up(opening: &mut Opening) {
    if opening.path.len() < 32 {
        return;
    }
    let sibling: Vec<u8> = opening.path.drain(..32).collect();
    // Units of a round are a multiple of two, so a session's even index is an even leaf.
    let (left, right) =
        if opening.index.is_multiple_of(2) { (&opening.leaf, &sibling) } else { (&sibling, &opening.leaf) };
    let mut hasher = blake3::Hasher::new_derive_key("gpux/round-node/1");
    hasher.update(left).update(right);
    opening.leaf = hasher.finalize().as_bytes().to_vec();
}

impl Prover for Opens {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        self.skips.leaves(work, round)
    }

    fn length(&mut self, honest: Duration) -> Duration {
        self.skips.length(honest)
    }

    fn say(&mut self, _: &mut Duration, message: &mut Message, work: &mut Work, made: &Made) -> bool {
        if let Message::Openings(openings) = message {
            self.arrange(&mut openings.openings, work, made);
        }
        true
    }
}

/// Builds rounds' trees with the hashes of the session's tree, where a node of one could pass for a leaf of the other.
#[derive(Debug)]
struct Swapped;

impl Prover for Swapped {
    fn hashing(&self) -> Domain {
        Domain::Session
    }
}

/// Walks over cells of which it keeps the first bytes only.
#[derive(Debug)]
struct Bound;

impl Prover for Bound {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        Walk::new(work, round).leaves(|index| index, BOUND_BYTES)
    }
}
