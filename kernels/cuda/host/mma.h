// Warp-wide matrix instructions by the fragment layouts of the PTX ISA, and asynchronous copies.
//
// A lane's registers hold parts of matrices. The last lane to arrive gathers all fragments into whole matrices,
// multiplies, and scatters the result, so that a fragment in the wrong place gives wrong numbers as on a card.
#pragma once
#include <cmath>
#include <cstring>

#include "block.h"

namespace gpux_host {

// A 16 x 8 result of a product over DEPTH, from registers of PER values each ("Matrix Fragments for mma.m16n8k16" and
// "mma.m16n8k32"): lane = 4 * group + member.
template <typename Value, unsigned DEPTH> struct Operands {
    static constexpr unsigned PER = DEPTH / 8;
    Value a[16][DEPTH], b[8][DEPTH];

    // Takes the fragments of a lane; `value` reads one value of a register.
    template <typename Read> void gather(unsigned lane, const uint32_t *a_words, const uint32_t *b_words, Read value) {
        const unsigned group = lane / 4, member = lane % 4;
        for (unsigned at = 0; at < PER; ++at) {
            const unsigned k = member * PER + at;
            for (unsigned i = 0; i < 4; ++i) a[group + i % 2 * 8][k + i / 2 * 4 * PER] = value(a_words[i], at);
            for (unsigned i = 0; i < 2; ++i) b[group][k + i * 4 * PER] = value(b_words[i], at);
        }
    }
};

// Row and column of a lane's i-th result.
inline unsigned result_row(unsigned lane, unsigned i) { return lane / 4 + i / 2 * 8; }
inline unsigned result_column(unsigned lane, unsigned i) { return lane % 4 * 2 + i % 2; }

template <typename Sum> struct MmaRegisters {
    Sum *d;
    const uint32_t *a, *b;
};

inline void mma_s8_16832(int d[4], const uint32_t a[4], const uint32_t b[2]) {
    using Registers = MmaRegisters<int>;
    Registers own{d, a, b};
    block().meet({"mma.m16n8k32.s8", WHOLE_WARP, &own}, [](void *const *registers, unsigned) {
        const auto of = [&](unsigned lane) -> Registers & { return *static_cast<Registers *>(registers[lane]); };
        Operands<int8_t, 32> operands;
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            operands.gather(lane, of(lane).a, of(lane).b,
                            [](uint32_t word, unsigned at) { return int8_t(word >> 8 * at); });
        }
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            for (unsigned i = 0; i < 4; ++i) {
                const auto &row = operands.a[result_row(lane, i)], &column = operands.b[result_column(lane, i)];
                // Without saturation the instruction wraps.
                uint32_t sum = of(lane).d[i];
                for (unsigned k = 0; k < 32; ++k) sum += uint32_t(row[k] * column[k]);
                of(lane).d[i] = int(sum);
            }
        }
    });
}

// Value of a binary16. Only poison holds infinities and NaNs; as numbers too large they are found as well.
inline double half_value(uint16_t bits) {
    const unsigned exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double steps = exponent == 0 ? mantissa : double(1024 + mantissa) * (1u << (exponent - 1));
    return (bits & 0x8000 ? -steps : steps) * 0x1p-24;
}

// A card may add in any order and cut what does not fit, so integers are exact only as long as no order of the sum can
// reach 2^24; that is checked by magnitudes.
inline void mma_f16_16816(float d[4], const uint32_t a[4], const uint32_t b[2]) {
    using Registers = MmaRegisters<float>;
    Registers own{d, a, b};
    block().meet({"mma.m16n8k16.f16", WHOLE_WARP, &own}, [](void *const *registers, unsigned) {
        const auto of = [&](unsigned lane) -> Registers & { return *static_cast<Registers *>(registers[lane]); };
        Operands<double, 16> operands;
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            operands.gather(lane, of(lane).a, of(lane).b,
                            [](uint32_t word, unsigned at) { return half_value(uint16_t(word >> 16 * at)); });
        }
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            for (unsigned i = 0; i < 4; ++i) {
                const auto &row = operands.a[result_row(lane, i)], &column = operands.b[result_column(lane, i)];
                double sum = of(lane).d[i], magnitude = std::fabs(sum);
                for (unsigned k = 0; k < 16; ++k) {
                    sum += row[k] * column[k];
                    magnitude += std::fabs(row[k] * column[k]);
                }
                if (magnitude >= 0x1p24) block().fail(Outcome::INEXACT, "a sum in single precision can reach 2^24");
                of(lane).d[i] = float(sum);
            }
        }
    });
}

inline void check_alignment(const char *name, const void *address) {
    if (reinterpret_cast<uintptr_t>(address) % 16 == 0) return;
    block().fail(Outcome::FAULT, std::string(name) + " at an address that is no multiple of 16");
}

// Four 8 x 8 matrices of 16-bit values: lane 8i + j names row j of matrix i, and gets of every matrix the two values
// 2 * (lane % 4) and the next of row lane / 4.
inline void ldmatrix_x4(uint32_t r[4], const void *row) {
    struct Registers {
        uint32_t *r;
        const void *row;
    } own{r, row};
    check_alignment("ldmatrix", row);
    block().meet({"ldmatrix.x4", WHOLE_WARP, &own}, [](void *const *registers, unsigned) {
        for (unsigned lane = 0; lane < WARP_LANES; ++lane) {
            for (unsigned matrix = 0; matrix < 4; ++matrix) {
                const void *from = static_cast<Registers *>(registers[8 * matrix + lane / 4])->row;
                const char *word = static_cast<const char *>(from) + 4 * (lane % 4);
                memcpy(static_cast<Registers *>(registers[lane])->r + matrix, word, 4);
            }
        }
    });
}

inline void cp_async_16(void *to, const void *from) {
    check_alignment("cp.async", to);
    check_alignment("cp.async", from);
    block().current().copies.issue(to, from, block().random);
}

inline void cp_async_commit() { block().current().copies.commit(); }

// Waits until at most this many of the newest groups are pending.
template <unsigned GROUPS_PENDING> inline void cp_async_wait() { block().current().copies.wait(GROUPS_PENDING); }

}  // namespace gpux_host
