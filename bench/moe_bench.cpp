// Times of a mixture of experts on the CPU, as bench/moe.py compares them with transformers: whole training steps, or one mixture alone.
//
//   moe_bench step MODEL DATA --documents D --steps N [--training]      forward, backward, clipping and AdamW (float32), D documents a step
//   moe_bench layer MODEL --tokens T --rounds N                         block 0's mixture, forward and backward with all weight gradients
//
// Without --training the router takes the best experts and nothing is random, so that losses can be compared. Prints one JSON line; milliseconds are
// medians after two rounds. OMP_NUM_THREADS sets the threads.
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "kernels/adamw.h"
#include "kernels/allocator.h"
#include "kernels/linear_cross_entropy.h"
#include "models/hub/model_directory.h"
#include "models/layers/moe.h"

namespace phidias::models {
namespace {

constexpr std::size_t kWarmUp = 2;

double median_after_warm_up(std::vector<double> values) {
  values.erase(values.begin(), values.begin() + kWarmUp);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Gradients as views of one flat tensor, beside the flat values.
at::Tensor bind_gradients(const std::vector<ParameterDeclaration>& declarations, const at::Tensor& storage) {
  at::Tensor flat = kernels::empty_in_huge_pages(storage.numel(), at::kFloat).zero_();
  for (const ParameterDeclaration& declaration : declarations) {
    kernels::Parameter& parameter = *declaration.parameter;
    const auto offset = parameter.value.const_data_ptr<float>() - storage.const_data_ptr<float>();
    parameter.gradient = flat.narrow(0, offset, parameter.value.numel()).view(parameter.value.sizes());
    parameter.value.requires_grad_();
  }
  return flat;
}

void forget_gradients(const std::vector<ParameterDeclaration>& declarations) {
  for (const ParameterDeclaration& declaration : declarations) declaration.parameter->has_gradient = false;
}

std::vector<data::MicroBatch> read_batches(const std::string& path, std::size_t documents, std::size_t steps) {
  std::ifstream file(path);
  std::vector<data::MicroBatch> batches;
  std::string line;
  while (batches.size() < steps) {
    data::MicroBatch batch;
    for (std::size_t i = 0; i < documents && std::getline(file, line); ++i) {
      const auto ids = Json::parse(line)["input_ids"].get<std::vector<std::int32_t>>();
      const auto begin = static_cast<std::int32_t>(batch.tokens.size());
      for (std::size_t p = 0; p < ids.size(); ++p) {
        batch.tokens.push_back(ids[p]);
        batch.positions.push_back(static_cast<std::int32_t>(p));
        batch.targets.push_back(p + 1 < ids.size() ? ids[p + 1] : data::kIgnoredTarget);
      }
      batch.target_tokens += static_cast<std::int64_t>(ids.size()) - 1;
      batch.segments.push_back({begin, begin + static_cast<std::int32_t>(ids.size()), -1, false, i});
    }
    if (batch.segments.size() < documents) break;
    batches.push_back(std::move(batch));
  }
  return batches;
}

void print(const std::vector<double>& times, const std::vector<double>& losses, double tokens) {
  const double middle = median_after_warm_up(times);
  const OrderedJson line = {{"milliseconds", middle}, {"tokens_per_second", 1e3 * tokens / middle}, {"losses", losses}};
  std::printf("%s\n", line.dump().c_str());
}

void run_steps(const std::string& directory, const std::string& data, std::size_t documents, std::size_t steps, bool training) {
  LoadedModel loaded = load_model(directory, at::kFloat);
  const auto& declarations = loaded.model->declarations();
  at::Tensor gradients = bind_gradients(declarations, loaded.storage), unused;
  at::Tensor exp_avg = at::zeros_like(loaded.storage), exp_avg_sq = at::zeros_like(loaded.storage);
  std::vector<double> times, losses;
  double tokens = 0;
  for (const data::MicroBatch& micro : read_batches(data, documents, steps)) {
    const auto start = std::chrono::steady_clock::now();
    const auto step = static_cast<std::int64_t>(times.size());
    const auto seed = training ? std::optional<kernels::DrawSeed>({0, step}) : std::nullopt;
    const kernels::PackedBatch batch = kernels::to_device(micro, at::kCPU, seed);
    forget_gradients(declarations);
    const double targets = static_cast<double>(micro.target_tokens);
    const at::Tensor loss = kernels::next_token_loss(loaded.model->forward(batch, {}), loaded.model->head(), batch.targets, 1.0 / targets);
    loss.backward();
    const double norm = std::sqrt(kernels::sum_of_squares(gradients));
    kernels::adamw_(loaded.storage, gradients, exp_avg, exp_avg_sq, unused, {1e-3, 0.9, 0.95, 1e-8, 0.1, step + 1, std::min(1.0, 1.0 / (norm + 1e-6))});
    times.push_back(milliseconds_since(start));
    losses.push_back(loss.item<double>() / targets);
    tokens = static_cast<double>(micro.tokens.size());
  }
  print(times, losses, tokens);
}

void run_layer(const std::string& directory, std::int64_t tokens, std::size_t rounds) {
  const LoadedModel loaded = load_model(directory, at::kFloat);
  SparseMoe layer(loaded.config, {});
  std::vector<ParameterDeclaration> declarations;
  const std::string prefix = "model.layers.0.block_sparse_moe.";
  layer.collect(prefix, 0, declarations);
  for (const ParameterDeclaration& declaration : declarations) {
    for (const ParameterDeclaration& source : loaded.model->declarations())
      if (source.name == declaration.name) declaration.parameter->value = source.parameter->value;
    declaration.parameter->gradient = at::zeros(declaration.shape, at::kFloat);
    declaration.parameter->value.requires_grad_();
  }
  const at::Tensor input = at::randn({tokens, loaded.config.hidden_size}), d_output = at::randn({tokens, loaded.config.hidden_size});
  std::vector<double> times;
  for (std::size_t round = 0; round < rounds + kWarmUp; ++round) {
    const at::Tensor x = input.clone().requires_grad_();
    const auto start = std::chrono::steady_clock::now();
    forget_gradients(declarations);
    torch::autograd::backward({layer.forward(x, BlockContext{})}, {d_output});
    times.push_back(milliseconds_since(start));
  }
  print(times, {}, static_cast<double>(tokens));
}

}  // namespace
}  // namespace phidias::models

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto option = [&](const std::string& name, std::size_t fallback) {
    const auto found = std::find(arguments.begin(), arguments.end(), name);
    return found == arguments.end() || found + 1 == arguments.end() ? fallback : static_cast<std::size_t>(std::stoul(*(found + 1)));
  };
  const bool training = std::find(arguments.begin(), arguments.end(), "--training") != arguments.end();
  phidias::kernels::keep_freed_memory();
  if (arguments.size() >= 3 && arguments[0] == "step") {
    phidias::models::run_steps(arguments[1], arguments[2], option("--documents", 4), option("--steps", 12), training);
  } else if (arguments.size() >= 2 && arguments[0] == "layer") {
    phidias::models::run_layer(arguments[1], static_cast<std::int64_t>(option("--tokens", 2048)), option("--rounds", 20));
  } else {
    std::fprintf(stderr, "usage: moe_bench step MODEL DATA [--documents D] [--steps N] [--training] | layer MODEL [--tokens T] [--rounds N]\n");
    return 2;
  }
  return 0;
}
