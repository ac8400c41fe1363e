// How fast this rank multiplies matrices, measured: the answer behind model.dtype: auto on a CPU and the peak in MFU.
#pragma once

#include <ATen/core/Tensor.h>

namespace phidias::trainer {

// FLOP/s of square products of 1024 in `dtype` with this process's threads: the best of what fits into `seconds` after one product to warm up.
double matrix_rate(at::ScalarType dtype, double seconds);

}  // namespace phidias::trainer
