#include "trainer/plan/communication.h"

namespace phidias::trainer {
namespace {

using configs::Shard;

double leaving(double bytes, int ranks) { return bytes * (ranks - 1) / ranks; }

void add_unit(CommunicationBytes& sent, const Unit& unit, const UnitLayout& layout, int group, double micro_batches) {
  const double gradients = leaving(static_cast<double>(unit.size) * sizeof(float), group);
  const double values = leaving(static_cast<double>(unit.size) * static_cast<double>(c10::elementSize(unit.dtype)), group);
  const Shard level = unit.level;
  if (unit.trainable) {
    if (level == Shard::none)
      sent.all_reduce += 2 * gradients;
    else
      sent.reduce_scatter += gradients * (unit.gradients_sharded() ? micro_batches : 1.0);
  }
  if (level == Shard::optimizer || level == Shard::gradients) sent.all_gather += unit.trainable ? values : 0.0;
  if (!unit.values_sharded()) return;
  const bool twice = (unit.block >= 0 && unit.block < layout.head_block()) || (unit.block < 0 && layout.tied_head());
  sent.all_gather += values * micro_batches * (twice ? 2.0 : 1.0);
}

}  // namespace

CommunicationBytes plan_communication(const configs::ModelConfig& config, const UnitLayout& layout, const ReplicaCounts& replicas, const StepTraffic& step) {
  CommunicationBytes sent;
  const auto micro_batches = static_cast<double>(step.micro_batches);
  for (const Unit& unit : layout.units()) {
    const int group = unit.placement == models::Placement::dense ? replicas.dense : replicas.expert;
    add_unit(sent, unit, layout, group, micro_batches);
  }
  if (step.expert_ranks > 1) {
    const double rows = static_cast<double>(step.tokens * config.experts_per_token * config.hidden_size * step.activation_bytes);
    const double passes = step.recompute == models::Recompute::none ? 2.0 : 3.0;  // each sends rows and has them sent back
    sent.all_to_all = leaving(rows, step.expert_ranks) * 2.0 * passes * static_cast<double>(config.num_layers) * micro_batches;
  }
  return sent;
}

}  // namespace phidias::trainer
