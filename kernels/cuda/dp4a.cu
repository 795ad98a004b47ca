// dp4a: the int8 rate of the CUDA cores, the measure of cards without tensor cores.
//
// A lane is four groups (a, b, c, d) of words; a step is four coupled dot products of four signed bytes, each added
// to a word. A unit is a lane; its leaf hashes a, b, c, d of the groups.
//
// Why exact: integers that wrap at 2^32.
// Which other unit could do this? Tensor cores, but of the matrix that they compute only the diagonal is of use, one
// product in 32, and no two sums share their operands. Plain multiply-adds take four for one, and more to unpack.
// Remaining gain: below a tenth by tensor cores. A relay to a faster card, since only digests move.
#include "gpux.cuh"

constexpr u32 GROUPS = 4;
// Steps in the body of the main loop: 128 dot products, so that the loop's own instructions are below 3 %.
constexpr u32 UNROLL = 8;

using Words = int[GROUPS];

// One dot product a group, side by side: three others hide the latency of each.
__device__ __forceinline__ void add_dots(Words &sums, const Words &left, const Words &right) {
#pragma unroll
    for (u32 i = 0; i < GROUPS; ++i) sums[i] = __dp4a(left[i], right[i], sums[i]);
}

__device__ __forceinline__ void step(Words &a, Words &b, Words &c, Words &d) {
    add_dots(c, a, b);
    add_dots(d, b, c);
    add_dots(a, c, d);
    add_dots(b, d, a);
}

extern "C" __global__ void __launch_bounds__(256) gpux_dp4a(u32 lanes, u32 steps, u32 k0, u32 k1, u32 *leaves) {
    const u32 lane = blockIdx.x * blockDim.x + threadIdx.x;
    if (lane >= lanes) return;
    Words a, b, c, d;
#pragma unroll
    for (u32 i = 0; i < GROUPS; ++i) {
        const uint4 words = words_at(u64(i) << 32 | lane, STREAM_DOT, k0, k1);
        a[i] = words.x, b[i] = words.y, c[i] = words.z, d[i] = words.w;
    }
#pragma unroll 1
    for (u32 bodies = steps / UNROLL; bodies != 0; --bodies) {
#pragma unroll
        for (u32 i = 0; i < UNROLL; ++i) step(a, b, c, d);
    }
#pragma unroll 1
    for (u32 rest = steps % UNROLL; rest != 0; --rest) step(a, b, c, d);
    u32 result[16];
#pragma unroll
    for (u32 i = 0; i < GROUPS; ++i) {
        result[4 * i] = a[i];
        result[4 * i + 1] = b[i];
        result[4 * i + 2] = c[i];
        result[4 * i + 3] = d[i];
    }
    write_leaf(leaves, lane, lanes, result);
}
