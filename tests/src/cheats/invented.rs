//! Provers beyond the design's table: what an adversary tries who has read this repository.

use std::time::Duration;

use gpux_kernels::{
    Digest, Key, ProbeId, draw,
    merkle::{Domain, Tree},
};
use gpux_proto::evidence::{DeviceKind, ReadyDevice, job_output::Message};

use super::{
    prover::{Honest, Prover, Round},
    random::Random,
    stage::Claim,
    table::{Column, Row},
    tiles::Skips,
    worker::{Made, Work},
};

/// Encodings of ROOT that are tried: field 15, which nobody reads, holds a number below 128.
const CANDIDATES: u8 = 16;
const FIELD_15: u8 = 15 << 3;

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    let stream = Claim::of(ProbeId::Stream);
    vec![
        Row::prover("grinds ROOT's encoding and skips 5 %", imma, Column::Skips(0.05), |seed| Grinds {
            skips: Skips { share: 0.05 },
            guess: Random::new(seed, "a guess at s").bytes(),
            made_up: Vec::new(),
        }),
        Row::prover("commits to nothing and computes what is drawn", imma, Column::None, |_| Second::default()),
        Row::prover("uses each round's result twice", imma, Column::None, |_| Twice::default()),
        Row::prover("serves rounds made before the windows", imma, Column::None, |_| Early::default()),
        Row::prover("fuses two passes over memory", stream, Column::None, |_| Fused),
        Row::prover("calls itself another device when it is slow", imma, Column::None, |_| Other),
    ]
}

/// Skips work, guesses s, and signs the one of many encodings of ROOT whose draw under that guess is kindest.
#[derive(Debug)]
struct Grinds {
    skips: Skips,
    guess: [u8; 32],
    made_up: Vec<bool>,
}

impl Prover for Grinds {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let leaves = self.skips.leaves(work, round);
        let total = leaves.len();
        let made_up = leaves.iter().enumerate().map(|(unit, leaf)| *leaf == Skips::made_up(unit, total));
        self.made_up.extend(made_up);
        leaves
    }

    fn length(&mut self, honest: Duration) -> Duration {
        self.skips.length(honest)
    }

    fn data(&mut self, data: Vec<u8>, message: &Message, head: &dyn Fn(&[u8]) -> Digest) -> Vec<u8> {
        if !matches!(message, Message::Root(_)) {
            return data;
        }
        let found = |data: &Vec<u8>| {
            let drawn = draw(&self.guess, &head(data), self.made_up.len() as u64, gpux_kernels::plan::OPENINGS);
            drawn.iter().filter(|unit| self.made_up[**unit as usize]).count()
        };
        (0..CANDIDATES).map(|number| with_field(&data, number)).min_by_key(found).unwrap_or(data)
    }
}

/// The message with one more field; its length stands in front.
fn with_field(data: &[u8], number: u8) -> Vec<u8> {
    let length = data.len() as u32 - 4 + 2;
    [&length.to_le_bytes(), &data[4..], &[FIELD_15, number]].concat()
}

/// Makes all leaves up. Once the draw is known it computes the drawn rounds and shows those instead.
#[derive(Debug, Default)]
struct Second(Vec<(usize, Tree)>);

impl Prover for Second {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let total = work.units[round.device as usize] as usize;
        (0..total).map(|unit| Skips::made_up(unit, total)).collect()
    }

    fn say(&mut self, _: &mut Duration, message: &mut Message, work: &mut Work, made: &Made) -> bool {
        let units = u64::from(work.units[0]);
        match message {
            Message::RoundRoots(roots) => {
                for (ordinal, round) in made.ordered().enumerate() {
                    if made.drawn.iter().any(|index| index / units == ordinal as u64) {
                        let tree = Tree::new(Domain::Round, work.leaves(0, &round.key));
                        roots.roots[ordinal * 32..][..32].copy_from_slice(&tree.root());
                        self.0.push((ordinal, tree));
                    }
                }
            }
            Message::Openings(openings) => {
                for opening in &mut openings.openings {
                    let tree = self.0.iter().find(|(ordinal, _)| *ordinal as u64 == opening.index / units);
                    if let Some((leaf, path)) = tree.and_then(|(_, tree)| tree.open((opening.index % units) as u32)) {
                        (opening.leaf, opening.path) = (leaf.to_vec(), path.concat());
                    }
                }
            }
            _ => {}
        }
        true
    }
}

/// Skips every second round and commits to the result before it once more.
#[derive(Debug, Default)]
struct Twice(Vec<Digest>);

impl Prover for Twice {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        if round.number.is_multiple_of(2) || self.0.is_empty() {
            self.0 = Honest.leaves(work, round);
        }
        self.0.clone()
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest / 2
    }
}

/// Chains rounds from the warm-up's seed, which it has before the clock starts, and serves them in the windows.
#[derive(Debug, Default)]
struct Early(Option<Key>);

impl Prover for Early {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let key = self.0.unwrap_or_else(|| Key::first(&work.seed, round.device));
        let leaves = work.leaves(round.device, &key);
        self.0 = Some(key.next(&Tree::new(Domain::Round, leaves.clone()).root()));
        leaves
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest / 2
    }
}

/// Makes two passes in one over memory, with a guess at the second one's key: it hangs on the first one's root.
#[derive(Debug)]
struct Fused;

impl Prover for Fused {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let guess = round.key.next(&[0; 32]);
        work.leaves(round.device, if round.number.is_multiple_of(2) { &round.key } else { &guess })
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest / 2
    }
}

/// Has half of the claimed speed, and names a device whose evidence does not count, hoping for no result at all.
#[derive(Debug)]
struct Other;

impl Prover for Other {
    fn ready(&mut self, device: &mut ReadyDevice) {
        device.kind = DeviceKind::Cuda as u32;
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest * 2
    }
}
