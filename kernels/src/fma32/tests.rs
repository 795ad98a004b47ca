use proptest::prelude::*;

use super::*;

fn started(seed: [u8; 32]) -> [Lane; TOGETHER] {
    std::array::from_fn(|lane| Lane::start(&Key::first(&seed, 0), lane as u32 * 77))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn vectors_equal_the_reference(seed: [u8; 32], steps in 0u32..400) {
        let (mut fast, mut plain) = (started(seed), started(seed));
        run(&mut fast, steps);
        portable::run(&mut plain, steps);
        for (fast, plain) in fast.iter().zip(&plain) {
            prop_assert_eq!(fast.result(), plain.result());
        }
    }

    #[test]
    fn a_lane_does_not_depend_on_its_neighbours(seed: [u8; 32], lanes in 1u32..40, steps in 1u32..50) {
        let key = Key::first(&seed, 3);
        let items: Vec<_> = (0..lanes).map(|lane| (key, lane)).collect();
        let alone: Vec<_> = items.iter().flat_map(|item| leaves(&[*item], lanes, steps)).collect();
        prop_assert_eq!(leaves(&items, lanes, steps), alone);
    }
}

#[test]
fn chains_stay_normal_and_apart_for_all_their_steps() {
    // The conserved quantity x² + y² - s x y keeps both within a factor of their first values.
    let mut lanes = started([5; 32]);
    run(&mut lanes, crate::probe::SINGLE_STEPS_MAX);
    let ends: Vec<(u32, u32)> =
        lanes.iter().flat_map(|lane| lane.x.iter().zip(&lane.y)).map(|(x, y)| (x.to_bits(), y.to_bits())).collect();
    let distinct: std::collections::HashSet<_> = ends.iter().collect();
    assert_eq!(distinct.len(), ends.len());
    for value in lanes.iter().flat_map(|lane| lane.x.iter().chain(&lane.y)) {
        assert!(value.is_normal() && value.abs() < 8.0, "{value}");
    }
}

#[test]
fn one_step_is_two_fused_operations() {
    let mut lanes = started([6; 32]);
    let before = lanes[0];
    run(&mut lanes, 1);
    let x = libm::fmaf(before.s[2], before.y[2], before.x[2]);
    assert_eq!(lanes[0].x[2], x);
    assert_eq!(lanes[0].y[2], libm::fmaf(-before.s[2], x, before.y[2]));
}
