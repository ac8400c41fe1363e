// The engine: a model, its gradients over all ranks, and its optimizer. The loop speaks to it in verbs and never sees a rank.
//
//   Engine engine(std::move(model), ranks, options);
//   engine.initialise(models::range_reader(directory, engine.model()));    // every rank reads what it holds
//   for (const MicroBatch& micro : batch.micro_batches) engine.accumulate(objective, micro, batch);
//   StepResult result = engine.step(learning_rate);
//
// Precision: bfloat16 models compute in bfloat16; gradients are accumulated and reduced in float32, masters and moments are float32 (moments bfloat16
// on request). The loss of a step is the sum over target tokens of all ranks divided by their number, so neither accumulation, nor packing, nor the
// number of ranks, nor sharding (unit_layout.h) changes it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/batch.h"
#include "models/causal_lm.h"
#include "models/hub/peft.h"
#include "parallel/communicator.h"
#include "trainer/engine/block_residence.h"
#include "trainer/engine/flat_parameters.h"
#include "trainer/engine/gradient_buckets.h"
#include "trainer/engine/load_balance.h"
#include "trainer/engine/optimizer.h"
#include "trainer/engine/tensor_collector.h"
#include "trainer/objectives/objective.h"

namespace phidias::trainer {

struct EngineOptions {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  configs::OptimizerSection optimizer;
  std::vector<std::string> trainable, frozen;  // UnitOptions
  configs::Shard shard = configs::Shard::none;
  models::ForwardOptions forward;
  BucketSizes buckets;
  std::uint64_t seed = 0;  // of every random draw of the model
  configs::AuxCounts aux_counts = configs::AuxCounts::micro_batch;
};

// All borrowed. `host` and `device` hold all ranks in the same order.
struct EngineRanks {
  parallel::Communicator* host = nullptr;             // small numbers in host memory
  parallel::Communicator* device = nullptr;           // gradients and weights in the memory of EngineOptions::device
  parallel::Communicator* device_replicas = nullptr;  // the same among ranks with the same experts, in the order of ranks; null: those are all
  int expert_rank = 0;                                // which experts this rank has: its index on the expert axis
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
  std::vector<double> expert_load;    // mixture of experts: share of each expert, all layers together
  std::vector<double> expert_counts;  // LoadBalance::previous_counts after the step
  StepSeconds seconds;
};

struct LossSum {
  double loss = 0;  // summed over target tokens
  std::vector<double> metrics;
};

// What a model directory is written like.
struct SaveTarget {
  std::filesystem::path source;                        // Hugging Face directory whose files beside weights are copied; empty: none
  at::ScalarType weights_dtype = at::kFloat;           // of the weights written
  std::optional<models::SaveAdapterOptions> adapters;  // a PEFT directory is written: adapters alone, weights_dtype float32
};

class Engine {
 public:
  Engine(std::unique_ptr<models::CausalLM> model, const EngineRanks& ranks, const EngineOptions& options);
  ~Engine();

  // Every rank reads its own ranges (float32 masters, or compute dtype where frozen). An empty reader leaves zeros for load() to replace. Collective;
  // one rank's error is thrown by all.
  void initialise(const models::RangeReader& read);

  // Forward and backward of one micro-batch of `batch`, which may be empty. The backward of the one that is last on this rank starts the reductions.
  // Collective where collective() says so: every rank calls it equally often.
  void accumulate(Objective& objective, const data::MicroBatch& micro, const data::GlobalBatch& batch);
  // Collective: finishes the reductions, agrees on finiteness, clips, updates. Without a finite loss and gradient nothing is updated.
  StepResult step(double learning_rate);
  // Forward only, this rank's part; sums over the micro-batch. Collective as accumulate is.
  LossSum evaluate(Objective& objective, const data::MicroBatch& micro);
  // Sums small host numbers over all ranks (evaluation).
  void sum_over_ranks(std::vector<double>& numbers) const;

  // Loads of the experts over all ranks; null for a model without.
  LoadBalance* load_balance() { return balance_.get(); }
  // Forward and backward contain collectives: weights that are gathered, gradients that are reduced on the way, experts on other ranks.
  bool collective() const { return residence_->needed() || model_->collective(); }
  // This rank's training state in bytes; buffers count once they have been used.
  StateBytes memory() const;
  // The model; its weights are bound to the compute dtype except where they are gathered around their use.
  models::CausalLM& model() { return *model_; }
  const EngineOptions& options() const { return options_; }
  bool is_root() const { return ranks_.host->rank() == 0; }
  parallel::Communicator& host() const { return *ranks_.host; }

  // Checkpoints (engine_state.cpp), all collective; an error of one rank is thrown by every rank. save: rank 0 writes `directory`/model and
  // `directory`/optimizer and reads them back; its result is the hash of every logical tensor for the manifest (empty on other ranks). Files are the
  // same at every layout. load: every rank reads its ranges, so `directory` must be visible to all.
  std::map<std::string, std::string> save(const std::filesystem::path& directory, const SaveTarget& target);
  void load(const std::filesystem::path& directory);
  // Rank 0 is shown every checkpoint tensor of the whole model, one at a time: masters, or compute values where frozen. By name.
  void visit_weights(const std::function<void(const std::string& name, const at::Tensor& value)>& visit);
  // The model alone, as a Hugging Face directory.
  void save_model(const std::filesystem::path& directory, const SaveTarget& target);

 private:
  // Rank 0 inside TensorCollector::run; write, read back, compare, and return the hash of every tensor.
  std::map<std::string, std::string> write_model(TensorCollector& collector, const std::filesystem::path& directory, const SaveTarget& target);
  std::map<std::string, std::string> write_states(TensorCollector& collector, const std::filesystem::path& file, const SaveTarget& target,
                                                  const std::map<std::string, std::string>& metadata);
  void read_states(const std::filesystem::path& directory);

  std::unique_ptr<models::CausalLM> model_;
  EngineRanks ranks_;
  EngineOptions options_;
  std::unique_ptr<FlatParameters> parameters_;
  std::unique_ptr<BlockResidence> residence_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<GradientBuckets> buckets_;
  std::unique_ptr<LoadBalance> balance_;  // null: no experts
  at::Tensor loss_sum_, metric_sums_;     // float64, on the device: no synchronisation per micro-batch
  std::vector<std::string> metric_names_;
  std::int64_t target_tokens_ = 0;
  StepSeconds seconds_;
};

}  // namespace phidias::trainer
