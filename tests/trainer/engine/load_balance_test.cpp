#include "trainer/engine/load_balance.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/mpi_test.h"

namespace phidias::trainer {
namespace {

parallel::Communicator& ranks() { return mpi_test::world().host(); }

configs::ModelConfig two_layers(double coefficient) {
  configs::ModelConfig config;
  config.num_layers = 2;
  config.num_experts = 4;
  config.experts_per_token = 2;
  config.router_aux_loss = coefficient;
  return config;
}

kernels::LayerRouting layer(const std::vector<std::int64_t>& load, const std::vector<std::int64_t>& top, const std::vector<float>& probabilities) {
  kernels::LayerRouting routing;
  routing.load = at::tensor(load, at::kLong);
  routing.top_counts = at::tensor(top, at::kLong);
  routing.probability_sum = at::tensor(probabilities, at::kFloat);
  return routing;
}

// Three tokens on every rank, the same ones, so that means do not depend on the number of ranks.
void fill(models::RoutingRecord& record) {
  record.layers[0] = layer({3, 2, 1, 0}, {3, 1, 1, 1}, {1.5F, 0.75F, 0.5F, 0.25F});
  record.layers[1] = layer({0, 2, 2, 2}, {1, 2, 2, 1}, {0.5F, 1.0F, 0.75F, 0.75F});
}

// transformers' load_balancing_loss_func of the six rows: E * sum of (n / 6) * (p / 6).
constexpr double kLoss = 4.0 * (4 * 2.0 + 3 * 1.75 + 3 * 1.25 + 2 * 1.0) / 36.0;

TEST(LoadBalance, LossAndGradientAreThoseOfTheLayersTogether) {
  const double n = ranks().size();
  LoadBalance balance(two_layers(0.02), configs::AuxCounts::micro_batch, ranks());
  const auto record = balance.begin_micro_batch();
  fill(*record);
  balance.after_forward(*record, static_cast<std::int64_t>(3 * n));
  // coefficient * E * F_e / (L N): F_0 = 4 / 6.
  EXPECT_NEAR(record->aux_gradient[0].item<double>(), 0.02 * 4 * (4.0 / 6.0) / (2 * 3 * n), 1e-9);
  EXPECT_NEAR(record->aux_gradient[3].item<double>(), 0.02 * 4 * (2.0 / 6.0) / (2 * 3 * n), 1e-9);
  const RoutingReport report = balance.finish_step();
  EXPECT_NEAR(report.aux_loss, kLoss, 1e-12);
  EXPECT_NEAR(report.expert_load.at(0), 3.0 / 12.0, 1e-12);
  EXPECT_NEAR(report.expert_load.at(3), 2.0 / 12.0, 1e-12);
  EXPECT_EQ(report.dead_experts, 2);
  const double first = -(0.5 * std::log(0.5) + std::log(1.0 / 3.0) / 3 + std::log(1.0 / 6.0) / 6);
  EXPECT_NEAR(report.load_entropy, (first + std::log(3.0)) / 2, 1e-12);
}

TEST(LoadBalance, MicroBatchesAreWeightedByTheirTokensAndOneMayBeEmpty) {
  LoadBalance balance(two_layers(0.02), configs::AuxCounts::micro_batch, ranks());
  for (const bool empty : {false, true}) {
    const auto record = balance.begin_micro_batch();
    if (!empty) fill(*record);
    balance.after_forward(*record, 3 * ranks().size());
    EXPECT_EQ(record->aux_gradient.defined(), !empty);
  }
  EXPECT_NEAR(balance.finish_step().aux_loss, kLoss, 1e-12);
}

TEST(LoadBalance, CountsOfThePreviousStepNeedNoCommunicationInTheStepAndStartBalanced) {
  LoadBalance balance(two_layers(0.02), configs::AuxCounts::previous_step, ranks());
  for (const bool first : {true, false}) {
    const auto record = balance.begin_micro_batch();
    fill(*record);
    balance.after_forward(*record, 3 * ranks().size());
    EXPECT_EQ(record->aux_gradient.defined(), !first);
    EXPECT_NEAR(balance.finish_step().aux_loss, first ? 2.0 : kLoss, 1e-12);
  }
  LoadBalance resumed(two_layers(0.02), configs::AuxCounts::previous_step, ranks());
  resumed.set_previous_counts(balance.previous_counts());
  const auto record = resumed.begin_micro_batch();
  fill(*record);
  resumed.after_forward(*record, 3 * ranks().size());
  EXPECT_TRUE(record->aux_gradient.defined());
}

TEST(LoadBalance, WithoutACoefficientTheLossIsReportedAndHasNoGradient) {
  LoadBalance balance(two_layers(0.0), configs::AuxCounts::micro_batch, ranks());
  const auto record = balance.begin_micro_batch();
  fill(*record);
  balance.after_forward(*record, 3 * ranks().size());
  EXPECT_FALSE(record->aux_gradient.defined());
  EXPECT_NEAR(balance.finish_step().aux_loss, kLoss, 1e-12);
}

}  // namespace
}  // namespace phidias::trainer
