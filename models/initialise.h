// Parameter storage and first values, for whoever does not bring its own (models/causal_lm.h has allocate() and initialise()).
//
// A normal value is a pure function of (seed, tensor name, index): the same bits for every thread count, layout and shard.
#pragma once

#include <cstdint>
#include <string>

#include "models/causal_lm.h"

namespace phidias::models {

// Writes elements [begin, begin + count) of a tensor's initial values to `out` (host, float32). Keyed by the tensor's name, so that fused, stacked and
// sharded storage start from the same numbers.
void initial_values(const ParameterDeclaration& declaration, const LogicalTensor& tensor, double initializer_range, std::uint64_t seed, std::int64_t begin,
                    std::int64_t count, float* out);

// Fresh weights for owners of shards.
RangeReader fresh_weights(const configs::ModelConfig& config, std::uint64_t seed);

}  // namespace phidias::models
