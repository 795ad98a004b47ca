// link: generation and lanes of the bus, and whether the card is in this machine.
//
// A round moves a buffer to the card, passes over it as stream does, and moves it back; then come many trips of 32
// bytes, each hashed on the card and once more by the host. A unit is a block of 64 KiB, whose leaf hashes the pass's
// sum; the last unit hashes the state after the last trip, so `total` is blocks + 1.
//
// Why exact: integers and BLAKE3.
// Which other unit could do this? The host's cores: the bus must therefore be slower than they are at this, and the
// trips dependent. They tell a card in this machine (about 15 microseconds) from one behind a network (100 and more).
// Remaining gain: a host that computes all of it without a card. Only rounds in the same session as imma, vram and
// stream say something about a card.
#include "block.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK_THREADS, BLOCKS_RESIDENT) gpux_link(
    const u32 *from, u32 *to, u32 blocks, u32 total, u32 k0, u32 k1, u32 k2, u32 k3, u32 *leaves) {
    const u32 block = blockIdx.x;
    if (block >= blocks) return;
    const u64 offset = u64(block) * BLOCK_QUADS;
    const u64 sum = pass(reinterpret_cast<const uint4 *>(from) + offset, reinterpret_cast<uint4 *>(to) + offset,
                         make_uint4(k0, k1, k2, k3));
    write_block_leaf(leaves, block, total, sum);
}

// One end of a trip: the state's hash replaces it.
extern "C" __global__ void __launch_bounds__(1) gpux_trip(u32 *state) {
    u32 words[8];
#pragma unroll
    for (u32 i = 0; i < 8; ++i) words[i] = state[i];
    const Digest digest = hash_words(words);
#pragma unroll
    for (u32 i = 0; i < 8; ++i) state[i] = digest.words[i];
}
