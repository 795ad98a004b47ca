// The card's memory as vram, stream and link use it: in units of 16 bytes, over all of it.
#pragma once
#include "gpux.cuh"

// Memory may be scattered over several allocations: chunks of 2^shift units, of `quads` times 16 bytes each, whose
// addresses lie in a table. Returns where unit `index` begins.
__device__ __forceinline__ uint4 *unit_at(const u64 *__restrict__ chunks, u32 shift, u64 index, u32 quads) {
    const u64 within = index & ((u64(1) << shift) - 1);
    return reinterpret_cast<uint4 *>(chunks[index >> shift]) + within * quads;
}

// One access of 16 bytes, past the first-level cache, which is left to the table of chunks. An address out of a table
// could be of any address space to the compiler; these say that it is memory.
__device__ __forceinline__ uint4 load_quad(const uint4 *from) { return __ldcg(from); }
__device__ __forceinline__ void store_quad(uint4 *to, uint4 quad) { __stcg(to, quad); }
