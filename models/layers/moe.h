// PhiMoE's feed-forward part (block_sparse_moe): a router that chooses two experts per token by SparseMixer, and the experts.
//
// The experts of this rank are two stacked parameters, gate_up_proj [local, 2 inner, hidden] (w1 rows, then w3 rows) and down_proj [local, hidden, inner]
// (w2); in the checkpoint they are experts.<number>.w1/w3/w2.weight with global numbers. With several ranks forward and backward are collective
// (kernels/expert_mlp.h). Source: transformers PhimoeSparseMoeBlock 4.57.3.
#pragma once

#include <memory>

#include "configs/model_config.h"
#include "kernels/expert_mlp.h"
#include "models/layers/feed_forward.h"
#include "models/routing_record.h"

namespace phidias::models {

// The stacked weights of this rank's experts.
class ExpertStack : public Layer {
 public:
  ExpertStack(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks);
  const kernels::Experts& parameters() const { return parameters_; }
  // `path`: of the mixture, with a dot at the end.
  void adapt(const std::string& path, int block, const AdapterPlan& plan);

  // What the mixture does for it: its paths are the mixture's.
  void list_adaptable(const std::string&, std::vector<AdaptableModule>&) const override {}
  void add_adapters(const std::string&, int, const AdapterPlan&) override {}

 protected:
  void name_tensors(const std::string& path, ParameterDeclaration& declaration) const override;

 private:
  std::int64_t hidden_, inner_, first_, local_;
  kernels::ExpertLora lora_;
  kernels::Experts parameters_;
};

class SparseMoe : public FeedForward {
 public:
  // Throws ConfigError when the experts cannot be shared equally by the ranks, or when the router does not exist for these numbers.
  SparseMoe(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks);

  // With draw_keys and Router::sparsemixer the input is jittered and experts are drawn; else nothing is random. Router::frozen: the gate learns
  // nothing. context.options.routing, if any, receives what was chosen (entry `block`).
  at::Tensor forward(const at::Tensor& x, const BlockContext& context) override;

  void list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const override;
  void add_adapters(const std::string& path, int block, const AdapterPlan& plan) override;

 private:
  kernels::Routing route(const at::Tensor& x, const BlockContext& context, bool sampled);

  std::int64_t num_experts_;
  double router_jitter_, input_jitter_;
  std::shared_ptr<Linear> gate_;
  std::shared_ptr<ExpertStack> experts_;
};

}  // namespace phidias::models
