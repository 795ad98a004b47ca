// Makes the kernels of link.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../link.cu"

const gpux_host::Module MODULE("link", {
    GPUX_KERNEL(gpux_link),
    GPUX_KERNEL(gpux_trip),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
