#include "trainer/memory_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/error.h"
#include "kernels/cuda_backend.h"

namespace phidias::trainer {
namespace {

std::string gigabytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

// A number that stands alone in a file ("max" and anything else: none).
std::int64_t number_in(const char* path, std::int64_t otherwise) {
  std::ifstream file(path);
  std::int64_t value = 0;
  return file >> value ? value : otherwise;
}

std::int64_t system_available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t kilobytes = 0;
    if (words >> name >> kilobytes && name == "MemAvailable:") return kilobytes * 1024;
  }
  return std::numeric_limits<std::int64_t>::max();
}

// Pages of files that the control group counts as used and gives back when asked.
std::int64_t reclaimable_bytes() {
  std::ifstream file("/sys/fs/cgroup/memory.stat");
  std::int64_t sum = 0, bytes = 0;
  for (std::string name; file >> name >> bytes;)
    if (name == "inactive_file" || name == "active_file") sum += bytes;
  return sum;
}

}  // namespace

std::int64_t available_host_bytes() {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const std::int64_t limit = number_in("/sys/fs/cgroup/memory.max", kNone);
  const std::int64_t used = std::max<std::int64_t>(number_in("/sys/fs/cgroup/memory.current", 0) - reclaimable_bytes(), 0);
  const std::int64_t in_group = limit == kNone ? kNone : std::max<std::int64_t>(limit - used, 0);
  return std::min(system_available_bytes(), in_group);
}

std::string memory_problem(const StateBytes& needed, std::int64_t ranks_together, std::int64_t available_bytes, const std::string& where) {
  if (needed.total() * ranks_together <= available_bytes) return "";
  std::string text = "the training states do not fit: " + std::to_string(ranks_together) + (ranks_together == 1 ? " rank needs " : " ranks need ") +
                     gigabytes(needed.total()) + (ranks_together == 1 ? "" : " each") + " on " + where + ", where " + gigabytes(available_bytes) +
                     " are free (weights " + gigabytes(needed.values + needed.value_buffers) + ", gradients " +
                     gigabytes(needed.gradients + needed.gradient_buffers) + ", masters and moments " + gigabytes(needed.masters + needed.moments) +
                     ", and activations on top). What helps: parallel.shard: parameters on more ranks, parallel.expert for a mixture of experts, "
                     "optimizer.state_dtype: bfloat16, model.lora; `phidias plan` compares them";
  return text;
}

void require_memory(parallel::World& world, const UnitLayout& layout, at::Device device, double ranks_per_device) {
  std::string problem;
  if (device.is_cuda()) {
    const std::int64_t free_bytes = kernels::require_cuda().memory(device.index()).free_bytes;
    problem = memory_problem(layout.state_bytes(), static_cast<std::int64_t>(std::llround(ranks_per_device)), free_bytes, "a GPU");
  } else {
    problem = memory_problem(layout.state_bytes(), world.local_size(), available_host_bytes(), "a host");
  }
  for (const std::string& of_rank : parallel::all_gather_strings(world.host(), problem))
    if (!of_rank.empty()) throw OutOfMemory(of_rank);
}

}  // namespace phidias::trainer
