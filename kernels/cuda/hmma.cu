// hmma: the fp16 rate of the tensor cores, with sums in fp32.
//
// C = A Bᵗ of integers in -255..=255 as binary16. A unit is a tile of 128 x 128 values of C, cut where C ends; its leaf
// hashes their low 16 bits.
//
// Why exact: products are integers, and so are sums; binary32 holds every integer up to 2^24, in whatever order a card
// adds and whatever it cuts off below. After k = 192 a sum is reduced to its remainder by 2^16, which is all that the
// leaf needs: 255² * 192 + 2^15 = 12,517,568 < 2^24. Integer sums beside these would need 64 more registers, and leave
// room for one block instead of two.
// Which other unit could do this? Tensor cores in int8, at twice the rate, on GeForce cards at four times. Values of
// nine bits with sign do not fit: two parts take three products (Karatsuba). Sums in fp16, twice as fast on GeForce,
// hold eleven bits and no product.
// Remaining gain: 4/3 on GeForce cards, none on others; and the hash of a tile as in imma.
#include "gemm.cuh"

// Turns 16 random bits into the binary16 of an integer in -255..=255. A binary32 holds it in its upper bits: the sign,
// the exponent with another bias, and at most seven bits of mantissa.
__device__ __forceinline__ u32 half_of(u32 bits) {
    const int integer = int(bits * 511 >> 16) - 255;
    const u32 single = __float_as_uint(float(integer));
    const u32 magnitude = (single << 1 >> 14) - (112 << 10);
    return integer == 0 ? 0 : (single >> 31 << 15) | magnitude;
}

extern "C" __global__ void __launch_bounds__(256)
    gpux_expand_f16(uint4 *out, u32 n, u32 k, u32 pitch, u32 stream, u32 k0, u32 k1) {
    expand<2>(out, n, k, pitch, stream, k0, k1,
              [](u32 word) { return half_of(word & 0xFFFF) | half_of(word >> 16) << 16; });
}

struct Half {
    using Sum = float;
    static constexpr u32 RUN_STEPS = 6;
    static constexpr u32 RUN_VALUES = RUN_STEPS * STEP_BYTES / 2;
    static_assert(255 * 255 * RUN_VALUES + (1 << 15) < 1 << 24, "sums are exact");

    static __device__ __forceinline__ void multiply(float (&sum)[4], const u32 (&a)[4], const u32 (&b)[2]) {
        mma_f16_16816(sum, a, b);
    }
    // Takes away the nearest multiple of 2^16, to which adding 1.5 * 2^39 rounds: the last bit of that is worth 2^16.
    static __device__ __forceinline__ void reduce(float &sum) {
        constexpr float ROUNDER = 0x1.8p39f;
        sum -= (sum + ROUNDER) - ROUNDER;
    }
    static __device__ __forceinline__ u16 low(float sum) { return u16(int(sum)); }
};

extern "C" __global__ void __launch_bounds__(GEMM_THREADS, 2)
    gpux_hmma(const uint4 *a, const uint4 *b, u32 n, u32 pitch, u32 *leaves) {
    multiply_tile<Half>(a, b, n, pitch, leaves);
}
