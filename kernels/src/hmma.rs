//! `hmma`: the fp16 tensor rate with fp32 accumulators.
//!
//! C = A Bᵗ of integers from -255 to 255, each exact in binary16; k * 255² < 2^31 for k < 33,026, and the leaf takes the low
//! 16 bits. A tensor core sums products in fp32, where every partial sum in any order is an exact integer below 2^24. The
//! kernel reduces each sum modulo 2^16 after k = 192: 255² * 192 + 2^15 = 12,517,568 < 2^24 (see `cuda/hmma.cu`). Row r of A is Philox stream 3 from counter r * ceil(k / 8) on, row c of Bᵗ the same of
//! stream 4; a 16-bit word u gives floor(u * 511 / 2^16) - 255. Which other unit could do this? int8 tensor cores, for
//! which nine bits are two operands and a product three (Karatsuba) at up to four times the rate: a gain of at most 1.33
//! on GeForce cards, which halve fp32 accumulation, and none where int8 is twice as fast.

/// Values in a Philox block.
pub(crate) const VALUES_A_BLOCK: usize = 8;
/// Values of an operand: -255 to 255.
const VALUES: u32 = 511;
const LARGEST: i16 = 255;

/// Reads a row's bytes as values.
pub(crate) fn widen(bytes: &[u8], values: &mut [i16]) {
    for (value, two) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
        let word = u32::from(u16::from_le_bytes(*two));
        *value = ((word * VALUES) >> 16) as i16 - LARGEST;
    }
}
