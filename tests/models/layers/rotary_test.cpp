#include "models/layers/rotary.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "configs/presets.h"
#include "models/hub/config_json.h"

namespace phidias::models {
namespace {

configs::ModelConfig phi35() { return configs::read_preset("phi-3.5-mini"); }

RotaryRows row(RotaryTable& table, std::int32_t position, bool use_long) {
  return table.rows(at::tensor({position}, at::kInt), at::full({1}, use_long, at::kBool), position + 1);
}

float at_index(const at::Tensor& tensor, std::int64_t i) { return tensor.flatten()[i].item<float>(); }

// phi-3.5-mini, computed in float64 from the formulas of LongRoPE; float32 keeps 7 digits of the frequency.
TEST(Rotary, InverseFrequenciesOfBothLists) {
  const RotaryTable table(phi35());
  const at::Tensor with_short = table.inverse_frequencies(false), with_long = table.inverse_frequencies(true);
  const auto expect = [](const at::Tensor& values, std::int64_t i, double expected) { EXPECT_NEAR(at_index(values, i), expected, 3e-7 * expected); };
  expect(with_short, 0, 1.0);
  expect(with_short, 1, 0.8092198046);
  expect(with_short, 16, 0.03463872794);
  expect(with_short, 47, 4.265943305e-05);
  expect(with_long, 0, 0.9259258891);
  expect(with_long, 16, 0.00189762414);
  expect(with_long, 31, 4.168248325e-05);
  expect(with_long, 47, 1.868488166e-06);
}

// The angle is a float32 product: its error is position * inv_freq * 2^-23 at most (100 * 0.035 * 1.2e-7 and 4096 * 0.0019 * 1.2e-7: both
// below 1e-6), cos and sin round once more.
TEST(Rotary, CosinesAndSinesCarryTheAttentionFactorInBothModes) {
  RotaryTable table(phi35());
  RotaryRows rows = row(table, 100, false);
  EXPECT_NEAR(at_index(rows.cos, 16), -1.12895949, 3e-6);
  EXPECT_NEAR(at_index(rows.sin, 16), -0.37698426, 3e-6);
  rows = row(table, 4095, false);
  EXPECT_NEAR(at_index(rows.cos, 47), 1.17212312, 3e-6);
  EXPECT_NEAR(at_index(rows.sin, 47), 0.20686723, 3e-6);
  rows = row(table, 4096, true);
  EXPECT_NEAR(at_index(rows.cos, 16), 0.09667540, 3e-6);
  EXPECT_NEAR(at_index(rows.sin, 16), 1.18630541, 3e-6);
}

TEST(Rotary, AttentionFactorOfThe128kModels) {
  EXPECT_NEAR(longrope_attention_factor(131072, 4096), 1.1902380714238083, 1e-15);
  EXPECT_EQ(longrope_attention_factor(4096, 4096), 1.0);
}

TEST(Rotary, EveryTokenFollowsTheListOfItsDocument) {
  RotaryTable table(phi35());
  const RotaryRows mixed = table.rows(at::tensor({7, 7}, at::kInt), at::tensor({1, 0}, at::kInt).to(at::kBool), 8);
  EXPECT_TRUE(mixed.cos[0].equal(row(table, 7, true).cos[0]));
  EXPECT_TRUE(mixed.cos[1].equal(row(table, 7, false).cos[0]));
  EXPECT_FALSE(mixed.cos[0].equal(mixed.cos[1]));
}

TEST(Rotary, GrowingTheTableChangesNoRow) {
  RotaryTable table(phi35());
  const RotaryRows before = row(table, 1000, true);
  row(table, 70000, true);
  EXPECT_TRUE(before.sin.equal(row(table, 1000, true).sin));
}

TEST(Rotary, PartialRotationCoversPartOfTheHead) {
  configs::ModelConfig config = configs::read_preset("phi3-tiny");
  config.head_dim = 16;
  config.partial_rotary_factor = 0.75;
  EXPECT_EQ(RotaryTable(config).inverse_frequencies(false).numel(), 6);
  EXPECT_NEAR(at_index(RotaryTable(config).inverse_frequencies(false), 3), std::pow(config.rope_theta, -6.0 / 12.0), 1e-8);
}

TEST(Rotary, WrongFactorCountsAreRefused) {
  configs::ModelConfig config = phi35();
  config.longrope.long_factor.pop_back();
  EXPECT_THROW(RotaryTable{config}, ConfigError);
  config = phi35();
  config.partial_rotary_factor = 0.01;
  EXPECT_THROW(RotaryTable{config}, ConfigError);
}

TEST(Rotary, EmptyStreamsHaveEmptyTables) {
  RotaryTable table(phi35());
  const at::Tensor none = at::empty({0}, at::kInt);
  EXPECT_EQ(table.rows(none, at::empty({0}, at::kBool), 0).cos.size(0), 0);
}

}  // namespace
}  // namespace phidias::models
