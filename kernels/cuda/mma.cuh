// The instructions that C++ has no name for. On the host they are those of namespace gpux_host, which follows the
// fragment layouts and the memory model of the PTX manual.
//
// Level 75 has the same operations in smaller pieces, and no asynchronous copy.
#pragma once
#include "gpux.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
// A body that is guarded instead would compile to a kernel that does nothing.
#error "tensor cores begin with level 75"
#endif

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define GPUX_ASYNC_COPY 0
#else
#define GPUX_ASYNC_COPY 1
#endif

#ifdef GPUX_HOST
using gpux_host::cp_async_commit;
using gpux_host::cp_async_wait;
using gpux_host::mma_f16_16816;
using gpux_host::mma_s8_16832;

using SharedAddress = unsigned char *;

inline SharedAddress shared_address(unsigned char *shared) { return shared; }

template <typename Word> inline Word kept(Word word) { return word; }

template <u32 OFFSET> inline void ldmatrix_x4(u32 (&r)[4], SharedAddress row) {
    gpux_host::ldmatrix_x4(r, row + OFFSET);
}

template <u32 OFFSET> inline void cp_async_16(SharedAddress shared, const void *global) {
    gpux_host::cp_async_16(shared + OFFSET, global);
}

template <u32 OFFSET> inline void store_shared_16(SharedAddress shared, uint4 quad) {
    *reinterpret_cast<uint4 *>(shared + OFFSET) = quad;
}
#else

// d += a b of signed bytes: 16 x 32 by 32 x 8.
__device__ __forceinline__ void mma_s8_16832(int (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    // Rows 0 to 7 are in a[0] and a[2], the others in a[1] and a[3]; the second half of k in a[2], a[3] and b[1].
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
#pragma unroll
        for (u32 rows = 0; rows < 2; ++rows) {
            asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
                : "+r"(d[2 * rows]), "+r"(d[2 * rows + 1])
                : "r"(a[2 * half + rows]), "r"(b[half]));
        }
    }
#endif
}

// d += a b of binary16, with sums in binary32: 16 x 16 by 16 x 8.
__device__ __forceinline__ void mma_f16_16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
#pragma unroll
    for (u32 half = 0; half < 2; ++half) {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
    }
#endif
}

// A place in shared memory as these instructions take it. Offsets that are known are part of the instruction; as parts
// of pointers they would each be worked out, and kept in a register.
using SharedAddress = u32;

__device__ __forceinline__ SharedAddress shared_address(unsigned char *shared) {
    return static_cast<u32>(__cvta_generic_to_shared(shared));
}

// Has a word worked out once and held in a register, where the compiler would do it anew before each use. Level 75
// stages copies in registers and has none to spare.
__device__ __forceinline__ u32 kept(u32 word) {
#if GPUX_ASYNC_COPY
    asm volatile("mov.b32 %0, %0;" : "+r"(word));
#endif
    return word;
}

// Loads four matrices of 8 rows of 16 bytes; lane i names row i % 8 of matrix i / 8.
template <u32 OFFSET> __device__ __forceinline__ void ldmatrix_x4(u32 (&r)[4], SharedAddress row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4+%5];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(row), "n"(OFFSET)
                 : "memory");
}

template <u32 OFFSET> __device__ __forceinline__ void store_shared_16(SharedAddress shared, uint4 quad) {
    asm volatile("st.shared.v4.b32 [%0+%1], {%2,%3,%4,%5};" ::"r"(shared), "n"(OFFSET), "r"(quad.x), "r"(quad.y),
                 "r"(quad.z), "r"(quad.w)
                 : "memory");
}

#if GPUX_ASYNC_COPY
// Copies 16 bytes to shared memory, past the registers and the first-level cache. They have landed for the thread
// after a wait, and for the block after the barrier that follows it.
template <u32 OFFSET> __device__ __forceinline__ void cp_async_16(SharedAddress shared, const void *global) {
    asm volatile("cp.async.cg.shared.global [%0+%1], [%2], 16;" ::"r"(shared), "n"(OFFSET), "l"(global) : "memory");
}

__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most N of the groups committed last are still on their way.
template <u32 N> __device__ __forceinline__ void cp_async_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}
#endif

#endif
