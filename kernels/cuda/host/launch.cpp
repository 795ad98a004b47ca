#include "launch.h"

#include <cstdio>
#include <map>

namespace gpux_host {
namespace {

using Kernels = std::map<std::pair<std::string, std::string>, Kernel>;

Kernels &kernels() {
    static Kernels all;
    return all;
}

// The most threads that a block may have on any card.
constexpr uint64_t BLOCK_THREADS_MAX = 1024;
// Far above what a test launches, so that a wrong dimension is found and not run.
constexpr uint64_t GRID_BLOCKS_MAX = 1 << 20;

uint64_t volume(uint3 size) { return uint64_t(size.x) * size.y * size.z; }

// Blocks are independent, so they run in any order.
std::vector<uint32_t> shuffled(uint64_t count, Random &random) {
    std::vector<uint32_t> order(count);
    for (uint32_t at = 0; at < count; ++at) order[at] = at;
    for (uint32_t left = count; left > 1; --left) std::swap(order[left - 1], order[random.below(left)]);
    return order;
}

Outcome run(uint3 grid, uint3 size, Kernel kernel, void **arguments, uint64_t seed, std::string &message) {
    Random random(seed);
    Block block(grid, size, kernel, arguments, random.next());
    for (const uint32_t at : shuffled(volume(grid), random)) {
        const uint3 index = {at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y};
        const Outcome outcome = block.run(index);
        if (outcome == Outcome::DONE) continue;
        message = block.message;
        return outcome;
    }
    return Outcome::DONE;
}

Outcome launch(const std::string &module, const std::string &name, uint3 grid, uint3 size, void **arguments,
               uint64_t seed, std::string &message) {
    const auto found = kernels().find({module, name});
    if (found == kernels().end()) {
        message = "no kernel " + name + " in module " + module;
        return Outcome::UNKNOWN_KERNEL;
    }
    const uint64_t blocks = volume(grid), threads = volume(size);
    if (blocks == 0 || blocks > GRID_BLOCKS_MAX || threads == 0 || threads > BLOCK_THREADS_MAX) {
        message = std::to_string(blocks) + " blocks of " + std::to_string(threads) + " threads";
        return Outcome::BAD_DIMENSIONS;
    }
    return run(grid, size, found->second, arguments, seed, message);
}

}  // namespace

Module::Module(const char *name, std::initializer_list<Named> named) {
    for (const Named &kernel : named) kernels()[{name, kernel.name}] = kernel.kernel;
}

}  // namespace gpux_host

// Runs a grid to its end on the calling thread. Addresses of the device are addresses of the host. Returns 0, or an
// Outcome and a message that ends with a zero byte.
extern "C" __attribute__((visibility("default"))) int gpux_host_launch(const char *module, const char *kernel,
                                                                       const uint32_t grid[3], const uint32_t block[3],
                                                                       void **arguments, uint64_t seed, char *message,
                                                                       size_t message_bytes) {
    std::string text;
    const auto outcome = gpux_host::launch(module, kernel, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]},
                                           arguments, seed, text);
    if (message_bytes != 0) snprintf(message, message_bytes, "%s", text.c_str());
    return static_cast<int>(outcome);
}
