#include "trainer/engine/load_balance.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>

namespace phidias::trainer {
namespace {

std::vector<double> host_numbers(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::TensorOptions().device(at::kCPU).dtype(at::kDouble)).contiguous().view({-1});
  const double* begin = host.const_data_ptr<double>();
  return {begin, begin + host.numel()};
}

at::Tensor add(const at::Tensor& sum, const at::Tensor& term) { return sum.defined() ? sum.add(term) : term; }

double entropy(const double* counts, std::int64_t n, double total) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    if (counts[i] > 0) sum -= counts[i] / total * std::log(counts[i] / total);
  return sum;
}

}  // namespace

LoadBalance::LoadBalance(const configs::ModelConfig& model, configs::AuxCounts counts, parallel::Communicator& ranks)
    : experts_(model.num_experts),
      layers_(model.num_layers),
      slots_(model.experts_per_token),
      coefficient_(model.router_aux_loss),
      counts_(counts),
      ranks_(ranks) {}

std::shared_ptr<models::RoutingRecord> LoadBalance::begin_micro_batch() const {
  auto record = std::make_shared<models::RoutingRecord>();
  record->layers.resize(static_cast<std::size_t>(layers_));
  return record;
}

void LoadBalance::sum_over_ranks(std::vector<double>& numbers) const {
  ranks_.all_reduce(numbers.data(), static_cast<std::int64_t>(numbers.size()), parallel::DataType::float64, parallel::ReduceOp::sum);
}

at::Tensor LoadBalance::gradient_of(const std::vector<double>& counts_and_tokens, std::int64_t tokens_of_step) const {
  at::Tensor gradient = at::empty({experts_}, at::kFloat);
  const double layers = static_cast<double>(layers_), tokens = counts_and_tokens.back();
  for (std::int64_t e = 0; e < experts_; ++e) {
    const double load = tokens > 0 ? counts_and_tokens[static_cast<std::size_t>(e)] / (layers * tokens) : 0.0;
    gradient.mutable_data_ptr<float>()[e] =
        static_cast<float>(coefficient_ * static_cast<double>(experts_) * load / (layers * static_cast<double>(tokens_of_step)));
  }
  return gradient;
}

double LoadBalance::aux_loss(const std::vector<double>& counts_and_tokens, const std::vector<double>& probability_sums, double tokens) const {
  if (tokens == 0 || counts_and_tokens.back() == 0) return 0;
  double sum = 0;
  for (std::size_t e = 0; e < static_cast<std::size_t>(experts_); ++e) sum += counts_and_tokens[e] * probability_sums[e];
  const double layers = static_cast<double>(layers_);
  return static_cast<double>(experts_) * sum / (layers * counts_and_tokens.back() * layers * tokens);
}

void LoadBalance::after_forward(models::RoutingRecord& record, std::int64_t tokens_of_step) {
  const at::NoGradGuard no_gradients;
  tokens_of_step_ = static_cast<double>(tokens_of_step);
  std::vector<at::Tensor> loads;
  at::Tensor top_counts, probability_sums;
  for (const kernels::LayerRouting& layer : record.layers) {
    if (!layer.load.defined()) continue;  // this rank ran nothing
    loads.push_back(layer.load);
    top_counts = add(top_counts, layer.top_counts);
    probability_sums = add(probability_sums, layer.probability_sum.to(at::kDouble));
  }
  if (!loads.empty()) {
    const at::Tensor load = at::stack(loads);
    load_ = add(load_, load);
    top_counts_ = add(top_counts_, top_counts);
    probability_sums_ = add(probability_sums_, probability_sums);
  }
  if (counts_ == configs::AuxCounts::previous_step) {
    // Before the first step the load counts as balanced, and a constant times a sum of probabilities has no gradient.
    if (coefficient_ > 0 && !previous_.empty() && !loads.empty()) record.aux_gradient = gradient_of(previous_, tokens_of_step).to(loads.front().device());
    return;
  }
  if (coefficient_ == 0) return;  // the loss is not part of the step; finish_step reports it
  std::vector<double> sums(2 * static_cast<std::size_t>(experts_) + 1, 0.0);
  if (!loads.empty()) {
    double tokens = 0;
    const std::vector<double> counts = host_numbers(top_counts), probabilities = host_numbers(probability_sums);
    for (std::size_t e = 0; e < counts.size(); ++e) {
      sums[e] = counts[e];
      tokens += counts[e];
      sums[counts.size() + 1 + e] = probabilities[e];
    }
    sums[counts.size()] = tokens / static_cast<double>(slots_ * layers_);
  }
  sum_over_ranks(sums);
  const std::vector<double> counts(sums.begin(), sums.begin() + experts_ + 1), probabilities(sums.begin() + experts_ + 1, sums.end());
  weighted_aux_loss_ += aux_loss(counts, probabilities, counts.back()) * counts.back();
  if (!loads.empty()) record.aux_gradient = gradient_of(counts, tokens_of_step).to(loads.front().device());
}

RoutingReport LoadBalance::finish_step() {
  const auto experts = static_cast<std::size_t>(experts_), layers = static_cast<std::size_t>(layers_);
  std::vector<double> sums((layers + 2) * experts, 0.0);  // load per layer, top counts, probability sums
  if (load_.defined()) {
    const std::vector<double> load = host_numbers(load_), top = host_numbers(top_counts_), probabilities = host_numbers(probability_sums_);
    std::copy(load.begin(), load.end(), sums.begin());
    std::copy(top.begin(), top.end(), sums.begin() + static_cast<std::ptrdiff_t>(layers * experts));
    std::copy(probabilities.begin(), probabilities.end(), sums.begin() + static_cast<std::ptrdiff_t>((layers + 1) * experts));
  }
  sum_over_ranks(sums);

  RoutingReport report;
  report.expert_load.assign(experts, 0.0);
  report.layer_load.assign(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(layers * experts));
  double all = 0;
  for (std::size_t i = 0; i < layers * experts; ++i) {
    report.expert_load[i % experts] += sums[i];
    report.dead_experts += sums[i] == 0 ? 1 : 0;
    all += sums[i];
  }
  const double per_layer = all / static_cast<double>(layers);
  for (std::size_t layer = 0; layer < layers && per_layer > 0; ++layer)
    report.load_entropy += entropy(&sums[layer * experts], experts_, per_layer) / static_cast<double>(layers);
  for (double& load : report.expert_load) load = all > 0 ? load / all : 0.0;

  const auto top = sums.begin() + static_cast<std::ptrdiff_t>(layers * experts);
  std::vector<double> counts(top, top + experts_);
  const std::vector<double> probabilities(top + experts_, sums.end());
  const double tokens = per_layer / static_cast<double>(slots_);
  counts.push_back(tokens);
  if (counts_ == configs::AuxCounts::previous_step)
    report.aux_loss = previous_.empty() ? static_cast<double>(slots_) : aux_loss(previous_, probabilities, tokens);
  else if (coefficient_ > 0)
    report.aux_loss = tokens_of_step_ > 0 ? weighted_aux_loss_ / tokens_of_step_ : 0.0;
  else
    report.aux_loss = aux_loss(counts, probabilities, tokens);
  if (tokens > 0) previous_ = std::move(counts);

  load_.reset();
  top_counts_.reset();
  probability_sums_.reset();
  weighted_aux_loss_ = 0;
  return report;
}

}  // namespace phidias::trainer
