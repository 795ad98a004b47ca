// The product of two matrices on tensor cores, a tile of the result a block, and the leaf of that tile.
//
// Both operands have their rows along k, and C = A Bᵗ. A block of 8 warps computes 128 x 128 values, a warp 64 x 32.
// It steps along k by 64 bytes: a ring of slots in shared memory holds the steps to come, and the fragments of the next
// half step are loaded while those of the last one are multiplied. A fragment is 32 bytes of k for both widths, so the
// two kernels differ in nothing but the instruction and what keeps its sums exact. C is never written to memory: at
// n = 4096 that would take longer than the product.
#pragma once
#include "mma.cuh"
#include "operand.cuh"
#include "tile.cuh"

constexpr u32 GEMM_THREADS = 256;
constexpr u32 WARP_ROWS = 64, WARP_COLUMNS = 32;
constexpr u32 STEP_BYTES = 64, STEP_QUADS = STEP_BYTES / 16;
constexpr u32 PANEL_BYTES = TILE_EDGE * STEP_BYTES, SLOT_BYTES = 2 * PANEL_BYTES;
// 48 KiB with asynchronous copies; without, 32 KiB, so that two blocks share a multiprocessor of level 75 as well.
constexpr u32 SLOTS = GPUX_ASYNC_COPY ? 3 : 2;

static_assert(SLOTS * SLOT_BYTES >= TILE_BYTES, "the tile replaces the ring");

// Returns where 16 bytes of a panel's row lie. Eight rows below each other are then in eight different groups of banks.
__device__ __forceinline__ u32 panel_place(u32 row, u32 quad) {
    return row * STEP_BYTES + (quad ^ (row / 2 % 4)) * 16;
}

// Brings steps from memory into slots: thread 4i + quad the rows i and 64 + i of either panel. A step is fetched in
// three parts, among which a warp multiplies: without asynchronous copies it passes through registers, and those of one
// panel are all that can be spared.
struct Feed {
    const uint4 *left, *right;
    u32 pitch;
    SharedAddress to;
#if !GPUX_ASYNC_COPY
    uint4 staged[2];
#endif

    __device__ __forceinline__ Feed(const uint4 *a, const uint4 *b, u32 row_quads, SharedAddress ring) {
        const u32 row = threadIdx.x / STEP_QUADS, quad = threadIdx.x % STEP_QUADS;
        left = a + u64(row) * row_quads + quad;
        right = b + u64(row) * row_quads + quad;
        pitch = row_quads;
        to = kept(ring + panel_place(row, quad));
    }

    __device__ __forceinline__ u64 below() const { return u64(pitch) * (TILE_EDGE / 2); }

#if GPUX_ASYNC_COPY
    // Begins to fetch the next of `unfetched` steps.
    template <u32 SLOT> __device__ __forceinline__ void begin(int unfetched) {
        if (unfetched > 0) {
            cp_async_16<SLOT * SLOT_BYTES>(to, left);
            cp_async_16<SLOT * SLOT_BYTES + PANEL_BYTES / 2>(to, left + below());
            cp_async_16<SLOT * SLOT_BYTES + PANEL_BYTES>(to, right);
            cp_async_16<SLOT * SLOT_BYTES + PANEL_BYTES / 2 * 3>(to, right + below());
            left += STEP_QUADS;
            right += STEP_QUADS;
        }
        // Without a step too: the wait counts groups.
        cp_async_commit();
    }
    template <u32 SLOT> __device__ __forceinline__ void middle(int) {}
    template <u32 SLOT> __device__ __forceinline__ void end() {}

    // Makes the step after the current one visible to the block.
    __device__ __forceinline__ void land() {
        cp_async_wait<SLOTS - 2>();
        __syncthreads();
    }
#else
    // Begins to fetch the next of `unfetched` steps. After the last it is the last again, which costs no branch.
    template <u32 SLOT> __device__ __forceinline__ void begin(int unfetched) {
        staged[0] = left[0];
        staged[1] = left[below()];
        left += unfetched > 1 ? STEP_QUADS : 0;
    }
    template <u32 SLOT> __device__ __forceinline__ void middle(int unfetched) {
        store_shared_16<SLOT * SLOT_BYTES>(to, staged[0]);
        store_shared_16<SLOT * SLOT_BYTES + PANEL_BYTES / 2>(to, staged[1]);
        staged[0] = right[0];
        staged[1] = right[below()];
        right += unfetched > 1 ? STEP_QUADS : 0;
    }
    template <u32 SLOT> __device__ __forceinline__ void end() {
        store_shared_16<SLOT * SLOT_BYTES + PANEL_BYTES>(to, staged[0]);
        store_shared_16<SLOT * SLOT_BYTES + PANEL_BYTES / 2 * 3>(to, staged[1]);
    }
    __device__ __forceinline__ void land() { __syncthreads(); }
#endif

    template <u32 SLOT> __device__ __forceinline__ void fetch(int unfetched) {
        begin<SLOT>(unfetched);
        middle<SLOT>(unfetched);
        end<SLOT>();
    }
};

template <u32... SLOT> struct Slots {};
#if GPUX_ASYNC_COPY
using Turn = Slots<0, 1, 2>;
#else
using Turn = Slots<0, 1>;
#endif

// A warp's part of the tile. Unit says how to multiply and how to keep sums exact:
//   Sum, the type of a sum; RUN_STEPS, the steps after which sums are reduced (a multiple of SLOTS), or 0 for none;
//   multiply(d, a, b); reduce(sum); low(sum), the low 16 bits of a reduced sum.
template <typename Unit> struct Product {
    using Sum = typename Unit::Sum;
    static constexpr int RUN_STEPS = Unit::RUN_STEPS;
    static_assert(RUN_STEPS % SLOTS == 0, "a run begins at the first slot");
    static_assert(WARP_ROWS == 64 && WARP_COLUMNS == 32, "as the loads are written");

    Sum sums[4][4][4];
    u32 left[4][4];
    u32 right[2][2][4];
    // Where the lane loads: the first half step, and the second.
    SharedAddress left_at[2], right_at[2];

    template <u32 OFFSET, u32 HALF> __device__ __forceinline__ void load_right(SharedAddress at) {
        ldmatrix_x4<OFFSET + PANEL_BYTES>(right[HALF][0], at);
        ldmatrix_x4<OFFSET + PANEL_BYTES + 16 * STEP_BYTES>(right[HALF][1], at);
    }

    template <u32 HALF> __device__ __forceinline__ void multiply_row(u32 i) {
#pragma unroll
        for (u32 j = 0; j < 4; ++j) {
            const u32(&pair)[4] = right[HALF][j / 2];
            const u32 column[2] = {pair[j % 2 * 2], pair[j % 2 * 2 + 1]};
            Unit::multiply(sums[i][j], left[i], column);
        }
    }

    // Multiplies two rows of half a step. The next half step's fragments are loaded meanwhile: those of a row of the
    // left operand as soon as the row is done, which leaves three rows of products to hide the load and takes no second
    // set of registers.
    template <u32 HALF, u32 FIRST, u32 NEXT> __device__ __forceinline__ void multiply_rows(SharedAddress next_left) {
        multiply_row<HALF>(FIRST);
        ldmatrix_x4<NEXT + FIRST * 16 * STEP_BYTES>(left[FIRST], next_left);
        multiply_row<HALF>(FIRST + 1);
        ldmatrix_x4<NEXT + (FIRST + 1) * 16 * STEP_BYTES>(left[FIRST + 1], next_left);
    }

    // Calls action(sum, row, column) for every sum of the thread, counted from its first.
    template <typename Action> __device__ __forceinline__ void each(Action action) {
#pragma unroll
        for (u32 i = 0; i < 4; ++i) {
#pragma unroll
            for (u32 j = 0; j < 4; ++j) {
#pragma unroll
                for (u32 e = 0; e < 4; ++e) action(sums[i][j][e], 16 * i + e / 2 * 8, 8 * j + e % 2);
            }
        }
    }

    __device__ __forceinline__ void aim(SharedAddress ring, u32 warp_row, u32 warp_column) {
        const u32 lane = threadIdx.x % 32;
        // The four matrices of an ldmatrix: on the left 8 rows, the next 8, and both 16 bytes further; on the right 8
        // columns, the same 16 bytes further, and both for the next 8. The second half step is two quads further, and
        // quads are permuted by exclusive or.
        const u32 left_place = panel_place(warp_row + lane % 16, lane / 16);
        const u32 right_place = panel_place(warp_column + lane / 16 * 8 + lane % 8, lane / 8 % 2);
        left_at[0] = kept(ring + left_place);
        left_at[1] = kept(ring + (left_place ^ 32));
        right_at[0] = kept(ring + right_place);
        right_at[1] = kept(ring + (right_place ^ 32));
    }

    // Multiplies the step in SLOT, unless the run ends before it: `remaining` steps were left when the turn began, and
    // `rest` are left when the run ends.
    template <u32 SLOT> __device__ __forceinline__ bool step(Feed &feed, int remaining, int rest) {
        if (remaining - int(SLOT) <= rest) return false;
        // The slot behind is free: the barrier in the last step came after its last loads.
        constexpr u32 HERE = SLOT * SLOT_BYTES, NEXT = (SLOT + 1) % SLOTS * SLOT_BYTES;
        constexpr u32 BEHIND = (SLOT + SLOTS - 1) % SLOTS;
        const int unfetched = remaining - int(SLOT + SLOTS - 1);
        load_right<HERE, 1>(right_at[1]);
        feed.begin<BEHIND>(unfetched);
        multiply_rows<0, 0, HERE>(left_at[1]);
        feed.middle<BEHIND>(unfetched);
        multiply_rows<0, 2, HERE>(left_at[1]);
        feed.end<BEHIND>();
        feed.land();
        // After the last step this loads what nobody multiplies.
        load_right<NEXT, 0>(right_at[0]);
        multiply_rows<1, 0, NEXT>(left_at[0]);
        multiply_rows<1, 2, NEXT>(left_at[0]);
        return true;
    }

    template <u32... SLOT>
    __device__ __forceinline__ void turn(Slots<SLOT...>, Feed &feed, int remaining, int rest) {
        static_cast<void>((step<SLOT>(feed, remaining, rest) && ...));
    }

    __device__ __forceinline__ void run(Feed &feed, int steps) {
        each([](Sum &sum, u32, u32) { sum = 0; });
        feed.fetch<0>(steps);
        if constexpr (SLOTS == 3) feed.fetch<1>(steps - 1);
        feed.land();
        load_right<0, 0>(right_at[0]);
        ldmatrix_x4<0>(left[0], left_at[0]);
        ldmatrix_x4<16 * STEP_BYTES>(left[1], left_at[0]);
        ldmatrix_x4<32 * STEP_BYTES>(left[2], left_at[0]);
        ldmatrix_x4<48 * STEP_BYTES>(left[3], left_at[0]);
#pragma unroll 1
        while (steps > 0) {
            const int rest = RUN_STEPS == 0 || steps < RUN_STEPS ? 0 : steps - RUN_STEPS;
#pragma unroll 1
            for (; steps > rest; steps -= int(SLOTS)) turn(Turn(), feed, steps, rest);
            each([](Sum &sum, u32, u32) { Unit::reduce(sum); });
        }
        // The ring is free from here on: every copy has landed, and all warps have loaded what was theirs.
        __syncthreads();
    }
};

// Which tile a block computes. In bands of eight rows of tiles, blocks that run at the same time share more of the
// operands than row by row, and so need less of the memory's bandwidth. A last band that is lower goes row by row.
__device__ __forceinline__ uint2 tile_of_block() {
    constexpr u32 BAND = 8;
    const u32 edge = gridDim.x, band = blockIdx.y / BAND * BAND;
    if (band + BAND > edge) return make_uint2(blockIdx.x, blockIdx.y);
    const u32 within = (blockIdx.y - band) * edge + blockIdx.x;
    return make_uint2(within / BAND, band + within % BAND);
}

__device__ __forceinline__ u32 tile_extent(u32 n, u32 tile) {
    return n - tile * TILE_EDGE < TILE_EDGE ? n - tile * TILE_EDGE : TILE_EDGE;
}

// Computes one tile of A Bᵗ and writes its leaf.
template <typename Unit>
__device__ __forceinline__ void multiply_tile(const uint4 *a, const uint4 *b, u32 n, u32 pitch, u32 *leaves) {
    __shared__ __align__(128) unsigned char ring[SLOTS * SLOT_BYTES];
    const uint2 at = tile_of_block();
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const u32 warp_row = warp % 2 * WARP_ROWS, warp_column = warp / 2 * WARP_COLUMNS;
    const SharedAddress address = shared_address(ring);
    Feed feed(a + u64(at.y) * TILE_EDGE * pitch, b + u64(at.x) * TILE_EDGE * pitch, pitch, address);
    Product<Unit> product;
    product.aim(address, warp_row, warp_column);
    product.run(feed, int(pitch / STEP_QUADS));

    Tile tile = {reinterpret_cast<u16 *>(ring), tile_extent(n, at.y), tile_extent(n, at.x)};
    const u32 row = warp_row + lane / 4, column = warp_column + lane % 4 * 2;
    product.each([&](typename Unit::Sum sum, u32 down, u32 across) {
        tile.store(row + down, column + across, Unit::low(sum));
    });
    tile.pad();
    __syncthreads();

    const u32 unit = at.y * gridDim.x + at.x;
    // Blocks that share a multiprocessor finish together. Were it always the first warp that hashes, theirs would share
    // one of its four schedulers.
    if (warp != unit * 0x9E3779B9 >> 29) return;
    const Digest digest = hash_tile(tile);
    if (lane == 0) write_digest_leaf(leaves, unit, gridDim.x * gridDim.y, digest);
}
