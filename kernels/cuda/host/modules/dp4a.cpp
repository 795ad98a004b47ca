// Makes the kernels of dp4a.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../dp4a.cu"

const gpux_host::Module MODULE("dp4a", {
    GPUX_KERNEL(gpux_dp4a),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
