#include "models/layers/rotary.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/sin.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kSmallestTable = 1024;

void check_factors(const std::vector<double>& factors, const char* name, std::int64_t expected) {
  if (static_cast<std::int64_t>(factors.size()) == expected) return;
  throw ConfigError(std::string("rope_scaling.") + name + " holds " + std::to_string(factors.size()) +
                    " values; head_dim * partial_rotary_factor / 2 = " + std::to_string(expected) + " are needed");
}

}  // namespace

RotaryTable::RotaryTable(const configs::ModelConfig& config) : config_(config) {
  const std::int64_t dimensions = config.rotary_dim();
  if (dimensions <= 0 || dimensions % 2 != 0 || dimensions > config.head_dim) {
    throw ConfigError("head_dim " + std::to_string(config.head_dim) + " with partial_rotary_factor " + std::to_string(config.partial_rotary_factor) +
                      " gives " + std::to_string(dimensions) + " rotary dimensions: an even number between 2 and head_dim is needed");
  }
  if (!config.has_longrope) return;
  check_factors(config.longrope.short_factor, "short_factor", dimensions / 2);
  check_factors(config.longrope.long_factor, "long_factor", dimensions / 2);
}

at::Tensor RotaryTable::inverse_frequencies(bool use_long) const {
  const std::int64_t dimensions = config_.rotary_dim();
  const at::Tensor exponents = at::arange(0, dimensions, 2, at::kLong).to(at::kFloat).div(static_cast<double>(dimensions));
  at::Tensor denominators = at::pow(config_.rope_theta, exponents);
  if (config_.has_longrope) {
    const std::vector<double>& list = use_long ? config_.longrope.long_factor : config_.longrope.short_factor;
    const std::vector<float> factors(list.begin(), list.end());
    denominators = at::from_blob(const_cast<float*>(factors.data()), {dimensions / 2}, at::kFloat).mul(denominators);
  }
  return at::reciprocal(denominators);
}

void RotaryTable::grow(std::int64_t positions, at::Device device) {
  // Also what generation builds under inference mode must serve a later training step.
  const c10::InferenceMode ordinary_tensors(false);
  capacity_ = std::max({positions, 2 * capacity_, kSmallestTable});
  if (config_.max_positions > 0 && positions <= config_.max_positions) capacity_ = std::min(capacity_, config_.max_positions);
  const at::Tensor steps = at::arange(capacity_, at::kLong).to(at::kFloat);
  std::vector<at::Tensor> cos, sin;
  for (int use_long = 0; use_long < (config_.has_longrope ? 2 : 1); ++use_long) {
    const double factor = !config_.has_longrope ? 1.0 : use_long == 1 ? config_.longrope.long_attention_factor : config_.longrope.short_attention_factor;
    const at::Tensor angles = at::outer(steps, inverse_frequencies(use_long == 1));
    cos.push_back(at::cos(angles).mul(factor));
    sin.push_back(at::sin(angles).mul(factor));
  }
  cos_ = at::cat(cos).to(device);
  sin_ = at::cat(sin).to(device);
}

RotaryRows RotaryTable::rows(const at::Tensor& positions, const at::Tensor& use_long, std::int64_t longest) {
  if (!cos_.defined() || longest > capacity_ || cos_.device() != positions.device()) grow(longest, positions.device());
  const at::Tensor index = config_.has_longrope ? positions.add(use_long.to(positions.scalar_type()), capacity_) : positions;
  return {at::index_select(cos_, 0, index), at::index_select(sin_, 0, index)};
}

}  // namespace phidias::models
