// Operands of the matrix products, drawn from a key.
//
// A row is cut into blocks of 16 bytes, a Philox block each, so that a verifier draws any row alone. What lies beyond
// the matrix is zero up to the next tile and the next step, so that the product needs no bounds.
#pragma once
#include "gpux.cuh"

// Returns the first `bytes` bytes of a word.
__device__ __forceinline__ u32 first_bytes(u32 word, u32 bytes) {
    return bytes >= 4 ? word : word & ((1u << 8 * bytes) - 1);
}

__device__ __forceinline__ u32 bytes_from(u32 bytes, u32 from) { return bytes > from ? bytes - from : 0; }

// Writes one block of 16 / VALUE_BYTES values; `encode` turns a word of the stream into a word of values.
template <u32 VALUE_BYTES, typename Encode>
__device__ __forceinline__ void expand(uint4 *out, u32 n, u32 k, u32 pitch, u32 stream, u32 k0, u32 k1, Encode encode) {
    const u32 row = blockIdx.y, block = blockIdx.x * blockDim.x + threadIdx.x;
    if (block >= pitch) return;
    const u32 row_bytes = VALUE_BYTES * k, blocks = (row_bytes + 15) / 16;
    uint4 values = make_uint4(0, 0, 0, 0);
    if (row < n && block < blocks) {
        const uint4 words = words_at(u64(row) * blocks + block, stream, k0, k1);
        const u32 bytes = row_bytes - 16 * block;
        values.x = first_bytes(encode(words.x), bytes);
        values.y = first_bytes(encode(words.y), bytes_from(bytes, 4));
        values.z = first_bytes(encode(words.z), bytes_from(bytes, 8));
        values.w = first_bytes(encode(words.w), bytes_from(bytes, 12));
    }
    out[u64(row) * pitch + block] = values;
}
