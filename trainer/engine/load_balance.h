// Load balancing of a mixture of experts over all ranks: the auxiliary loss, its gradient, and what the experts were sent.
//
//   aux = E * sum over experts e of F_e * P_e,   F_e = n_e / (L N),   P_e = (sum over layers and tokens of p_e) / (L N)
//
// E experts, L layers pooled, N tokens, n_e how often e is among a token's best k probabilities (transformers' load_balancing_loss_func 4.57.3; a
// balanced router has aux = k). Counts are global (GRIN, arXiv 2409.12136): taken over all ranks. They come from
//   micro_batch:   the micro-batches of equal number on all ranks; a step's loss is the mean over micro-batches weighted by tokens. Equal to
//                  transformers where a step is one micro-batch; depends on how a step is cut into micro-batches.
//   previous_step: the whole previous step (before the first: balanced, which has no gradient); exact under accumulation and on every layout.
//
// F_e is a constant of the gradient, so that a token's probability p_e has the gradient coefficient * E * F_e / (L N_step), the same for all layers.
//
//   auto record = balance.begin_micro_batch();          // ForwardOptions::routing
//   ... forward ...
//   balance.after_forward(*record, tokens_of_step);     // collective with micro_batch counts; sets record->aux_gradient
//   ... backward ...
//   RoutingReport report = balance.finish_step();       // collective
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "configs/model_config.h"
#include "configs/run_config.h"
#include "models/routing_record.h"
#include "parallel/communicator.h"

namespace phidias::trainer {

// Of one step over all ranks.
struct RoutingReport {
  double aux_loss = 0;              // without the coefficient
  std::vector<double> expert_load;  // share of the (token, slot) pairs sent to each expert, all layers together; sums to 1
  double load_entropy = 0;          // mean over layers of the entropy of a layer's load in nats; balanced: ln E
  std::int64_t dead_experts = 0;    // experts, counted in every layer, that got no token
  std::vector<double> layer_load;   // [layers * experts] tokens
};

class LoadBalance {
 public:
  // `ranks`: all of them, host memory; outlives this.
  LoadBalance(const configs::ModelConfig& model, configs::AuxCounts counts, parallel::Communicator& ranks);

  std::shared_ptr<models::RoutingRecord> begin_micro_batch() const;
  // Also of a micro-batch without tokens.
  void after_forward(models::RoutingRecord& record, std::int64_t tokens_of_step);
  RoutingReport finish_step();

  double coefficient() const { return coefficient_; }
  // after_forward communicates: every rank must come to it with the same collectives before, so a rank without tokens runs the model too.
  bool is_collective() const { return coefficient_ > 0 && counts_ == configs::AuxCounts::micro_batch; }
  // Counts of the previous step and its tokens, for checkpoints: E + 1 numbers; empty before the first step.
  const std::vector<double>& previous_counts() const { return previous_; }
  void set_previous_counts(std::vector<double> counts) { previous_ = std::move(counts); }

 private:
  at::Tensor gradient_of(const std::vector<double>& counts_and_tokens, std::int64_t tokens_of_step) const;
  double aux_loss(const std::vector<double>& counts_and_tokens, const std::vector<double>& probability_sums, double tokens) const;
  void sum_over_ranks(std::vector<double>& numbers) const;

  std::int64_t experts_, layers_, slots_;
  double coefficient_;
  configs::AuxCounts counts_;
  parallel::Communicator& ranks_;
  std::vector<double> previous_;
  // Of the running step: this rank's sums, and with micro_batch counts the global weighted sum of the losses.
  at::Tensor load_, top_counts_, probability_sums_;  // [layers, experts] int64, [experts] int64, [experts] float64, on the device
  double tokens_ = 0, weighted_aux_loss_ = 0, tokens_of_step_ = 0;
};

}  // namespace phidias::trainer
