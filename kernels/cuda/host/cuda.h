// The part of CUDA that the kernels use, as C++17 for the host.
//
// With it the same sources run on a machine without a card, under a seeded schedule of warps and lanes, and are
// compared with the reference bit for bit. For tests only: thousands of times slower than a card.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.h"
#include "mma.h"

// Every module contains gpux_tree, so a kernel may be defined more than once, always the same.
#define __global__ __attribute__((weak))
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// In one piece, a thread of the host; see shared.cpp.
#define __shared__ static thread_local

#define threadIdx (gpux_host::block().current().index)
#define blockIdx (gpux_host::block().index)
#define blockDim (gpux_host::block().size)
#define gridDim (gpux_host::block().grid)

#define GPUX_HOST_TEXT(line) #line
#define GPUX_HOST_PLACE(file, line) file ":" GPUX_HOST_TEXT(line)
#define __syncthreads() gpux_host::block().barrier(GPUX_HOST_PLACE(__FILE__, __LINE__))

struct uint2 {
    unsigned x, y;
};

struct __align__(16) uint4 {
    unsigned x, y, z, w;
};

inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

// Caches hold nothing that memory does not.
template <typename T> inline T __ldcg(const T *from) { return *from; }
template <typename T> inline void __stcg(T *to, T value) { *to = value; }

inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(uint64_t(a) * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<unsigned long long>(Wide(a) * b >> 64);
}

inline int __dp4a(int a, int b, int c) {
    unsigned sum = c;
    for (int at = 0; at < 32; at += 8) sum += unsigned(int8_t(a >> at) * int8_t(b >> at));
    return int(sum);
}

// Rounded once, whatever the compiler does elsewhere.
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }

namespace gpux_host {

template <typename To, typename From> inline To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

template <typename T> inline T shuffle(const char *name, unsigned mask, T value, unsigned from) {
    struct Registers {
        T value;
        unsigned from;
        T result;
    } own{value, from, value};
    block().meet({name, mask, &own}, [](void *const *registers, unsigned mask) {
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            if (!(mask >> lane & 1)) continue;
            Registers &reader = *static_cast<Registers *>(registers[lane]);
            if (!(mask >> reader.from & 1)) block().fail(Outcome::FAULT, "a shuffle reads a lane outside its mask");
            reader.result = static_cast<Registers *>(registers[reader.from])->value;
        }
    });
    return own.result;
}

}  // namespace gpux_host

inline unsigned __float_as_uint(float value) { return gpux_host::bits<unsigned>(value); }
inline long long __double_as_longlong(double value) { return gpux_host::bits<long long>(value); }

// A lane at the end of the warp keeps its own value.
template <typename T> inline T __shfl_down_sync(unsigned mask, T value, unsigned delta) {
    const unsigned lane = gpux_host::block().lane(), from = lane + delta;
    return gpux_host::shuffle("__shfl_down_sync", mask, value, from < gpux_host::WARP_LANES ? from : lane);
}
