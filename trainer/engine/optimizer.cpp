#include "trainer/engine/optimizer.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/adamw.h"

namespace phidias::trainer {
namespace {

constexpr double kClipEpsilon = 1e-6;  // torch.nn.utils.clip_grad_norm_

}  // namespace

Optimizer::Optimizer(FlatParameters& parameters, const configs::OptimizerSection& options) : parameters_(parameters), options_(options) {
  if (options.name != "adamw") throw ConfigError("optimizer.name: only adamw is known, not '" + options.name + "'");
  const auto dtype = options.state_dtype == configs::StateDType::float32 ? at::kFloat : at::kBFloat16;
  const auto memory = parameters.master().options().dtype(dtype);
  exp_avg_ = at::zeros({parameters.size()}, memory);
  exp_avg_sq_ = at::zeros({parameters.size()}, memory);
}

double Optimizer::gradient_norm() const { return std::sqrt(kernels::sum_of_squares(parameters_.gradient())); }

void Optimizer::step(double learning_rate, double gradient_norm) {
  const at::NoGradGuard no_grad;
  ++steps_done_;
  const double factor = options_.clip_norm > 0 ? std::min(1.0, options_.clip_norm / (gradient_norm + kClipEpsilon)) : 1.0;
  update_range(0, parameters_.decayed_count(), learning_rate, options_.weight_decay, factor);
  update_range(parameters_.decayed_count(), parameters_.size(), learning_rate, 0.0, factor);
}

void Optimizer::update_range(std::int64_t begin, std::int64_t end, double learning_rate, double weight_decay, double gradient_factor) {
  if (begin == end) return;
  const auto range = [begin, end](const at::Tensor& flat) { return flat.defined() ? flat.narrow(0, begin, end - begin) : at::Tensor(); };
  at::Tensor master = range(parameters_.master()), exp_avg = range(exp_avg_), exp_avg_sq = range(exp_avg_sq_), compute = range(parameters_.compute());
  kernels::AdamWStep update{learning_rate, options_.betas.at(0), options_.betas.at(1), options_.eps, weight_decay, steps_done_, gradient_factor};
  kernels::adamw_(master, range(parameters_.gradient()), exp_avg, exp_avg_sq, compute, update);
}

}  // namespace phidias::trainer
