// What a rank of a planned run computes on: memory, and the peak of its matrix units, by the name given to `phidias plan --gpu`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace phidias::trainer {

struct GpuKind {
  std::string name;                              // "h100-80"
  std::int64_t memory_bytes = 0;                 // of one rank
  double bfloat16_flops = 0, float32_flops = 0;  // per second: dense bf16 of the tensor cores, plain float32 units; 0: not known
  bool is_cpu = false;
  double peak(bool bfloat16) const { return bfloat16 ? bfloat16_flops : float32_flops; }
};

// Throws ConfigError that lists the names. "cpu" is this machine, whose memory `ranks` ranks share evenly; its peak is 0.
GpuKind gpu_kind(const std::string& name, int ranks);
std::vector<std::string> gpu_kind_names();

}  // namespace phidias::trainer
