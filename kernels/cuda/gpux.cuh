// What every kernel stands on: words from a key (Philox), and hashes of results (BLAKE3) up to the tree over them.
//
// The formats are those of the crate's philox.rs and merkle.rs. A compiled module holds one probe and gpux_tree, which
// reduces the leaves that the probe leaves behind. The root itself is hashed by the host.
#pragma once
#ifdef GPUX_HOST
#include "host/cuda.h"
#endif

using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

// Streams: one a purpose, so that no word serves twice.
constexpr u32 STREAM_LEFT = 1, STREAM_RIGHT = 2;            // imma
constexpr u32 STREAM_HALF_LEFT = 3, STREAM_HALF_RIGHT = 4;  // hmma
constexpr u32 STREAM_SINGLE = 6;                            // fma32
constexpr u32 STREAM_CHAIN = 7;                             // fma64
constexpr u32 STREAM_CELL = 11, STREAM_WALKER = 12;         // vram
constexpr u32 STREAM_DOT = 13;                              // dp4a
constexpr u32 STREAM_BLOCK = 14;                            // stream, link

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
__device__ __forceinline__ uint4 philox(uint4 counter, u32 k0, u32 k1) {
#pragma unroll
    for (u32 round = 0; round < 10; ++round) {
        counter = make_uint4(__umulhi(0xCD9E8D57, counter.z) ^ counter.y ^ k0, 0xCD9E8D57 * counter.z,
                             __umulhi(0xD2511F53, counter.x) ^ counter.w ^ k1, 0xD2511F53 * counter.x);
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return counter;
}

// Returns block `index` of a stream.
__device__ __forceinline__ uint4 words_at(u64 index, u32 stream, u32 k0, u32 k1) {
    return philox(make_uint4(u32(index), u32(index >> 32), stream, 0), k0, k1);
}

// BLAKE3's flags and sizes (O'Connor et al., BLAKE3, section 2).
constexpr u32 CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8, DERIVE_KEY_MATERIAL = 64;
constexpr u32 HASH_BLOCK_BYTES = 64, HASH_CHUNK_BYTES = 1024;

struct Digest {
    u32 words[8];
};

// The key of BLAKE3's plain hash: the first 32 bits of the fractional parts of the square roots of 2, 3, 5, 7, ...
__device__ __forceinline__ Digest plain_key() {
    return {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
}

// The hash of the context "gpux/round-leaf/1".
__device__ __forceinline__ Digest leaf_key() {
    return {0x09FE3243, 0x5C57BDC1, 0x7A861EA4, 0x37957006, 0xBA16F114, 0x877AC0C2, 0x939981A4, 0x2F276D18};
}

// The hash of the context "gpux/round-node/1".
__device__ __forceinline__ Digest node_key() {
    return {0x82B1B6DF, 0x0E662CA6, 0x78DB7ABB, 0x5723363E, 0xFA1AB126, 0xC94FBC35, 0x527BAF55, 0xC8EF4A37};
}

__device__ __forceinline__ u32 rotate_right(u32 word, u32 bits) { return word >> bits | word << (32 - bits); }

// BLAKE3's quarter round, G.
__device__ __forceinline__ void quarter(u32 &a, u32 &b, u32 &c, u32 &d, u32 x, u32 y) {
    a += b + x;
    d = rotate_right(d ^ a, 16);
    c += d;
    b = rotate_right(b ^ c, 12);
    a += b + y;
    d = rotate_right(d ^ a, 8);
    c += d;
    b = rotate_right(b ^ c, 7);
}

// Compresses a block of `bytes` bytes into the chaining value. Both loops vanish: the message is only renamed.
__device__ __forceinline__ Digest compress(const Digest &chain, const u32 (&block)[16], u32 counter, u32 bytes,
                                           u32 flags) {
    constexpr u32 PERMUTATION[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    const Digest iv = plain_key();
    u32 state[16], message[16];
#pragma unroll
    for (u32 i = 0; i < 16; ++i) {
        state[i] = i < 8 ? chain.words[i % 8] : iv.words[i % 4];
        message[i] = block[i];
    }
    state[12] = counter;
    state[13] = 0;  // The counter's high word: no result has 2^32 chunks.
    state[14] = bytes;
    state[15] = flags;
#pragma unroll
    for (u32 round = 0; round < 7; ++round) {
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            quarter(state[i], state[4 + i], state[8 + i], state[12 + i], message[2 * i], message[2 * i + 1]);
        }
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
            quarter(state[i], state[4 + (i + 1) % 4], state[8 + (i + 2) % 4], state[12 + (i + 3) % 4],
                    message[8 + 2 * i], message[9 + 2 * i]);
        }
        u32 permuted[16];
#pragma unroll
        for (u32 i = 0; i < 16; ++i) permuted[i] = message[PERMUTATION[i]];
#pragma unroll
        for (u32 i = 0; i < 16; ++i) message[i] = permuted[i];
    }
    Digest out;
#pragma unroll
    for (u32 i = 0; i < 8; ++i) out.words[i] = state[i] ^ state[8 + i];
    return out;
}

// Hashes up to 16 words, which are a chunk of one block and so the whole input.
template <u32 WORDS> __device__ __forceinline__ Digest hash_words(const u32 (&words)[WORDS]) {
    static_assert(WORDS <= 16, "one block");
    u32 block[16];
#pragma unroll
    for (u32 i = 0; i < 16; ++i) block[i] = i < WORDS ? words[i % WORDS] : 0;
    return compress(plain_key(), block, 0, 4 * WORDS, CHUNK_START | CHUNK_END | ROOT);
}

// Joins two chaining values into one block.
__device__ __forceinline__ Digest compress_pair(const Digest &key, const Digest &left, const Digest &right, u32 flags) {
    u32 block[16];
#pragma unroll
    for (u32 i = 0; i < 8; ++i) {
        block[i] = left.words[i];
        block[8 + i] = right.words[i];
    }
    return compress(key, block, 0, HASH_BLOCK_BYTES, flags);
}

// Writes the leaf of unit `index` of `total`, whose result has this digest.
__device__ __forceinline__ void write_digest_leaf(u32 *leaves, u32 index, u32 total, const Digest &result) {
    u32 block[16] = {index, total};
#pragma unroll
    for (u32 i = 0; i < 8; ++i) block[2 + i] = result.words[i];
    const Digest leaf = compress(leaf_key(), block, 0, 40, CHUNK_START | CHUNK_END | ROOT | DERIVE_KEY_MATERIAL);
    uint4 *to = reinterpret_cast<uint4 *>(leaves) + 2 * u64(index);
    to[0] = make_uint4(leaf.words[0], leaf.words[1], leaf.words[2], leaf.words[3]);
    to[1] = make_uint4(leaf.words[4], leaf.words[5], leaf.words[6], leaf.words[7]);
}

// Writes the leaf of a unit whose result is a few words.
template <u32 WORDS>
__device__ __forceinline__ void write_leaf(u32 *leaves, u32 index, u32 total, const u32 (&result)[WORDS]) {
    write_digest_leaf(leaves, index, total, hash_words(result));
}

constexpr u32 TREE_THREADS = 256, TREE_NODES = 2 * TREE_THREADS;

// Reduces every run of 512 nodes to one, level by level; a node without sibling moves up unchanged. Runs of 512 are
// whole subtrees, so repeating this until one node is left gives the top of the tree over all leaves.
extern "C" __global__ void __launch_bounds__(TREE_THREADS) gpux_tree(const u32 *nodes, u32 count, u32 *out) {
    // Nodes are nine words apart: at eight, threads would meet in two banks of shared memory.
    constexpr u32 PITCH = 9;
    __shared__ u32 level[TREE_NODES * PITCH];
    const u32 first = blockIdx.x * TREE_NODES;
    u32 left_over = count - first < TREE_NODES ? count - first : TREE_NODES;
    for (u32 word = threadIdx.x; word < 8 * left_over; word += TREE_THREADS) {
        level[word / 8 * PITCH + word % 8] = nodes[8 * u64(first) + word];
    }
    __syncthreads();
#pragma unroll 1
    while (left_over > 1) {
        const u32 pairs = left_over / 2, above = left_over - pairs;
        Digest left, right;
        if (threadIdx.x < above) {
            // The last of an odd count is its own right side here, and stays as it is.
            const u32 sibling = threadIdx.x < pairs ? 2 * threadIdx.x + 1 : 2 * threadIdx.x;
#pragma unroll
            for (u32 i = 0; i < 8; ++i) {
                left.words[i] = level[2 * threadIdx.x * PITCH + i];
                right.words[i] = level[sibling * PITCH + i];
            }
            if (threadIdx.x < pairs) {
                left = compress_pair(node_key(), left, right, CHUNK_START | CHUNK_END | ROOT | DERIVE_KEY_MATERIAL);
            }
        }
        __syncthreads();
        if (threadIdx.x < above) {
#pragma unroll
            for (u32 i = 0; i < 8; ++i) level[threadIdx.x * PITCH + i] = left.words[i];
        }
        __syncthreads();
        left_over = above;
    }
    if (threadIdx.x < 8) out[8 * blockIdx.x + threadIdx.x] = level[threadIdx.x];
}
