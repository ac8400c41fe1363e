// Whether the states of training can fit at all, asked before any of them is allocated: a model too large for the machine is one clear error, not a
// process killed in the middle of loading.
//
// Only what is certain is counted (weights, gradients, masters, moments, buffers of sharding); activations come on top (`phidias plan`).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "parallel/world.h"
#include "trainer/engine/unit_layout.h"

namespace phidias::trainer {

// Memory that the processes of this host may still take: what the system calls available, or less where a control group sets a limit.
std::int64_t available_host_bytes();

// Collective. `layout`: of the run. Throws OutOfMemory on every rank when some host or device cannot hold its ranks' states, with the classes and what would
// help.
void require_memory(parallel::World& world, const UnitLayout& layout, at::Device device, double ranks_per_device);

// The same decision for given numbers: empty, or the message.
std::string memory_problem(const StateBytes& needed, std::int64_t ranks_together, std::int64_t available_bytes, const std::string& where);

}  // namespace phidias::trainer
