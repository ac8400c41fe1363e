// The engine: a model, its gradients over all ranks, and its optimizer. The loop speaks to it in verbs and never sees a rank.
//
//   Engine engine(std::move(model), ranks, options);
//   engine.initialise([&](models::CausalLM& m) { read_weights(directory, m); });    // rank 0 runs it, the others receive
//   for (const MicroBatch& micro : batch.micro_batches) engine.accumulate(objective, micro, batch.target_tokens, micro.is_last);
//   StepResult result = engine.step(learning_rate);
//
// Precision: bfloat16 models compute in bfloat16; gradients are accumulated and reduced in float32, masters and moments live in flat
// float32 memory. The loss of a step is the sum over target tokens of all ranks divided by their number, so neither accumulation, nor
// packing, nor the number of ranks changes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/batch.h"
#include "models/causal_lm.h"
#include "parallel/communicator.h"
#include "trainer/engine/flat_parameters.h"
#include "trainer/engine/gradient_buckets.h"
#include "trainer/engine/optimizer.h"
#include "trainer/objectives/objective.h"

namespace phidias::trainer {

struct EngineOptions {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  configs::OptimizerSection optimizer;
  std::vector<std::string> trainable;
  models::ForwardOptions forward;
  BucketSizes buckets;
};

// Both borrowed: `host` moves small numbers in host memory, `device` gradients and weights in the memory of EngineOptions::device.
struct EngineRanks {
  parallel::Communicator* host = nullptr;
  parallel::Communicator* device = nullptr;
};

struct StepSeconds {
  double data = 0, forward = 0, backward = 0, reduce = 0, optimizer = 0, whole = 0;  // data and whole are the loop's
};

struct StepResult {
  double loss = 0;  // per target token, over all ranks
  double learning_rate = 0;
  double grad_norm = 0;  // before clipping
  bool finite = true;    // agreed by all ranks; false: the optimizer did not act
  std::map<std::string, double> metrics;
  StepSeconds seconds;
};

struct LossSum {
  double loss = 0;  // summed over target tokens
  std::vector<double> metrics;
};

class Engine {
 public:
  Engine(std::unique_ptr<models::CausalLM> model, const EngineRanks& ranks, const EngineOptions& options);
  ~Engine();

  // `fill` writes every value of the model (float32 masters, or compute dtype where frozen) on rank 0; broadcast to all. Collective.
  void initialise(const std::function<void(models::CausalLM&)>& fill);

  // Forward and backward of one micro-batch, which may be empty. `target_tokens`: of the whole step over all ranks. `is_last`: the last one
  // of the step on this rank; its backward starts the reductions.
  void accumulate(Objective& objective, const data::MicroBatch& micro, std::int64_t target_tokens, bool is_last);
  // Collective: finishes the reductions, agrees on finiteness, clips, updates. Without a finite loss and gradient nothing is updated.
  StepResult step(double learning_rate);
  // Forward only, this rank's part; sums over the micro-batch.
  LossSum evaluate(Objective& objective, const data::MicroBatch& micro);
  // Sums small host numbers over all ranks (evaluation).
  void sum_over_ranks(std::vector<double>& numbers) const;

  // The model with its current weights bound to the compute dtype.
  models::CausalLM& model() { return *model_; }
  const EngineOptions& options() const { return options_; }
  bool is_root() const { return ranks_.host->rank() == 0; }
  parallel::Communicator& host() const { return *ranks_.host; }

  // Checkpoints (engine_state.cpp). save: rank 0 writes `directory`/model and `directory`/optimizer, not collective. load: rank 0 reads, all
  // receive, collective; errors of rank 0 are thrown by every rank. `source`: the Hugging Face directory whose other files are copied.
  // save returns the hash of every logical tensor, for the manifest.
  std::map<std::string, std::string> save(const std::filesystem::path& directory, const std::filesystem::path& source, at::ScalarType weights_dtype);
  void load(const std::filesystem::path& directory);
  // The model alone, as a Hugging Face directory; rank 0 only.
  void save_model(const std::filesystem::path& directory, const std::filesystem::path& source, at::ScalarType weights_dtype);

 private:
  void broadcast_state(bool with_optimizer);

  std::unique_ptr<models::CausalLM> model_;
  EngineRanks ranks_;
  EngineOptions options_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<GradientBuckets> buckets_;
  at::Tensor loss_sum_, metric_sums_;  // float64, on the device: no synchronisation per micro-batch
  std::vector<std::string> metric_names_;
  std::int64_t target_tokens_ = 0;
  StepSeconds seconds_;
};

}  // namespace phidias::trainer
