// Makes the kernels of stream.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../stream.cu"

const gpux_host::Module MODULE("stream", {
    GPUX_KERNEL(gpux_block_fill),
    GPUX_KERNEL(gpux_stream),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
