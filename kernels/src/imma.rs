//! `imma`: the int8 tensor rate, and with it the class of a card.
//!
//! C = A Bᵗ of signed bytes, all 256 values, exact in int32: k * 128² < 2^31 for k < 131,072. Row r of A is Philox stream 1
//! from counter r * ceil(k / 16) on, row c of Bᵗ the same of stream 2. Which other unit could do this? CUDA cores by dp4a,
//! slower on every card with tensor cores; int4 units were dropped after Ampere and would need four products. Remaining
//! gain: one Strassen level, 8/7 in products, less its additions.

/// Values in a Philox block.
pub(crate) const VALUES_A_BLOCK: usize = 16;

/// Reads a row's bytes as signed values.
pub(crate) fn widen(bytes: &[u8], values: &mut [i16]) {
    for (value, byte) in values.iter_mut().zip(bytes) {
        *value = i16::from(*byte as i8);
    }
}
