// hmma: the fp16 rate of the tensor cores.
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

    static __device__ __forceinline__ void multiply(float (&sum)[4], const u32 (&a)[4], const u32 (&b)[2]) {
        mma_f16_16816(sum, a, b);
    }
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
