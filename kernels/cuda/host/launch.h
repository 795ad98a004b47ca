// Finds kernels by name and launches them, as a driver does.
#pragma once
#include <initializer_list>
#include <utility>

#include "block.h"

namespace gpux_host {

// Calls a kernel with arguments as cuLaunchKernel takes them: an array of pointers to each.
template <auto KERNEL> struct Call;
template <typename... Arguments, void (*KERNEL)(Arguments...)> struct Call<KERNEL> {
    static void call(void **arguments) { call(arguments, std::index_sequence_for<Arguments...>()); }

private:
    template <size_t... AT> static void call(void **arguments, std::index_sequence<AT...>) {
        KERNEL(*static_cast<Arguments *>(arguments[AT])...);
    }
};

struct Named {
    const char *name;
    Kernel kernel;
};

// Makes a module's kernels known when the library is loaded.
struct Module {
    Module(const char *name, std::initializer_list<Named> kernels);
};

}  // namespace gpux_host

#define GPUX_KERNEL(name) \
    { #name, gpux_host::Call<name>::call }
