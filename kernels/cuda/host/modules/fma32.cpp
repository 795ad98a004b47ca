// Makes the kernels of fma32.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../fma32.cu"

const gpux_host::Module MODULE("fma32", {
    GPUX_KERNEL(gpux_fma32),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
