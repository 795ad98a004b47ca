use proptest::prelude::*;

use super::*;

#[test]
fn known_answers_of_random123() {
    // kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
    let cases = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, words) in cases {
        assert_eq!(philox(counter, key), words);
    }
}

proptest! {
    #[test]
    fn vectors_equal_the_reference(key: [u32; 2], stream: u32, first: u64, length in 0usize..600) {
        let (mut fast, mut plain) = (vec![0u8; length], vec![0u8; length]);
        let first = first >> 1;
        expand(key, stream, first, &mut fast);
        expand_portable(key, stream, first, &mut plain);
        prop_assert_eq!(&fast, &plain);
        if length >= 32 {
            let words = philox(counter(first + 1, stream), key);
            prop_assert_eq!(&fast[28..32], &words[3].to_le_bytes()[..]);
        }
    }
}
