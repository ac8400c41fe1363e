// Rows of a table. tokens [T] int64 -> [T, hidden]; ids outside the table throw DataError (CPU; on a GPU the lookup asserts). `ignored_id` >= 0: the row of
// that id gets no gradient from the lookup (transformers' padding_idx; model.train_pad_embedding).
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/parameter.h"

namespace phidias::kernels {

at::Tensor embedding(const at::Tensor& tokens, Parameter& weight, std::int64_t ignored_id = -1);

}  // namespace phidias::kernels
