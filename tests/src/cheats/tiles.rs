//! Provers that do not compute what they hash: work that is skipped, guessed, shortened or old.

use std::time::Duration;

use gpux_kernels::{Digest, Key, ProbeId, merkle};

use super::{
    product::{Product, dot},
    prover::{Prover, Round},
    random::Random,
    stage::Claim,
    table::{Column, Row},
    worker::Work,
};

/// The depth of one step of the tensor cores' int8 instruction: what the last iteration of the loop adds.
const LAST_STEP: usize = 32;

pub(super) fn rows() -> Vec<Row> {
    let imma = Claim::of(ProbeId::Imma);
    vec![
        Row::prover("skips 5 % of the tiles", imma, Column::Skips(0.05), |_| Skips { share: 0.05 }),
        Row::prover("skips 10 % of the tiles", imma, Column::Skips(0.1), |_| Skips { share: 0.1 }),
        Row::prover("skips 50 % of the tiles", imma, Column::Skips(0.5), |_| Skips { share: 0.5 }),
        Row::prover("answers A(Br) without the product", imma, Column::None, |_| Vectors),
        Row::prover("continues a structured matrix", imma, Column::None, |_| Structured),
        Row::prover("cuts the last iteration", imma, Column::None, |_| Cut),
        Row::prover("echoes a product of half the size", imma, Column::None, |_| Smaller),
        Row::prover("hashes stale memory", imma, Column::None, |_| Stale::default()),
    ]
}

/// Whether a unit is skipped: fixed by the round, so that it stays skipped when it is opened.
fn skipped(key: &Key, unit: usize, share: f64) -> bool {
    Random::new(key.as_bytes(), &format!("unit {unit}")).share() < share
}

/// Makes up a share of the leaves and takes that much less time.
#[derive(Debug)]
pub(super) struct Skips {
    pub(super) share: f64,
}

impl Skips {
    pub(super) fn made_up(unit: usize, total: usize) -> Digest {
        merkle::unit_leaf(unit as u32, total as u32, b"made up")
    }
}

impl Prover for Skips {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let mut leaves = work.leaves(round.device, &round.key);
        let total = leaves.len();
        for (unit, leaf) in leaves.iter_mut().enumerate() {
            if skipped(&round.key, unit, self.share) {
                *leaf = Self::made_up(unit, total);
            }
        }
        leaves
    }

    fn length(&mut self, honest: Duration) -> Duration {
        honest.mul_f64(1.0 - self.share)
    }
}

/// Has A(Br) for a vector r, which is all that a Freivalds check would ask, and hashes that.
#[derive(Debug)]
struct Vectors;

impl Prover for Vectors {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        let of = |unit| {
            // r holds ones: B r is the sum of the tile's rows of the right operand, and A(Br) is one value a row.
            let rights = product.rights(unit);
            let summed: Vec<i32> = (0..product.depth()).map(|at| rights.iter().map(|row| row[at]).sum()).collect();
            let values: Vec<i32> = product.lefts(unit).iter().map(|left| dot(left, &summed)).collect();
            product.leaf(unit, &values)
        };
        (0..product.units()).map(of).collect()
    }
}

/// Computes the first band of tiles and continues it downwards, as it could if rows of A followed from one another.
#[derive(Debug)]
struct Structured;

impl Prover for Structured {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        let first: Vec<Vec<i32>> = (0..product.edge()).map(|column| product.tile(column, dot)).collect();
        let continued = |unit| {
            let (row, column) = product.bands(unit);
            let values: Vec<i32> = first[column].iter().map(|value| value.wrapping_add(row as i32)).collect();
            product.leaf(unit, &values)
        };
        (0..product.units()).map(continued).collect()
    }
}

/// Leaves the loop over the depth one step early.
#[derive(Debug)]
struct Cut;

impl Prover for Cut {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        let depth = product.depth() - LAST_STEP.min(product.depth());
        let short = |left: &[i32], right: &[i32]| dot(&left[..depth], &right[..depth]);
        (0..product.units()).map(|unit| product.leaf(unit, &product.tile(unit, short))).collect()
    }
}

/// Computes a quarter of the tiles, which is a product of half the size, and repeats them.
#[derive(Debug)]
struct Smaller;

impl Prover for Smaller {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        let half = product.edge().div_ceil(2);
        let echoed = |unit| {
            let (row, column) = product.bands(unit);
            let source = (row % half) * product.edge() + column % half;
            product.leaf(unit, &product.tile(source, dot))
        };
        (0..product.units()).map(echoed).collect()
    }
}

/// Computes one round and hashes its result again in each later one, under that round's numbers.
#[derive(Debug, Default)]
struct Stale(Vec<Vec<i32>>);

impl Prover for Stale {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        if self.0.is_empty() {
            self.0 = (0..product.units()).map(|unit| product.tile(unit, dot)).collect();
        }
        self.0.iter().enumerate().map(|(unit, values)| product.leaf(unit, values)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cheats::stage::Stage;

    /// Computes tiles as the cheats do, without cheating.
    struct Own;

    impl Prover for Own {
        fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
            let product = Product::new(&work.parameters, &round.key);
            (0..product.units()).map(|unit| product.leaf(unit, &product.tile(unit, dot))).collect()
        }
    }

    #[test]
    fn the_adversarys_own_product_is_right_where_it_does_not_cheat() {
        for probe in [ProbeId::Imma, ProbeId::Hmma] {
            let played = Stage::new(Claim::of(probe)).unwrap().play(&[1; 32], Own);
            assert!(played.passed, "{played:?}");
        }
    }
}
