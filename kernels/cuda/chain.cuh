// Chains of dependent multiply-adds, shared by fma32 and fma64.
//
// A step is x = fma(s, y, x), then y = fma(-s, x, y), for every pair of a lane. It turns (x, y) on an ellipse: one
// quantity is conserved up to rounding, so nothing overflows, vanishes or becomes subnormal, and every bit of the
// mantissas is used. The pairs of a lane are independent, so that the latency of one is hidden by the others.
#pragma once
#include "gpux.cuh"

// Multiply-adds in the body of the main loop: few enough to stay in the instruction cache nearest to the scheduler,
// and so many that the loop's own three instructions are below 3 %.
constexpr u32 CHAIN_BODY = 128;

// Rounded once, to nearest, subnormals kept: the same bits on every conforming device.
__device__ __forceinline__ float fma_nearest(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ __forceinline__ double fma_nearest(double a, double b, double c) { return __fma_rn(a, b, c); }

template <typename Real, u32 PAIRS> struct Chain {
    Real x[PAIRS], y[PAIRS], s[PAIRS];

    // 23 bits of a word as a fraction. It and the sums below are exact in single precision too.
    static __device__ __forceinline__ Real fraction(u32 word) { return static_cast<Real>(word >> 9) * Real(0x1p-23); }

    __device__ __forceinline__ void start(u32 lane, u32 stream, u32 k0, u32 k1) {
#pragma unroll
        for (u32 pair = 0; pair < PAIRS; ++pair) {
            const uint4 words = words_at(u64(pair) << 32 | lane, stream, k0, k1);
            x[pair] = Real(1) + fraction(words.x);
            y[pair] = Real(1) + fraction(words.y);
            s[pair] = Real(0.5) + fraction(words.z) * Real(0.5);
        }
    }

    __device__ __forceinline__ void step() {
#pragma unroll
        for (u32 pair = 0; pair < PAIRS; ++pair) x[pair] = fma_nearest(s[pair], y[pair], x[pair]);
#pragma unroll
        for (u32 pair = 0; pair < PAIRS; ++pair) y[pair] = fma_nearest(-s[pair], x[pair], y[pair]);
    }

    __device__ __forceinline__ void run(u32 steps) {
        constexpr u32 UNROLL = CHAIN_BODY / (2 * PAIRS);
#pragma unroll 1
        for (u32 bodies = steps / UNROLL; bodies != 0; --bodies) {
#pragma unroll
            for (u32 i = 0; i < UNROLL; ++i) step();
        }
#pragma unroll 1
        for (u32 rest = steps % UNROLL; rest != 0; --rest) step();
    }
};
