// The functions of NVIDIA's driver that the crate calls, for a machine without it: two cards whose memory is the host's
// and whose kernels are those of this library. For tests only.
//
// A module is PTX, of which no more is read than the name of a kernel that one module alone has. Every handle is checked,
// so that a caller who mixes them up is answered with an error, and what is not given back is counted.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

extern "C" int gpux_host_launch(const char *module, const char *kernel, const uint32_t grid[3], const uint32_t block[3],
                                void **arguments, uint64_t seed, char *message, size_t message_bytes);

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// As cuda.h numbers them.
enum Result { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, INVALID_PTX = 218, FAILED = 719 };
enum Attribute { CLOCK = 13, MULTIPROCESSORS = 16, BUS = 33, DEVICE = 34, DOMAIN = 50, MAJOR = 75, MINOR = 76 };
enum Option { ERROR_LOG = 5, ERROR_LOG_BYTES = 6 };

constexpr int CARDS = 2;
constexpr size_t CARD_BYTES = size_t(1) << 30;

struct Context {
    int references;
};

struct Kernel {
    std::string module, name;
};

// Finds out which module a text is; none if it is no PTX of this repository.
std::string module_of(const std::string &ptx) {
    static const std::map<std::string, std::string> MODULES = {
        {"imma", "imma"},   {"hmma", "hmma"}, {"fma32", "fma32"},   {"fma64", "fma64"},
        {"dp4a", "dp4a"}, {"walk", "vram"}, {"stream", "stream"}, {"link", "link"}};
    for (const auto &[kernel, module] : MODULES) {
        if (ptx.find(".entry gpux_" + kernel + "(") != std::string::npos) return module;
    }
    return "";
}

Context contexts[CARDS];
thread_local Context *current;
std::map<uint64_t, size_t> memory;  // Bytes by address.
std::set<void *> staging;
std::set<std::string *> modules;
std::map<std::pair<std::string *, std::string>, Kernel> kernels;

// Finds out whether all bytes from an address on are of one allocation.
bool holds(uint64_t address, size_t bytes) {
    auto after = memory.upper_bound(address);
    if (after == memory.begin()) return false;
    --after;
    return address + bytes <= after->first + after->second;
}

bool entered() { return current != nullptr && current->references > 0; }

}  // namespace

// What was not given back: memory of cards and host, modules, contexts.
EXPORT size_t gpux_host_held() {
    size_t held = memory.size() + staging.size() + modules.size();
    for (const Context &context : contexts) held += context.references;
    return held;
}

EXPORT int cuInit(unsigned flags) { return flags == 0 ? SUCCESS : INVALID_VALUE; }

EXPORT int cuDriverGetVersion(int *version) { return *version = 12040, SUCCESS; }

EXPORT int cuGetErrorName(int error, const char **name) {
    static const std::map<int, const char *> NAMES = {{INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
                                                      {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
                                                      {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
                                                      {INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
                                                      {FAILED, "CUDA_ERROR_LAUNCH_FAILED"}};
    const auto found = NAMES.find(error);
    if (found == NAMES.end()) return INVALID_VALUE;
    *name = found->second;
    return SUCCESS;
}

EXPORT int cuDeviceGetCount(int *count) { return *count = CARDS, SUCCESS; }

EXPORT int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, SUCCESS; }

EXPORT int cuDeviceGetName(char *name, int bytes, int device) {
    snprintf(name, bytes, "Host %d", device);
    return SUCCESS;
}

EXPORT int cuDeviceTotalMem_v2(size_t *bytes, int) { return *bytes = CARD_BYTES, SUCCESS; }

// The driver's order is not that of the bus.
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device) {
    static const std::map<int, int> VALUES = {{CLOCK, 1777000}, {MULTIPROCESSORS, 28}, {DOMAIN, 0},
                                              {DEVICE, 0},      {MAJOR, 8},            {MINOR, 6}};
    *value = attribute == BUS ? 0x65 - 0x10 * device : VALUES.at(attribute);
    return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRetain(Context **context, int device) {
    *context = &contexts[device];
    ++contexts[device].references;
    return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int device) { return --contexts[device].references, SUCCESS; }

EXPORT int cuCtxSetCurrent(Context *context) { return current = context, SUCCESS; }

EXPORT int cuCtxSynchronize() { return entered() ? SUCCESS : INVALID_CONTEXT; }

EXPORT int cuMemGetInfo_v2(size_t *free, size_t *total) { return *free = *total = CARD_BYTES, SUCCESS; }

EXPORT int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    if (!entered()) return INVALID_CONTEXT;
    if (bytes == 0) return INVALID_VALUE;
    void *const start = bytes > CARD_BYTES ? nullptr : aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (start == nullptr) return OUT_OF_MEMORY;
    memset(start, 0xA5, bytes);
    *address = reinterpret_cast<uint64_t>(start);
    memory[*address] = bytes;
    return SUCCESS;
}

EXPORT int cuMemFree_v2(uint64_t address) {
    if (!entered()) return INVALID_CONTEXT;
    if (memory.erase(address) == 0) return INVALID_VALUE;
    free(reinterpret_cast<void *>(address));
    return SUCCESS;
}

EXPORT int cuMemHostAlloc(void **start, size_t bytes, unsigned flags) {
    if (!entered()) return INVALID_CONTEXT;
    if (bytes == 0 || flags != 0) return INVALID_VALUE;
    *start = malloc(bytes);
    memset(*start, 0xA5, bytes);
    staging.insert(*start);
    return SUCCESS;
}

EXPORT int cuMemFreeHost(void *start) {
    if (!entered()) return INVALID_CONTEXT;
    if (staging.erase(start) == 0) return INVALID_VALUE;
    free(start);
    return SUCCESS;
}

EXPORT int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
    if (!entered()) return INVALID_CONTEXT;
    if (!holds(to, bytes)) return INVALID_VALUE;
    memcpy(reinterpret_cast<void *>(to), from, bytes);
    return SUCCESS;
}

EXPORT int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
    if (!entered()) return INVALID_CONTEXT;
    if (!holds(from, bytes)) return INVALID_VALUE;
    memcpy(to, reinterpret_cast<const void *>(from), bytes);
    return SUCCESS;
}

EXPORT int cuModuleLoadDataEx(std::string **module, const void *image, unsigned count, int *options, void **values) {
    if (!entered()) return INVALID_CONTEXT;
    const std::string text = static_cast<const char *>(image), name = module_of(text);
    if (!name.empty()) {
        *module = *modules.insert(new std::string(name)).first;
        return SUCCESS;
    }
    if (count != 2 || options[0] != ERROR_LOG || options[1] != ERROR_LOG_BYTES) return INVALID_VALUE;
    snprintf(static_cast<char *>(values[0]), reinterpret_cast<size_t>(values[1]), "ptxas: %s\nand more", text.c_str());
    return INVALID_PTX;
}

EXPORT int cuModuleUnload(std::string *module) {
    if (!entered()) return INVALID_CONTEXT;
    if (modules.erase(module) == 0) return INVALID_VALUE;
    delete module;
    return SUCCESS;
}

EXPORT int cuModuleGetFunction(Kernel **kernel, std::string *module, const char *name) {
    if (!entered()) return INVALID_CONTEXT;
    if (modules.count(module) == 0) return INVALID_VALUE;
    Kernel &found = kernels[{module, name}];
    found = {*module, name};
    *kernel = &found;
    return SUCCESS;
}

EXPORT int cuLaunchKernel(Kernel *kernel, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                          unsigned block_y, unsigned block_z, unsigned shared_bytes, void *stream, void **arguments,
                          void **extra) {
    if (!entered()) return INVALID_CONTEXT;
    if (shared_bytes != 0 || stream != nullptr || extra != nullptr) return INVALID_VALUE;
    const uint32_t grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
    static uint64_t seed;
    char message[1024];
    const auto *const module = kernel->module.c_str();
    const int ran =
        gpux_host_launch(module, kernel->name.c_str(), grid, block, arguments, ++seed, message, sizeof message);
    return ran == 0 ? SUCCESS : FAILED;
}
