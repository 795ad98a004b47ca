// fma64: the fp64 rate of a card.
//
// A lane is four pairs of the chain in chain.cuh. A unit is a lane; its leaf hashes x, then y of the pairs, as f64
// bits.
//
// Why exact: every operation is an IEEE 754 multiply-add with full mantissas, rounded once to nearest; the source fixes
// the order, and nothing is contracted beyond it.
// Which other unit could do this? fp64 tensor cores multiply matrices and cannot chain one rounding after another;
// pairs of fp32 take more than ten operations for one and keep only 48 bits.
// Remaining gain: where fp64 has 1/64 of the fp32 rate (GeForce), integer units that emulate it, at some 100
// instructions an operation, add about a third. A relay to a faster card, since only digests move.
#include "chain.cuh"

extern "C" __global__ void __launch_bounds__(256) gpux_fma64(u32 lanes, u32 steps, u32 k0, u32 k1, u32 *leaves) {
    constexpr u32 PAIRS = 4;
    const u32 lane = blockIdx.x * blockDim.x + threadIdx.x;
    if (lane >= lanes) return;
    Chain<double, PAIRS> chain;
    chain.start(lane, STREAM_CHAIN, k0, k1);
    chain.run(steps);
    u32 result[4 * PAIRS];
#pragma unroll
    for (u32 pair = 0; pair < PAIRS; ++pair) {
        const u64 x = __double_as_longlong(chain.x[pair]), y = __double_as_longlong(chain.y[pair]);
        result[2 * pair] = u32(x);
        result[2 * pair + 1] = u32(x >> 32);
        result[2 * (PAIRS + pair)] = u32(y);
        result[2 * (PAIRS + pair) + 1] = u32(y >> 32);
    }
    write_leaf(leaves, lane, lanes, result);
}
