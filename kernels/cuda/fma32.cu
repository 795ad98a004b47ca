// fma32: the fp32 rate of a card.
//
// A lane is eight pairs of the chain in chain.cuh. A unit is a lane; its leaf hashes x, then y of the pairs, as f32
// bits.
//
// Why exact: every operation is an IEEE 754 multiply-add with full mantissas, rounded once to nearest, and neither
// approximate nor flushed to zero; the source fixes the order, and nothing is contracted beyond it.
// Which other unit could do this? Tensor cores multiply matrices of shorter mantissas and cannot chain one rounding
// after another; integer units take more than ten operations for one. fp64 units need three more operations to round
// each result to 24 bits.
// Remaining gain: an eighth on cards whose fp64 has half the fp32 rate, nothing on others. A relay to a faster card,
// since only digests move.
#include "chain.cuh"

extern "C" __global__ void __launch_bounds__(256) gpux_fma32(u32 lanes, u32 steps, u32 k0, u32 k1, u32 *leaves) {
    constexpr u32 PAIRS = 8;
    const u32 lane = blockIdx.x * blockDim.x + threadIdx.x;
    if (lane >= lanes) return;
    Chain<float, PAIRS> chain;
    chain.start(lane, STREAM_SINGLE, k0, k1);
    chain.run(steps);
    u32 result[2 * PAIRS];
#pragma unroll
    for (u32 pair = 0; pair < PAIRS; ++pair) {
        result[pair] = __float_as_uint(chain.x[pair]);
        result[PAIRS + pair] = __float_as_uint(chain.y[pair]);
    }
    write_leaf(leaves, lane, lanes, result);
}
