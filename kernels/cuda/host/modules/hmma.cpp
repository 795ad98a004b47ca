// Makes the kernels of hmma.cu known. The namespace keeps its names apart from those of other modules.
#include "../cuda.h"
#include "../launch.h"

namespace {

#include "../../hmma.cu"

const gpux_host::Module MODULE("hmma", {
    GPUX_KERNEL(gpux_expand_f16),
    GPUX_KERNEL(gpux_hmma),
    GPUX_KERNEL(gpux_tree),
});

}  // namespace
