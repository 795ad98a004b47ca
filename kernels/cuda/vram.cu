// vram: size and residency of a card's memory.
//
// All usable memory is filled with cells of 64 bytes, each the last four of `hard` sequential Philox calls. Walkers
// then read cells one after another, each address depending on every bit of the cell before. A unit is a walker's
// segment of `steps` reads; its leaf hashes the end state.
//
// Why exact: integers.
// Which other unit could do this? None: the walk is dependent, and its rate is the latency of a read of the card's own
// memory. A cell that is computed again costs about ten reads, one fetched over the bus about three.
// Remaining gain: up to 3 % of the fill computed again instead of held, which costs a third of the rate.
#include "memory.cuh"

constexpr u32 CELL_QUADS = 4;

extern "C" __global__ void __launch_bounds__(256)
    gpux_fill(const u64 *__restrict__ chunks, u32 shift, u64 first, u64 count, u32 hard, u32 k0, u32 k1) {
    const u64 thread = u64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (thread >= count) return;
    const u64 index = first + thread;
    uint4 block = make_uint4(u32(index), u32(index >> 32), STREAM_CELL, 0);
    // No plan has a smaller `hard` than the cell's four.
#pragma unroll 1
    for (u32 call = CELL_QUADS; call < hard; ++call) block = philox(block, k0, k1);
    uint4 *cell = unit_at(chunks, shift, index, CELL_QUADS);
#pragma unroll
    for (u32 quad = 0; quad < CELL_QUADS; ++quad) {
        block = philox(block, k0, k1);
        store_quad(cell + quad, block);
    }
}

// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
__device__ __forceinline__ u64 mix(u64 z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

__device__ __forceinline__ u64 fold(u64 folded, u32 low, u32 high) {
    return (folded ^ (u64(high) << 32 | low)) * 0x9E3779B97F4A7C15;
}

extern "C" __global__ void __launch_bounds__(32) gpux_walk(
    const u64 *__restrict__ chunks, u32 shift, u64 cells, u32 walkers, u32 steps, u32 k0, u32 k1, u32 *leaves) {
    const u32 walker = blockIdx.x * blockDim.x + threadIdx.x;
    if (walker >= walkers) return;
    const uint4 first = words_at(walker, STREAM_WALKER, k0, k1);
    u64 state = u64(first.y) << 32 | first.x;
#pragma unroll 1
    for (u32 step = 0; step < steps; ++step) {
        // The high half of the product maps a state to a cell uniformly.
        const uint4 *cell = unit_at(chunks, shift, __umul64hi(state, cells), CELL_QUADS);
        uint4 quads[CELL_QUADS];
#pragma unroll
        for (u32 quad = 0; quad < CELL_QUADS; ++quad) quads[quad] = load_quad(cell + quad);
        u64 folded = 0;
#pragma unroll
        for (u32 quad = 0; quad < CELL_QUADS; ++quad) {
            folded = fold(folded, quads[quad].x, quads[quad].y);
            folded = fold(folded, quads[quad].z, quads[quad].w);
        }
        state = mix(state + folded);
    }
    const u32 result[2] = {u32(state), u32(state >> 32)};
    write_leaf(leaves, walker, walkers, result);
}
