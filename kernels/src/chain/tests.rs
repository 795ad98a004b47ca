//! The laws of chains, for either precision.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

/// Lanes far apart under one key.
pub(crate) fn started<F: Real, const PAIRS: usize, const LANES: usize>(seed: [u8; 32]) -> Lanes<F, PAIRS, LANES> {
    std::array::from_fn(|lane| Lane::start(&Key::first(&seed, 0), 7, lane as u32 * 77))
}

/// A fast form gives the reference's bits.
pub(crate) fn equals_the_reference<F: Real, const PAIRS: usize, const LANES: usize>(
    run: fn(&mut Lanes<F, PAIRS, LANES>, u32),
) {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let law = |(seed, steps): ([u8; 32], u32)| {
        let (mut fast, mut plain) = (started::<F, PAIRS, LANES>(seed), started::<F, PAIRS, LANES>(seed));
        run(&mut fast, steps);
        run_portable(&mut plain, steps);
        for (fast, plain) in fast.iter().zip(&plain) {
            prop_assert_eq!(fast.result(), plain.result());
        }
        Ok(())
    };
    runner.run(&(any::<[u8; 32]>(), 0u32..400), law).unwrap();
}

/// Leaves of lanes of a total after some steps.
type Leaves = fn(&[(Key, u32)], u32, u32) -> Vec<Digest>;

/// Lanes computed together are those computed alone.
pub(crate) fn lanes_are_independent(leaves: Leaves) {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let law = |(seed, lanes, steps): ([u8; 32], u32, u32)| {
        let key = Key::first(&seed, 3);
        let items: Vec<_> = (0..lanes).map(|lane| (key, lane)).collect();
        let alone: Vec<_> = items.iter().flat_map(|item| leaves(&[*item], lanes, steps)).collect();
        prop_assert_eq!(leaves(&items, lanes, steps), alone);
        Ok(())
    };
    runner.run(&(any::<[u8; 32]>(), 1u32..60, 1u32..50), law).unwrap();
}
