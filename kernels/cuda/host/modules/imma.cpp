// Makes the kernels of imma.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../imma.cu"

const gpux_host::Module MODULE("imma", {
    GPUX_KERNEL(gpux_expand_i8),
    GPUX_KERNEL(gpux_imma),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
