// Where the kernels' shared memory lies.
//
// A __shared__ variable is a thread-local one of this library, so that launches on several threads of the host do not
// meet, and so that all of them, those of templates too, lie in one piece that the loader knows.
#include <link.h>

#include <cstring>

#include "block.h"

namespace gpux_host {
namespace {

struct Piece {
    // Something in this library, to find it among all that are loaded.
    uintptr_t inside;
    char *begin;
    size_t size;
};

int find(dl_phdr_info *library, size_t, void *data) {
    Piece &piece = *static_cast<Piece *>(data);
    bool ours = false;
    size_t size = 0;
    for (unsigned i = 0; i < library->dlpi_phnum; ++i) {
        const ElfW(Phdr) &segment = library->dlpi_phdr[i];
        const uintptr_t offset = piece.inside - library->dlpi_addr - segment.p_vaddr;
        if (segment.p_type == PT_LOAD && offset < segment.p_memsz) ours = true;
        if (segment.p_type == PT_TLS) size = segment.p_memsz;
    }
    if (!ours) return 0;
    piece.begin = static_cast<char *>(library->dlpi_tls_data);
    piece.size = size;
    return 1;
}

}  // namespace

void poison_shared(Random &random) {
    // Makes the loader allocate this thread's piece, if nothing has touched it yet.
    static thread_local volatile char touched;
    (void)touched;
    Piece piece{reinterpret_cast<uintptr_t>(&find), nullptr, 0};
    dl_iterate_phdr(find, &piece);
    for (size_t at = 0; at < piece.size; at += sizeof(uint64_t)) {
        const uint64_t poison = random.next();
        memcpy(piece.begin + at, &poison, piece.size - at < sizeof poison ? piece.size - at : sizeof poison);
    }
}

}  // namespace gpux_host
