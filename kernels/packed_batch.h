// A micro-batch on the device of the model: what operations need to know of the documents in a packed stream.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "data/batch.h"

namespace phidias::kernels {

struct PackedBatch {
  at::Tensor tokens;                    // [T] int64
  at::Tensor positions;                 // [T] int32
  at::Tensor targets;                   // [T] int64, -100 where ignored; may be undefined (generation)
  at::Tensor use_long;                  // [T] bool
  at::Tensor document_offsets;          // [documents + 1] int32 on the device: varlen attention
  at::Tensor draw_keys;                 // [T] int64, what random draws of a token are keyed by; undefined: no draws (evaluation, generation)
  std::vector<data::Segment> segments;  // host copy
  std::int64_t longest_document = 0;

  std::int64_t size() const { return tokens.defined() ? tokens.numel() : 0; }
};

// Keys every draw of a training step: the same token of the same record draws the same numbers on every layout.
struct DrawSeed {
  std::uint64_t seed = 0;  // run.seed
  std::int64_t step = 0;
};

// With `draws`, draw_keys[t] = draw_key(seed, step, record id, position).
PackedBatch to_device(const data::MicroBatch& batch, at::Device device, const std::optional<DrawSeed>& draws = std::nullopt);

}  // namespace phidias::kernels
