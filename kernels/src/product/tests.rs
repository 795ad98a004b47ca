use proptest::prelude::*;

use super::*;

/// The definition, value by value.
fn naive(key: &Key, product: &Product, unit: u32) -> Vec<i32> {
    let value = |side: Side, row: u32, at: u32| {
        let a_block = product.operands.values_a_block() as u32;
        let block = u64::from(row) * u64::from(product.k.div_ceil(a_block)) + u64::from(at / a_block);
        let words = philox::philox(philox::counter(block, product.operands.stream(side)), key.words());
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let at = (at % a_block) as usize;
        match product.operands {
            Operands::Bytes => i32::from(bytes[at] as i8),
            Operands::Halves => {
                let word = u32::from(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]));
                (word * 511 / 65_536) as i32 - 255
            }
        }
    };
    let (row, column) = product.bands(unit);
    let mut values = Vec::new();
    for i in product.rows(row) {
        for j in product.rows(column) {
            values.push((0..product.k).map(|at| value(Side::Left, i, at) * value(Side::Right, j, at)).sum());
        }
    }
    values
}

type Accumulate = fn(&Band, &Band, usize, &mut [i32]);

fn by(accumulate: Accumulate, left: &Band, right: &Band) -> Vec<i32> {
    let mut tile = vec![0i32; left.rows * right.rows];
    (0..left.slices()).for_each(|slice| accumulate(left, right, slice, &mut tile));
    tile
}

fn portable(left: &Band, right: &Band) -> Vec<i32> {
    by(portable::accumulate, left, right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn tiles_follow_the_definition_at_odd_sizes(seed: [u8; 32], n in 1u32..40, k in 1u32..1_200, tile in 1u32..17, pick: u32, halves: bool) {
        let operands = if halves { Operands::Halves } else { Operands::Bytes };
        let product = Product { operands, n, k, tile };
        let (key, unit) = (Key::first(&seed, 0), pick % product.units());
        let (row, column) = product.bands(unit);
        let (left, right) = (product.left(&key, row), product.right(&key, column));
        let truth = naive(&key, &product, unit);
        prop_assert_eq!(&multiply(&left, &right), &truth);
        prop_assert_eq!(&portable(&left, &right), &truth);
        #[cfg(target_arch = "x86_64")]
        if philox::avx2::available() {
            prop_assert_eq!(&by(avx2::accumulate, &left, &right), &truth);
        }
    }
}

#[test]
fn extreme_operands_stay_exact() {
    // At the largest depth all -128 give k * 2^14 = 2^28, all -255 give k * 255^2 < 2^30.
    for (value, sum) in [(-128, 1 << 28), (-255, 16_384 * 255 * 255)] {
        let stride = 16_384 / LANES;
        let band = |rows| Band { values: vec![Lanes([value; LANES]); rows * stride], rows, stride };
        let (left, right) = (band(5), band(3));
        assert!(multiply(&left, &right).iter().all(|value| *value == sum));
        assert_eq!(multiply(&left, &right), portable(&left, &right));
    }
}

#[test]
fn halves_are_spread_over_all_their_values() {
    let product = Product { operands: Operands::Halves, n: 128, k: 4_096, tile: 128 };
    let band = product.left(&Key::first(&[3; 32], 0), 0);
    let mut seen = [0u32; 511];
    band.values.iter().flat_map(|lanes| lanes.0).for_each(|value| seen[(value + 255) as usize] += 1);
    // 2^19 values over 511 cells: 1,026 each, with a standard deviation of 32.
    assert!(seen.iter().all(|count| (800..1_250).contains(count)), "{seen:?}");
}

#[test]
fn leaf_hashes_the_low_sixteen_bits_of_each_value() {
    let product = Product { operands: Operands::Bytes, n: 5, k: 300, tile: 3 };
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
    let product = Product { operands: Operands::Halves, n: 90, k: 33, tile: 4 };
    let keys = [Key::first(&[1; 32], 0), Key::first(&[2; 32], 0)];
    let items: Vec<_> = (0..60u32).map(|at| (keys[(at % 2) as usize], at * 37 % product.units())).collect();
    let alone: Vec<_> = items.iter().flat_map(|item| product.leaves(&[*item])).collect();
    assert_eq!(product.leaves(&items), alone);
}
