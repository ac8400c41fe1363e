// Parameter storage and first values, for whoever does not bring its own (models/causal_lm.h has allocate() and initialise()).
//
// A normal value is a pure function of (seed, tensor name, index): the same bits for every thread count, layout and shard.
#pragma once

#include <cstdint>
#include <string>

#include "models/causal_lm.h"

namespace phidias::models {

// Writes elements [begin, begin + count) of the parameter's initial values to `out` (host, float32). For owners of shards and masters.
void initial_values(const ParameterDeclaration& declaration, double initializer_range, std::uint64_t seed, std::int64_t begin, std::int64_t count, float* out);

}  // namespace phidias::models
