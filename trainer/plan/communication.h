// Bytes a rank sends in one optimizer step, by collective.
//
// Over n ranks, as rings and pairwise exchanges send them: all-reduce of S bytes 2 S (n - 1) / n; reduce-scatter and all-gather S (n - 1) / n;
// all-to-all the (n - 1) / n of its rows that belong elsewhere (tokens spread evenly over the experts). Gradients travel as float32, weights in the
// compute type. M micro-batches a step:
//
//   shard        gradients                     weights
//   none         all-reduce                    -
//   optimizer    reduce-scatter                all-gather
//   gradients    reduce-scatter, M times       all-gather
//   parameters   reduce-scatter, M times       all-gather, M times for embedding and head, 2 M times for blocks (forward, backward)
//
// An expert axis: per mixture layer and micro-batch the rows of T * k slots go and come back, in forward, in a recomputed forward and in backward.
#pragma once

#include <cstdint>

#include "configs/model_config.h"
#include "models/causal_lm.h"
#include "trainer/engine/unit_layout.h"

namespace phidias::trainer {

struct StepTraffic {
  std::int64_t micro_batches = 1;     // of a step, per rank
  std::int64_t tokens = 0;            // of a micro-batch
  std::int64_t activation_bytes = 4;  // of an element
  int expert_ranks = 1;
  models::Recompute recompute = models::Recompute::none;
};

struct CommunicationBytes {
  double all_reduce = 0, reduce_scatter = 0, all_gather = 0, all_to_all = 0;
  double total() const { return all_reduce + reduce_scatter + all_gather + all_to_all; }
};

CommunicationBytes plan_communication(const configs::ModelConfig& config, const UnitLayout& layout, const ReplicaCounts& replicas, const StepTraffic& step);

}  // namespace phidias::trainer
