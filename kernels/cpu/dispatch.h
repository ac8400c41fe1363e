// Which build of the CPU kernels runs here: the best of plain, avx2 and avx512 that the processor has.
//
// The environment variable PHIDIAS_CPU=plain|avx2|avx512 lowers the choice (tests); a level the processor lacks falls back to the best it has.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>

#include "kernels/cpu/kernels.h"

namespace phidias::kernels::cpu {

// Looks at the processor and the environment. Throws ConfigError when PHIDIAS_CPU is none of the three names.
const Kernels& choose();
// The choice of the first call.
const Kernels& kernels();
const TypedKernels& kernels_for(at::ScalarType type);

// All tensors defined, dense, on the CPU and of one type, float32 or bfloat16: what the kernels take. Others go to reference/.
bool covers(std::initializer_list<at::Tensor> tensors);

// Size of the OpenMP team for `work` units (elements, roughly nanoseconds): one thread where a team would cost more than it saves.
int team_size(std::int64_t work);

}  // namespace phidias::kernels::cpu
