//! `hmma`: the fp16 tensor rate with fp32 accumulators.
//!
//! C = A Bᵗ of integers from -255 to 255, each exact in binary16. A tensor core sums products of a run of k = 256 in fp32:
//! 255² * 256 = 16,646,400 < 2^24, so every partial sum in any order is an exact integer; runs are added in int32, and
//! k * 255² < 2^31 for k < 33,026. Row r of A is Philox stream 3 from counter r * ceil(k / 8) on, row c of Bᵗ the same of
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
