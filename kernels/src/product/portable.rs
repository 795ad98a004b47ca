//! The reference of a tile's product: plain loops, which every other form must equal.

use super::Band;

pub(super) fn accumulate(left: &Band, right: &Band, slice: usize, tile: &mut [i32]) {
    for (row, results) in tile.chunks_exact_mut(right.rows).enumerate() {
        let a = left.row(row, slice);
        for (column, result) in results.iter_mut().enumerate() {
            let b = right.row(column, slice);
            let pairs = a.iter().zip(b).flat_map(|(a, b)| a.0.iter().zip(&b.0));
            *result += pairs.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>();
        }
    }
}
