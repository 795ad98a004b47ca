// One pass over a block of 64 KiB, shared by stream and link.
//
// Quad q holds words 4q to 4q+3. With turn = k0 mod 4096, word c of quad q, word j = 4q + c of the block, becomes
// fmix32((old ^ k_c) + j * 0x9E3779B9), where old is word c of quad (q + turn) mod 4096; the pass's result is the sum
// of new_j * (2j + 1) mod 2^64. Every new word depends on the key, on its place and on one old word of another place,
// so a pass needs all of the block, and two passes cannot be fused before the second key is known.
#pragma once
#include "memory.cuh"

constexpr u32 BLOCK_QUADS = 4096;
constexpr u32 BLOCK_THREADS = 256;
// Blocks that a multiprocessor's registers hold at a time, so that the loads of one overlap the stores of another.
constexpr u32 BLOCKS_RESIDENT = 3;
constexpr u32 THREAD_QUADS = BLOCK_QUADS / BLOCK_THREADS;

// The finaliser of MurmurHash3 (Appleby, public domain): a bijection of 32 bits.
__device__ __forceinline__ u32 fmix32(u32 h) {
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    return h ^ (h >> 16);
}

// Computes the new word j, and adds its part to the thread's sum. The weight is odd, so no bit of a word is lost.
__device__ __forceinline__ u32 turn_word(u32 old, u32 key, u32 j, u64 &sum) {
    const u32 word = fmix32((old ^ key) + j * 0x9E3779B9u);
    sum += u64(word) * (2 * j + 1);
    return word;
}

// Adds up the threads' sums; the first thread gets the total.
__device__ __forceinline__ u64 add_up(u64 sum) {
    __shared__ u64 sums[BLOCK_THREADS];
    sums[threadIdx.x] = sum;
#pragma unroll
    for (u32 half = BLOCK_THREADS / 2; half != 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    return sums[0];
}

// Reads a block at `from` and writes it to `to`, which may be the same: every load is issued before the barrier, every
// store comes after it. Neighbouring threads touch neighbouring quads. The first thread gets the pass's result.
__device__ __forceinline__ u64 pass(const uint4 *from, uint4 *to, uint4 key) {
    uint4 quads[THREAD_QUADS];
#pragma unroll
    for (u32 i = 0; i < THREAD_QUADS; ++i) {
        quads[i] = load_quad(from + (i * BLOCK_THREADS + threadIdx.x + key.x) % BLOCK_QUADS);
    }
    __syncthreads();
    u64 sum = 0;
#pragma unroll
    for (u32 i = 0; i < THREAD_QUADS; ++i) {
        const u32 quad = i * BLOCK_THREADS + threadIdx.x;
        const u32 j = 4 * quad;
        uint4 block = quads[i];
        block.x = turn_word(block.x, key.x, j, sum);
        block.y = turn_word(block.y, key.y, j + 1, sum);
        block.z = turn_word(block.z, key.z, j + 2, sum);
        block.w = turn_word(block.w, key.w, j + 3, sum);
        store_quad(to + quad, block);
    }
    return add_up(sum);
}

__device__ __forceinline__ void write_block_leaf(u32 *leaves, u32 block, u32 total, u64 accumulator) {
    if (threadIdx.x != 0) return;
    const u32 result[2] = {u32(accumulator), u32(accumulator >> 32)};
    write_leaf(leaves, block, total, result);
}
