#include "kernels/allocator.h"

#include <climits>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace phidias::kernels {

void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);                 // large blocks come from the heap, where they are found again
  mallopt(M_TRIM_THRESHOLD, INT_MAX);     // the heap never shrinks
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);                // one heap for all threads: what one frees another may use
#endif
}

}  // namespace phidias::kernels
