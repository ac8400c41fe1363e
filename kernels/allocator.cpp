#include "kernels/allocator.h"

#include <ATen/ops/from_blob.h>

#include <climits>
#include <cstdlib>
#include <string>

#include "base/error.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace phidias::kernels {

void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);              // large blocks come from the heap, where they are found again
  mallopt(M_TRIM_THRESHOLD, INT_MAX);  // the heap never shrinks
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);  // one heap for all threads: what one frees another may use
#endif
}

at::Tensor empty_in_huge_pages(std::int64_t count, at::ScalarType type) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = static_cast<std::size_t>(count) * c10::elementSize(type), whole = (bytes + kHugePage) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, whole);
  if (memory == nullptr) throw OutOfMemory("no memory for " + std::to_string(bytes) + " bytes of weights");
#if defined(MADV_HUGEPAGE)
  madvise(memory, whole, MADV_HUGEPAGE);  // advice: where it is refused the pages are small
#endif
  return at::from_blob(memory, {count}, [](void* p) { std::free(p); }, at::TensorOptions(type));
}

}  // namespace phidias::kernels
