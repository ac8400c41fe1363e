// Element-wise reduction of one buffer per rank on the CPU, always in rank order: the bits of a sum depend on the ranks' values alone,
// never on sizes, transports or timing.
#pragma once

#include <cstdint>
#include <span>

#include "parallel/communicator.h"

namespace phidias::parallel {

// out[i] = ((parts[0][i] op parts[1][i]) op parts[2][i]) ... bfloat16 is added in float32 and rounded once, to nearest even. A NaN in any part
// makes max and min NaN. `out` may be one of the parts (the very same address); parts and out hold `count` elements.
void reduce_in_rank_order(std::span<const void* const> parts, void* out, std::int64_t count, DataType type, ReduceOp op);

}  // namespace phidias::parallel
