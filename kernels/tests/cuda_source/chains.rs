//! `fma32`, `fma64` and `dp4a`.

use gpux_kernels::{ProbeId, Shape};

use crate::Comparison;
use crate::assert_same;
use crate::buffer::Buffer;
use crate::library::{Kernel, Library};
use crate::random::{Random, key_words};
use crate::reference::Reference;

const BLOCK: u32 = 256;

fn compare(
    library: &Library,
    (probe, module, name): (ProbeId, &'static str, &'static str),
    random: &mut Random,
) -> Result<(), String> {
    let (lanes, steps) = (random.between(1, 3 * BLOCK), random.between(1, 300));
    let key = random.key();
    let [k0, k1, ..] = key_words(&key);
    let mut leaves = Buffer::new(lanes as usize * 32);
    let kernel = Kernel { module, name, grid: [lanes.div_ceil(BLOCK), 1], block: BLOCK };
    library.launch(&kernel, &[lanes.into(), steps.into(), k0, k1, leaves.address()], random)?;
    let mut reference = Reference::new(probe, Shape::Chains { lanes, steps }, &key);
    let compared = reference.compare(&key, &leaves.read_digests()?);
    compared.map_err(|difference| format!("{name} of {lanes} lanes, {steps} steps: {difference}"))
}

pub(crate) const FMA32: Comparison =
    |library, random| compare(library, (ProbeId::Fma32, "fma32", "gpux_fma32"), random);
pub(crate) const FMA64: Comparison =
    |library, random| compare(library, (ProbeId::Fma64, "fma64", "gpux_fma64"), random);
pub(crate) const DP4A: Comparison = |library, random| compare(library, (ProbeId::Dp4a, "dp4a", "gpux_dp4a"), random);

#[test]
fn fma32_agrees_with_the_crate() {
    assert_same(FMA32, 10);
}

#[test]
fn fma64_agrees_with_the_crate() {
    assert_same(FMA64, 10);
}

#[test]
fn dp4a_agrees_with_the_crate() {
    assert_same(DP4A, 10);
}
