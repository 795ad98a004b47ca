use proptest::prelude::*;

use super::*;

/// The definition, value by value.
fn naive(key: &Key, product: &Product, unit: u32) -> Vec<i32> {
    let value = |side: u32, row: u32, at: u32| {
        let block = u64::from(row) * u64::from(product.k.div_ceil(16)) + u64::from(at / 16);
        let words = philox::philox(philox::counter(block, side), key.words());
        i32::from(words[(at % 16 / 4) as usize].to_le_bytes()[(at % 4) as usize] as i8)
    };
    let (row, column) = product.bands(unit);
    let mut values = Vec::new();
    for i in product.rows(row) {
        for j in product.rows(column) {
            values.push((0..product.k).map(|at| value(stream::LEFT, i, at) * value(stream::RIGHT, j, at)).sum());
        }
    }
    values
}

fn portable(left: &Band, right: &Band) -> Vec<i32> {
    let mut tile = vec![0i32; left.rows * right.rows];
    (0..left.slices()).for_each(|slice| portable::accumulate(left, right, slice, &mut tile));
    tile
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn tiles_follow_the_definition_at_odd_sizes(seed: [u8; 32], n in 1u32..40, k in 1u32..1_200, tile in 1u32..17, pick: u32) {
        let product = Product { n, k, tile };
        let (key, unit) = (Key::first(&seed, 0), pick % product.units());
        let (row, column) = product.bands(unit);
        let (left, right) = (product.left(&key, row), product.right(&key, column));
        let truth = naive(&key, &product, unit);
        prop_assert_eq!(&multiply(&left, &right), &truth);
        prop_assert_eq!(&portable(&left, &right), &truth);
    }
}

#[test]
fn extreme_operands_stay_exact() {
    // All -128 at the largest depth: k * 2^14 = 2^28.
    let band = |rows| Band { values: vec![Lanes([-128; LANES]); rows * 1_024], rows, stride: 1_024 };
    let (left, right) = (band(5), band(3));
    assert!(multiply(&left, &right).iter().all(|value| *value == 1 << 28));
    assert_eq!(multiply(&left, &right), portable(&left, &right));
}

#[test]
fn leaf_hashes_the_low_sixteen_bits_of_each_value() {
    let product = Product { n: 5, k: 300, tile: 3 };
    let key = Key::first(&[9; 32], 1);
    let items: Vec<_> = [3, 0, 2].map(|unit| (key, unit)).to_vec();
    for (leaf, (_, unit)) in product.leaves(&items).iter().zip(&items) {
        let low: Vec<u8> =
            naive(&key, &product, *unit).iter().flat_map(|value| value.to_le_bytes()[..2].to_vec()).collect();
        assert_eq!(*leaf, merkle::unit_leaf(*unit, 4, &low));
    }
}

#[test]
fn order_and_sharing_of_bands_do_not_matter() {
    let product = Product { n: 90, k: 33, tile: 4 };
    let keys = [Key::first(&[1; 32], 0), Key::first(&[2; 32], 0)];
    let items: Vec<_> = (0..60u32).map(|at| (keys[(at % 2) as usize], at * 37 % product.units())).collect();
    let alone: Vec<_> = items.iter().flat_map(|item| product.leaves(&[*item])).collect();
    assert_eq!(product.leaves(&items), alone);
}
