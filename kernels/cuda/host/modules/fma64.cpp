// Makes the kernels of fma64.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../fma64.cu"

const gpux_host::Module MODULE("fma64", {
    GPUX_KERNEL(gpux_fma64),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
