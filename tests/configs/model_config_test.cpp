#include "configs/model_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "configs/presets.h"

namespace phidias::configs {

TEST(ModelConfig, ParameterCountsAreThePublishedOnes) {
  for (const char* name : {"phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini"}) EXPECT_EQ(read_preset(name).parameter_count(), 3821079552) << name;
  for (const char* name : {"phi-3-medium-4k", "phi-3-medium-128k"}) EXPECT_EQ(read_preset(name).parameter_count(), 13960238080) << name;
  for (const char* name : {"phi-3.5-moe", "grin-moe"}) {
    EXPECT_EQ(read_preset(name).parameter_count(), 41873153344) << name;
    EXPECT_EQ(read_preset(name).active_parameter_count(), 6640999744) << name;
  }
  EXPECT_EQ(read_preset("phi-3-small-8k").parameter_count(), 7392272384);
  for (const char* name : {"phi-3-mini-4k", "phi-3-small-8k"})  // without experts every parameter is active
    EXPECT_EQ(read_preset(name).active_parameter_count(), read_preset(name).parameter_count()) << name;
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

TEST(ModelConfig, FlopsOfAMixtureAreThoseOfTheExpertsOfAToken) {
  // phimoe-tiny by hand: q 64 * 64, k and v 32 * 64, o 64 * 64, router 4 * 64, two experts of 3 * 64 * 96, two layers; head 256 * 64.
  const double matrices = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 4 * 64 + 2 * 3 * 64 * 96) + 256 * 64;
  ModelConfig tiny = read_preset("phimoe-tiny");
  EXPECT_EQ(tiny.flops_per_token(0), 6 * matrices);
  tiny.num_experts = 8;  // a further expert costs its row of the router
  EXPECT_EQ(tiny.flops_per_token(0), 6 * (matrices + 2 * 4 * 64));
}

TEST(ModelConfig, SparseLayersCountTheKeysOfThePattern) {
  for (const auto& [sparse, heads] : {std::pair(BlockSparseConfig{16, 2, 4, false, 2}, 4), std::pair(BlockSparseConfig{4, 1, 3, true, 2}, 2),
                                      std::pair(BlockSparseConfig{8, 3, 8, false, 2}, 4)}) {
    const int step = sparse.homogeneous_heads ? 0 : std::max<int>(1, static_cast<int>(sparse.vertical_stride) / heads);
    for (const int length : {1, 7, 16, 33, 100, 128}) {
      double pairs = 0;  // the definition, token by token
      for (int h = 0; h < heads; ++h)
        for (int q = 0; q < length; ++q)
          for (int k = 0; k <= q; ++k) {
            const std::int64_t i = q / sparse.block_size, j = k / sparse.block_size;
            pairs += i - j < sparse.local_blocks || (j + 1 + h * step) % sparse.vertical_stride == 0;
          }
      EXPECT_NEAR(block_sparse_mean_keys(sparse, heads, length), pairs / (heads * length), 1e-12 * pairs) << length;
    }
  }
  EXPECT_EQ(block_sparse_mean_keys(BlockSparseConfig{16, 2, 4, false, 2}, 4, 0), 0.0);
}

TEST(ModelConfig, SmallAt8192TokensSeesThePublishedNumberOfBlocks) {
  // Allowed block pairs of heads 0 .. 7 at 128 blocks; 128 of each are on the diagonal, half visible: 64 * 65 / 2 token pairs of 64 * 64.
  const double blocks = (2670 + 2684 + 2698 + 2712 + 2726 + 2740 + 2754 + 2768) / 8.0;
  const double pairs = (blocks - 128) * 64 * 64 + 128.0 * 64 * 65 / 2;
  const ModelConfig small = read_preset("phi-3-small-8k");
  EXPECT_NEAR(block_sparse_mean_keys(small.block_sparse, 32, 8192), pairs / 8192, 1e-9);
  const double dense = 12.0 * 32 * 128 * 16 * 4096.5, sparse = 12.0 * 32 * 128 * 16 * pairs / 8192;
  EXPECT_NEAR((small.flops_per_token(4096.5) - small.flops_per_token(0)) / (dense + sparse), 1.0, 1e-12);
  const double below = small.flops_per_token(512.5) - small.flops_per_token(0);  // 1024 tokens: all blocks are near
  EXPECT_NEAR(below / (12.0 * 32 * 128 * 32 * 512.5), 1.0, 1e-12);
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

TEST(ModelConfig, ImpossibleMixturesAndSmallModelsAreNamed) {
  ModelConfig moe = read_preset("phimoe-tiny");
  moe.experts_per_token = 1;
  moe.router_jitter = -0.1;
  EXPECT_EQ(model_config_problems(moe),
            (std::vector<std::string>{"num_experts_per_tok must be 2: SparseMixer chooses two experts", "router_jitter_noise must lie between 0 and 1"}));
  ModelConfig small = read_preset("phi3small-tiny");
  small.block_sparse.local_blocks = 0;
  small.dummy_token_ids = {2, 300, 5, 5};
  EXPECT_EQ(model_config_problems(small),
            (std::vector<std::string>{"blocksparse_block_size, blocksparse_num_local_blocks and blocksparse_vert_stride must be positive",
                                      "dummy_token_indices: 2 is an eos_token_id too, which could then never be predicted",
                                      "dummy_token_indices: 300 is not below vocab_size", "dummy_token_indices: 5 is there twice"}));
  ModelConfig dense = read_preset("phi3-tiny");
  dense.num_experts = 4;
  EXPECT_EQ(model_config_problems(dense), std::vector<std::string>{"num_local_experts and num_experts_per_tok belong to phimoe alone"});
}

}  // namespace phidias::configs
