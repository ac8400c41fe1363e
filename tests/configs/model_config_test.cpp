#include "configs/model_config.h"

#include <gtest/gtest.h>

#include <cmath>

#include "configs/presets.h"

namespace phidias::configs {

TEST(ModelConfig, ParameterCountsAreThePublishedOnes) {
  for (const char* name : {"phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini"}) EXPECT_EQ(read_preset(name).parameter_count(), 3821079552) << name;
  for (const char* name : {"phi-3-medium-4k", "phi-3-medium-128k"}) EXPECT_EQ(read_preset(name).parameter_count(), 13960238080) << name;
}

TEST(ModelConfig, ATiedHeadIsCountedOnce) {
  ModelConfig config = read_preset("phi3-tiny");
  const std::int64_t untied = config.parameter_count();
  config.tied_head = true;
  EXPECT_EQ(untied - config.parameter_count(), config.vocab_size * config.hidden_size);
}

TEST(ModelConfig, FlopsPerTokenFollowTheFormula) {
  // phi3-tiny by hand: qkv 3 * 64 * 64, output 64 * 64, MLP 3 * 64 * 128, two layers; head 256 * 64.
  const ModelConfig tiny = read_preset("phi3-tiny");
  const double matrices = 2 * (3 * 64 * 64 + 64 * 64 + 3 * 64 * 128) + 256 * 64;
  EXPECT_EQ(tiny.flops_per_token(0), 6 * matrices);
  EXPECT_EQ(tiny.flops_per_token(10) - tiny.flops_per_token(0), 12.0 * 2 * 4 * 16 * 10);
  ModelConfig tied = tiny;
  tied.tied_head = true;
  EXPECT_EQ(tied.flops_per_token(10), tiny.flops_per_token(10));
}

TEST(ModelConfig, FlopsCountKeysAndValuesByTheQueryHeads) {
  const ModelConfig full = read_preset("phi3-tiny"), grouped = read_preset("phi3-tiny-gqa");
  EXPECT_EQ(full.flops_per_token(100) - full.flops_per_token(0), grouped.flops_per_token(100) - grouped.flops_per_token(0));
  EXPECT_EQ(full.flops_per_token(0) - grouped.flops_per_token(0), 6.0 * 2 * (2 * 2 * 16) * 64);  // two key and two value heads of 16 rows fewer, two layers
}

TEST(ModelConfig, AttentionFactorOfTheLongModels) {
  // sqrt(1 + ln(32) / ln(4096)) = sqrt(17 / 12); both logarithms are exact to an ulp, so a few ulps remain.
  EXPECT_NEAR(longrope_attention_factor(131072, 4096), std::sqrt(17.0 / 12.0), 1e-15);
  EXPECT_EQ(longrope_attention_factor(4096, 4096), 1.0);
  EXPECT_EQ(longrope_attention_factor(2048, 4096), 1.0);
}

TEST(ModelConfig, ImpossibleShapesAreNamed) {
  ModelConfig config = read_preset("phi3-tiny-longrope");
  EXPECT_TRUE(model_config_problems(config).empty());
  config.num_kv_heads = 3;
  config.longrope.long_factor.pop_back();
  config.eos_token_ids = {256};
  const std::vector<std::string> problems = model_config_problems(config);
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems[0], "num_attention_heads must be a multiple of num_key_value_heads");
  EXPECT_EQ(problems[1], "long_factor must hold 8 values, one per pair of a head's rotated dimensions; it holds 7");
  EXPECT_EQ(problems[2], "eos_token_id 256 is not below vocab_size");
}

}  // namespace phidias::configs
