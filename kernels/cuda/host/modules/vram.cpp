// Makes the kernels of vram.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../vram.cu"

const gpux_host::Module MODULE("vram", {
    GPUX_KERNEL(gpux_fill),
    GPUX_KERNEL(gpux_walk),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
