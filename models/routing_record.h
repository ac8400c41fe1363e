// What the routers of one forward pass did, and the load-balancing gradient that their backward passes add.
//
// The owner (trainer) makes a record per micro-batch and hands it in by ForwardOptions::routing; every MoE layer overwrites its entry (twice under
// recomputation, with the same numbers). Between forward and backward the owner sums the counts over ranks and sets aux_gradient, from which each
// router adds the auxiliary loss's gradient to its scores: the loss needs the loads of all layers and ranks, which no single router has.
#pragma once

#include <vector>

#include "kernels/sparse_mixer.h"

namespace phidias::models {

struct RoutingRecord {
  std::vector<kernels::LayerRouting> layers;  // one per block
  bool keep_choices = false;                  // LayerRouting::experts and ::weights (score --routing)
  // d(step's loss) / d(softmax probability of an expert for one token in one layer), [experts] float32 on the device; undefined: none.
  at::Tensor aux_gradient;
};

}  // namespace phidias::models
