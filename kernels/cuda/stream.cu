// stream: bandwidth of a card's memory.
//
// At least 90 % of memory is filled with Philox words and changed in place by every round, one pass a round. A unit is
// a block of 64 KiB; its leaf hashes the sum that the pass in block.cuh leaves. A full hash a pass would be bound by
// the hash; the sum takes two instructions a byte moved, which the cores do in a third of the time or less.
//
// Why exact: integers that wrap, and a sum whose order does not matter.
// Which other unit could do this? None moves the words faster than the memory does. Passes cannot be fused: the key of
// the next one is the hash of all sums of this one.
// Remaining gain: what fits in the second-level cache from one pass to the next (below 1 % of the memory), and blocks
// that are left out, which drawn blocks find.
#include "block.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK_THREADS)
    gpux_block_fill(const u64 *__restrict__ chunks, u32 shift, u64 first, u32 k0, u32 k1) {
    const u64 block = first + blockIdx.x;
    uint4 *quads = unit_at(chunks, shift, block, BLOCK_QUADS);
#pragma unroll 1
    for (u32 quad = threadIdx.x; quad < BLOCK_QUADS; quad += BLOCK_THREADS) {
        const u64 index = block * BLOCK_QUADS + quad;
        store_quad(quads + quad, words_at(index, STREAM_BLOCK, k0, k1));
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK_THREADS, BLOCKS_RESIDENT)
    gpux_stream(const u64 *__restrict__ chunks, u32 shift, u32 blocks, u32 k0, u32 k1, u32 k2, u32 k3, u32 *leaves) {
    uint4 *block = unit_at(chunks, shift, blockIdx.x, BLOCK_QUADS);
    write_block_leaf(leaves, blockIdx.x, blocks, pass(block, block, make_uint4(k0, k1, k2, k3)));
}
