use super::*;
use crate::chain::tests::{equals_the_reference, lanes_are_independent, started};

#[test]
fn vectors_equal_the_reference() {
    equals_the_reference(run);
    #[cfg(target_arch = "x86_64")]
    if avx512::available() {
        equals_the_reference(avx512::run);
    }
}

#[test]
fn a_lane_does_not_depend_on_its_neighbours() {
    lanes_are_independent(leaves);
}

#[test]
fn chains_stay_normal_and_full() {
    // The conserved quantity x² + y² - s x y keeps both within a factor of their first values.
    let mut lanes: Lanes<f64, PAIRS> = started([5; 32]);
    run(&mut lanes, 1 << 16);
    for value in lanes.iter().flat_map(|lane| lane.x.iter().chain(&lane.y)) {
        assert!(value.is_normal() && value.abs() < 8.0, "{value}");
        assert_ne!(value.to_bits().trailing_zeros(), 52, "{value} has no mantissa");
    }
}

#[test]
fn one_step_is_two_fused_operations() {
    let mut lanes: Lanes<f64, PAIRS> = started([6; 32]);
    let before = lanes[0];
    run(&mut lanes, 1);
    let x = libm::fma(before.s[2], before.y[2], before.x[2]);
    assert_eq!(lanes[0].x[2], x);
    assert_eq!(lanes[0].y[2], libm::fma(-before.s[2], x, before.y[2]));
}
