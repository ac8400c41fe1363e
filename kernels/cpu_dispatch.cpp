#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kernels/cpu/dispatch.h"

namespace phidias::kernels::cpu {
namespace plain {
const Kernels& table();
}
namespace avx2 {
const Kernels& table();
}
namespace avx512 {
const Kernels& table();
}

namespace {

constexpr std::array<std::string_view, 3> kLevels{"plain", "avx2", "avx512"};

std::size_t highest_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

}  // namespace

const Kernels& choose() {
  std::size_t level = highest_level();
  if (const char* wanted = std::getenv("PHIDIAS_CPU"); wanted != nullptr && *wanted != '\0') {
    const auto found = std::find(kLevels.begin(), kLevels.end(), wanted);
    if (found == kLevels.end()) throw ConfigError("PHIDIAS_CPU is \"" + std::string(wanted) + "\"; it can be plain, avx2 or avx512");
    level = std::min<std::size_t>(level, found - kLevels.begin());
  }
#if defined(__x86_64__)
  if (level == 2) return avx512::table();
  if (level == 1) return avx2::table();
#endif
  return plain::table();
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

const TypedKernels& kernels_for(at::ScalarType type) { return type == at::kFloat ? kernels().float32 : kernels().bfloat16; }

bool covers(std::initializer_list<at::Tensor> tensors) {
  const at::ScalarType type = tensors.begin()->scalar_type();
  if (type != at::kFloat && type != at::kBFloat16) return false;
  return std::all_of(tensors.begin(), tensors.end(), [type](const at::Tensor& t) { return t.is_cpu() && t.scalar_type() == type && t.is_contiguous(); });
}

int team_size(std::int64_t work) {
  constexpr std::int64_t kWorthATeam = 16384;
  return work < kWorthATeam || at::in_parallel_region() ? 1 : at::get_num_threads();
}

}  // namespace phidias::kernels::cpu
