#include "trainer/plan/gpu_kinds.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"

namespace phidias::trainer {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;
constexpr double kTera = 1e12;

// NVIDIA's data sheets: H100 SXM5, H200 SXM, A100 SXM4 (40 and 80 GB), HGX B200 (one of eight), L40S. Memory is what the data sheet names; drivers
// keep a little of it (the plan's reserve). bf16 is the dense rate: half of what the sheets print "with sparsity".
const std::vector<GpuKind>& table() {
  static const std::vector<GpuKind> kinds = {{"a100-40", 40 * kGiB, 312 * kTera, 19.5 * kTera},  {"a100-80", 80 * kGiB, 312 * kTera, 19.5 * kTera},
                                             {"h100-80", 80 * kGiB, 989 * kTera, 67 * kTera},    {"h200-141", 141'000'000'000, 989 * kTera, 67 * kTera},
                                             {"b200-192", 180 * kGiB, 2250 * kTera, 75 * kTera}, {"l40s-48", 48 * kGiB, 362 * kTera, 91.6 * kTera}};
  return kinds;
}

// Physical memory, or the control group's limit where that is less.
std::int64_t machine_memory() {
  std::int64_t bytes = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::int64_t limit = 0;
    if (std::ifstream file(path); file >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

}  // namespace

std::vector<std::string> gpu_kind_names() {
  std::vector<std::string> names;
  for (const GpuKind& kind : table()) names.push_back(kind.name);
  names.emplace_back("cpu");
  return names;
}

GpuKind gpu_kind(const std::string& name, int ranks) {
  if (name == "cpu") return {.name = name, .memory_bytes = machine_memory() / std::max(ranks, 1), .is_cpu = true};
  for (const GpuKind& kind : table())
    if (kind.name == name) return kind;
  std::string known;
  for (const std::string& other : gpu_kind_names()) known += (known.empty() ? "" : ", ") + other;
  throw ConfigError("--gpu: no kind '" + name + "'; there are " + known);
}

}  // namespace phidias::trainer
