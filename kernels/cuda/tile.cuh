// A result tile in shared memory, and its leaf.
//
// The tile's bytes are the low 16 bits of its values, row by row, without gaps where the matrix ends inside the tile:
// 32 KiB at most, which are 32 chunks of BLAKE3. One warp hashes them, a lane a chunk. Chunks are 1,024 bytes apart, so
// that all lanes would read from the same bank; blocks of 16 bytes are therefore permuted within lines of 128 bytes.
// The permutation differs between chunks, for these reads, and between the lines of a chunk, for the writes of rows.
#pragma once
#include "gpux.cuh"

constexpr u32 TILE_EDGE = 128;
constexpr u32 TILE_BYTES = 2 * TILE_EDGE * TILE_EDGE;

struct Tile {
    u16 *values;
    u32 rows, columns;

    __device__ __forceinline__ u32 bytes() const { return 2 * rows * columns; }

    // Where the block of 16 bytes lies.
    static __device__ __forceinline__ u32 place(u32 block) { return block ^ ((block >> 3 ^ block >> 6) & 7); }

    __device__ __forceinline__ void put(u32 index, u16 value) { values[8 * place(index / 8) + index % 8] = value; }

    __device__ __forceinline__ void store(u32 row, u32 column, u16 value) {
        if (row < rows && column < columns) put(row * columns + column, value);
    }

    // Puts zeros behind the last value, up to the end of its block of the hash.
    __device__ __forceinline__ void pad() {
        const u32 end = rows * columns;
        if (threadIdx.x < (0 - end) % (HASH_BLOCK_BYTES / 2)) put(end + threadIdx.x, 0);
    }

    __device__ __forceinline__ void load(u32 (&block)[16], u32 from_byte) const {
        const uint4 *quads = reinterpret_cast<const uint4 *>(values);
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            const uint4 quad = quads[place(from_byte / 16 + i)];
            block[4 * i] = quad.x;
            block[4 * i + 1] = quad.y;
            block[4 * i + 2] = quad.z;
            block[4 * i + 3] = quad.w;
        }
    }
};

// Hashes chunk `chunk`, or nothing when the tile ends before it; `root` is set for a tile of one chunk.
__device__ __forceinline__ Digest hash_chunk(const Tile &tile, u32 chunk, u32 root) {
    const u32 end = tile.bytes();
    Digest chain = plain_key();
    u32 flags = CHUNK_START;
#pragma unroll 1
    for (u32 at = chunk * HASH_CHUNK_BYTES; at < end && at < (chunk + 1) * HASH_CHUNK_BYTES; at += HASH_BLOCK_BYTES) {
        const u32 next = at + HASH_BLOCK_BYTES;
        if (next >= end || next % HASH_CHUNK_BYTES == 0) flags |= CHUNK_END | root;
        u32 block[16];
        tile.load(block, at);
        chain = compress(chain, block, chunk, next <= end ? HASH_BLOCK_BYTES : end - at, flags);
        flags = 0;
    }
    return chain;
}

// Hashes the tile with one whole warp; its first lane gets the digest.
__device__ __forceinline__ Digest hash_tile(const Tile &tile) {
    const u32 lane = threadIdx.x % 32;
    const u32 chunks = (tile.bytes() + HASH_CHUNK_BYTES - 1) / HASH_CHUNK_BYTES;
    Digest chain = hash_chunk(tile, lane, chunks == 1 ? ROOT : 0);
    // BLAKE3's tree is that of pairs, level by level, in which a chunk without sibling moves up.
#pragma unroll 1
    for (u32 step = 1; step < chunks; step *= 2) {
        Digest right;
#pragma unroll
        for (u32 i = 0; i < 8; ++i) right.words[i] = __shfl_down_sync(0xFFFFFFFF, chain.words[i], step);
        if ((lane & (2 * step - 1)) == 0 && lane + step < chunks) {
            chain = compress_pair(plain_key(), chain, right, 2 * step < chunks ? PARENT : PARENT | ROOT);
        }
    }
    return chain;
}
