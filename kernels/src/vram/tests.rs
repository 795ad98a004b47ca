use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn cells_together_equal_cells_alone(seed: [u8; 32], hard in 4u32..40, cells in 1u64..1 << 40, from: u64) {
        let fill = Fill { key: Key::fill(&seed, 0), hard, cells };
        let indices: [u64; TOGETHER] = std::array::from_fn(|lane| from.wrapping_mul(lane as u64 + 1) % cells);
        prop_assert_eq!(fill.cells_together(&indices), indices.map(|index| fill.cell(index)));
    }

    #[test]
    fn reading_equals_recomputing(seed: [u8; 32], cells in 1u64..300, held in 0u64..300, walkers in 1u32..20, steps in 1u32..40) {
        let filling = Fill { key: Key::fill(&seed, 2), hard: 5, cells };
        let mut memory = Memory { fill: filling, held: vec![Held::default(); held.min(cells) as usize] };
        fill(&filling, 0, &mut memory.held);
        let items: Vec<_> = (0..walkers).map(|walker| (Key::first(&seed, 1), walker)).collect();
        let read = leaves(&memory, cells, &items, (walkers, steps));
        prop_assert_eq!(read, leaves(&filling, cells, &items, (walkers, steps)));
    }
}

#[test]
fn a_cell_is_the_last_four_of_its_calls() {
    let fill = Fill { key: Key::fill(&[1; 32], 0), hard: 7, cells: 1 };
    let mut block = counter(9, stream::CELL);
    let calls: Vec<_> = (0..7)
        .map(|_| {
            block = philox::philox(block, fill.key.words());
            block
        })
        .collect();
    assert_eq!(fill.cell(9).to_vec(), calls[3..].concat());
}

#[test]
fn every_bit_of_a_cell_moves_the_walk() {
    let cell = Cell::default();
    for word in 0..16 {
        for bit in 0..32 {
            let mut other = cell;
            other[word] ^= 1 << bit;
            assert_ne!(step(7, &cell), step(7, &other));
        }
    }
}

#[test]
fn devices_and_sessions_fill_differently() {
    let cell = |seed: u8, device| Fill { key: Key::fill(&[seed; 32], device), hard: 4, cells: 1 }.cell(0);
    assert_ne!(cell(1, 0), cell(1, 1));
    assert_ne!(cell(1, 0), cell(2, 0));
}
