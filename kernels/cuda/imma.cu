// imma: the int8 rate of the tensor cores, which tells the classes of cards apart.
//
// C = A Bᵗ of random bytes, read as signed. A unit is a tile of 128 x 128 values of C, cut where C ends; its leaf
// hashes their low 16 bits.
//
// Why exact: sums are 32-bit integers. They would wrap, not saturate, from k = 131,072 on.
// Which other unit could do this? CUDA cores with dp4a have a quarter of the rate or less. Tensor cores in binary16
// have half of it; in int4, where they have twice the rate, a product of bytes takes three (Karatsuba). Sparse products
// need zeros, and random bytes have none.
// Remaining gain: 8/7 at most, by a level of Strassen's algorithm, whose sums of operands take nine bits and so do not
// fit; and the hash of a tile by one warp, which a block on the same multiprocessor hides only in part.
#include "gemm.cuh"

extern "C" __global__ void __launch_bounds__(256)
    gpux_expand_i8(uint4 *out, u32 n, u32 k, u32 pitch, u32 stream, u32 k0, u32 k1) {
    expand<1>(out, n, k, pitch, stream, k0, k1, [](u32 word) { return word; });
}

struct Signed8 {
    using Sum = int;
    static constexpr u32 RUN_STEPS = 0;

    static __device__ __forceinline__ void multiply(int (&sum)[4], const u32 (&a)[4], const u32 (&b)[2]) {
        mma_s8_16832(sum, a, b);
    }
    static __device__ __forceinline__ void reduce(int &) {}
    static __device__ __forceinline__ u16 low(int sum) { return u16(sum); }
};

extern "C" __global__ void __launch_bounds__(GEMM_THREADS, 2)
    gpux_imma(const uint4 *a, const uint4 *b, u32 n, u32 pitch, u32 *leaves) {
    multiply_tile<Signed8>(a, b, n, pitch, leaves);
}
