//! Provers that compute a probe on another unit than the one that it measures.

use std::time::Duration;

use gpux_kernels::{
    Digest, ProbeId,
    catalogue::{self, Model},
};

use super::{
    product::{Product, dot},
    prover::{Prover, Round},
    stage::Claim,
    table::{Column, Row},
    worker::Work,
};

/// Nine bits as high * 16 + low, both within int8, and so is their sum.
const SPLIT: i32 = 16;
/// int8 products of a nine-bit one (Karatsuba): high by high, low by low, sum by sum.
const PRODUCTS: f64 = 3.0;
/// 4 / 3, where the int8 rate is four times that of fp16 with fp32 sums (GeForce); stated in docs/method/probes.md.
const GAIN_MAX: f64 = 1.33;

pub(super) fn rows() -> Vec<Row> {
    let hmma = Claim::of(ProbeId::Hmma);
    vec![
        Row::prover("int8 for fp16, three products", hmma, Column::Gain(GAIN_MAX), move |_| Int8 {
            model: catalogue::by_name(hmma.model),
        }),
        Row::prover("int8 for fp16, operands cut to eight bits", hmma, Column::None, |_| EightBits),
    ]
}

/// Computes fp16 products exactly on int8 tensor cores.
#[derive(Debug)]
struct Int8 {
    model: Option<&'static Model>,
}

impl Prover for Int8 {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        (0..product.units()).map(|unit| product.leaf(unit, &product.tile(unit, karatsuba))).collect()
    }

    fn length(&mut self, honest: Duration) -> Duration {
        let rates = self.model.and_then(|model| Some((model.figure(ProbeId::Hmma)?, model.figure(ProbeId::Imma)?)));
        rates.map_or(honest, |(hmma, imma)| honest.mul_f64(PRODUCTS * hmma / imma))
    }
}

fn karatsuba(left: &[i32], right: &[i32]) -> i32 {
    let (mut high, mut low, mut both) = (0, 0, 0);
    for (a, b) in left.iter().zip(right) {
        let ((ah, al), (bh, bl)) = (split(*a), split(*b));
        high += ah * bh;
        low += al * bl;
        both += (ah + al) * (bh + bl);
    }
    high * SPLIT * SPLIT + (both - high - low) * SPLIT + low
}

/// High and low part, each of at most 17 in size.
fn split(value: i32) -> (i32, i32) {
    (value.div_euclid(SPLIT), value.rem_euclid(SPLIT))
}

/// Takes the operands for bytes, at four times the speed.
#[derive(Debug)]
struct EightBits;

impl Prover for EightBits {
    fn leaves(&mut self, work: &mut Work, round: &Round) -> Vec<Digest> {
        let product = Product::new(&work.parameters, &round.key);
        let cut = |row: &[i32]| row.iter().map(|value| (*value).clamp(-128, 127)).collect::<Vec<_>>();
        let bytes = |left: &[i32], right: &[i32]| dot(&cut(left), &cut(right));
        (0..product.units()).map(|unit| product.leaf(unit, &product.tile(unit, bytes))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_products_of_bytes_are_one_of_nine_bits() {
        for a in -255..=255 {
            let (high, low) = split(a);
            assert!([high, low, high + low].iter().all(|part| i8::try_from(*part).is_ok()));
            for b in [-255, -128, -1, 0, 1, 17, 255] {
                assert_eq!(karatsuba(&[a, b], &[b, a]), 2 * a * b);
            }
        }
    }
}
