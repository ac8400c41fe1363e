#include "models/phi3small.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>

#include <cmath>

#include "configs/presets.h"
#include "models/generation/generator.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

ForwardOptions with(Recompute recompute) {
  ForwardOptions options;
  options.recompute = recompute;
  return options;
}

double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).norm().item<double>() / (expected.norm().item<double>() + 1e-30);
}

// The oracle is float64, this is float32: what the tests of phi3 allow against another float32 implementation is enough.
constexpr double kLogProbability = 2e-4;
constexpr double kGradient = 5e-5;  // norm of the difference over the norm, per tensor

class Phi3SmallGolden : public testing::TestWithParam<std::string> {
 protected:
  GoldenCase golden_{"../phi3small/" + GetParam()};
};

TEST_P(Phi3SmallGolden, LogProbabilitiesEqualTheDenseMaskImplementation) {
  const kernels::PackedBatch batch = kernels::to_device(pack(golden_.documents, golden_.loaded.config), at::kCPU);
  const at::NoGradGuard no_gradients;
  const at::Tensor logprobs = at::log_softmax(kernels::last_logits(golden_.model().forward(batch, {}), golden_.model().head()), 1);
  for (std::size_t i = 0; i < golden_.documents.size(); ++i) {
    const data::Segment& segment = batch.segments[i];
    const at::Tensor rows = logprobs.narrow(0, segment.begin, segment.end - segment.begin);
    const at::Tensor targets = batch.targets.narrow(0, segment.begin, segment.end - segment.begin - 1);
    const at::Tensor chosen = rows.narrow(0, 0, rows.size(0) - 1).gather(1, targets.unsqueeze(1)).squeeze(1);
    EXPECT_LT(chosen.sub(golden_.tensor("target_logprobs." + std::to_string(i))).abs().max().item<double>(), kLogProbability) << "document " << i;
    if (i + 1 < golden_.documents.size()) continue;
    const at::Tensor expected = golden_.tensor("logprobs." + std::to_string(i)), last = rows.narrow(0, rows.size(0) - expected.size(0), expected.size(0));
    const at::Tensor masked = expected.lt(-1e38);
    EXPECT_TRUE(masked.equal(last.lt(-1e38)));  // the dummy tokens
    EXPECT_EQ(masked[0].sum().item<std::int64_t>(), static_cast<std::int64_t>(golden_.loaded.config.dummy_token_ids.size()));
    EXPECT_LT(last.sub(expected).masked_fill(masked, 0).abs().max().item<double>(), kLogProbability);
  }
}

TEST_P(Phi3SmallGolden, LossAndEveryGradientEqualTheDenseMaskImplementation) {
  const LossAndGradients result = run_training(golden_.model(), golden_.documents, {});
  EXPECT_NEAR(result.loss, golden_.golden["loss"].get<double>(), 1e-5);
  for (const auto& [name, gradient] : result.gradients) EXPECT_LT(relative_error(gradient, golden_.tensor("grad." + name)), kGradient) << name;
}

TEST_P(Phi3SmallGolden, PackedDocumentsEqualSingleOnes) {
  const LossAndGradients packed = run_training(golden_.model(), golden_.documents, {});
  const LossAndGradients single = run_training(golden_.model(), golden_.documents, {}, /*packed=*/false);
  EXPECT_NEAR(packed.loss, single.loss, 1e-6);
  // Sums over rows are taken in another order: a few float32 roundings.
  for (const auto& [name, gradient] : packed.gradients) EXPECT_LT(relative_error(gradient, single.gradients.at(name)), 3e-6) << name;
}

TEST_P(Phi3SmallGolden, RecomputationGivesTheSameBits) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const LoadedModel loaded = load_model(golden_.directory, dtype);
    const LossAndGradients plain = run_training(*loaded.model, golden_.documents, {});
    for (const Recompute recompute : {Recompute::mlp, Recompute::block}) {
      const LossAndGradients again = run_training(*loaded.model, golden_.documents, with(recompute));
      EXPECT_EQ(plain.loss, again.loss);
      for (const auto& [name, gradient] : plain.gradients) EXPECT_TRUE(gradient.equal(again.gradients.at(name))) << name << " in " << c10::toString(dtype);
    }
  }
}

// The oracle computes the whole text again for every token. The texts are longer than the local blocks, so that masked blocks decide, and cross the
// original length.
TEST_P(Phi3SmallGolden, GreedyAnswersFromTheCacheEqualRecomputation) {
  for (const Json& answer : golden_.golden["answers"]) {
    const auto expected = answer["output"].get<std::vector<std::int32_t>>();
    GenerationOptions options;
    options.max_new_tokens = static_cast<std::int64_t>(expected.size());
    options.ignore_eos = true;
    EXPECT_EQ(generate(golden_.model(), {{answer["prompt"].get<std::vector<std::int32_t>>(), 0}}, options).front().output_ids, expected);
  }
}

TEST_P(Phi3SmallGolden, OneTokenAfterThePrefillEqualsTheWholeText) {
  const configs::ModelConfig& config = golden_.loaded.config;
  const std::vector<std::int32_t>& text = golden_.documents.back();
  const auto length = static_cast<std::int64_t>(text.size()), prompt = length - 30;
  const at::NoGradGuard no_gradients;
  kernels::PackedBatch whole = kernels::to_device(pack({text}, config), at::kCPU),
                       start = kernels::to_device(pack({{text.begin(), text.end() - 30}}, config), at::kCPU);
  start.use_long = whole.use_long.narrow(0, 0, prompt);
  const at::Tensor hidden = golden_.model().forward(whole, {});
  std::vector<kernels::KeyValueCache> caches;
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const at::Tensor empty = at::full({1, config.num_kv_heads, length, config.head_dim}, std::nan(""), at::kFloat);
    caches.push_back({empty, empty.clone()});
  }
  const at::Tensor prefilled = golden_.model().prefill(start, {0}, caches);
  // The same sums in another order, of values of size 1.
  EXPECT_LT(prefilled.sub(hidden.narrow(0, 0, prompt)).abs().max().item<double>(), 5e-5);
  for (std::int64_t t = prompt; t < length; ++t) {
    const at::Tensor next = golden_.model().decode(whole.tokens.narrow(0, t, 1), {0}, {t}, {whole.use_long[t].item<bool>()}, caches);
    EXPECT_LT(next.sub(hidden.narrow(0, t, 1)).abs().max().item<double>(), 5e-5) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Phi3SmallGolden, testing::Values("dense_rope", "mscale", "mscale_derived"), [](const auto& info) { return info.param; });

configs::ModelConfig tiny_config() {
  configs::ModelConfig config;
  config.architecture = configs::Architecture::phi3small;
  config.vocab_size = 50;
  config.hidden_size = 64;
  config.intermediate_size = 160;
  config.num_layers = 2;
  config.num_heads = 8;
  config.num_kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = config.original_max_positions = 128;
  config.tied_head = true;
  config.gegelu_limit = 20.0;
  config.block_sparse = {.block_size = 8, .local_blocks = 2, .vertical_stride = 4, .homogeneous_heads = false, .dense_every = 2};
  config.mup_embedding_multiplier = 10.0;
  config.mup_width_multiplier = 8.0;
  config.dummy_token_ids = {3, 49};
  return config;
}

TEST(Phi3Small, ParametersHaveTheNamesAndShapesOfTheCheckpoint) {
  const auto model = make_model(tiny_config());
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const ParameterDeclaration& declaration : model->declarations()) shapes[declaration.name] = declaration.shape;
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shapes.size(), 1 + 2 * 12 + 2U);  // no lm_head: tied
  EXPECT_EQ(shapes.at("model.embed_tokens.weight"), (Shape{50, 64}));
  EXPECT_EQ(shapes.at("model.layers.1.self_attn.query_key_value.weight"), (Shape{96, 64}));
  EXPECT_EQ(shapes.at("model.layers.1.self_attn.query_key_value.bias"), (Shape{96}));
  EXPECT_EQ(shapes.at("model.layers.0.self_attn.dense.weight"), (Shape{64, 64}));
  EXPECT_EQ(shapes.at("model.layers.0.mlp.up_proj.weight"), (Shape{320, 64}));
  EXPECT_EQ(shapes.at("model.layers.0.mlp.down_proj.bias"), (Shape{64}));
  EXPECT_EQ(shapes.at("model.layers.0.post_attention_layernorm.bias"), (Shape{64}));
  EXPECT_EQ(shapes.at("model.final_layernorm.weight"), (Shape{64}));
  EXPECT_EQ(model->head().weight->uses, 2);
}

TEST(Phi3Small, DeclaresAsManyParametersAsTheReleasedModelWithoutMemory) {
  std::int64_t count = 0;
  const auto model = make_model(configs::read_preset("phi-3-small-8k"));
  for (const ParameterDeclaration& declaration : model->declarations())
    for (const LogicalTensor& tensor : declaration.tensors) count += tensor.count();
  EXPECT_EQ(count, 7392272384);
}

TEST(Phi3Small, BlocksAlternateBetweenThePatternAndDenseAttention) {
  const configs::ModelConfig config = tiny_config();
  const kernels::AttentionShape sparse = attention_shape(config, 0, false), dense = attention_shape(config, 1, false);
  EXPECT_EQ(sparse.sparse.block_size, 8);
  EXPECT_EQ(sparse.sparse.head_step, 1);  // max(1, 4 / 8)
  EXPECT_EQ(dense.sparse.block_size, 0);
  EXPECT_DOUBLE_EQ(dense.scale, 1.0 / 8);  // of head_dim, not of its root
  EXPECT_EQ(dense.layout, kernels::QkvLayout::grouped);
  configs::ModelConfig every_fourth = config;
  every_fourth.block_sparse.dense_every = 4;
  for (std::size_t block = 0; block < 8; ++block) EXPECT_EQ(attention_shape(every_fourth, block, false).sparse.block_size == 0, block % 4 == 3) << block;
}

TEST(Phi3Small, FirstValuesFollowItsOwnRules) {
  const configs::ModelConfig config = tiny_config();
  const auto model = make_model(config);
  const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 5);
  for (const ParameterDeclaration& declaration : model->declarations()) {
    const at::Tensor& value = declaration.parameter->value;
    const auto deviation = value.std().item<double>(), most = value.abs().max().item<double>();
    const auto ends_with = [&](const char* text) { return declaration.name.ends_with(text); };
    // A deviation of n normal values is off by 1 / sqrt(2 n): 4 of those for the smallest matrix (50 x 64) are 5 percent.
    if (ends_with("layernorm.weight")) {
      EXPECT_TRUE(value.eq(1.0).all().item<bool>()) << declaration.name;
    } else if (ends_with("layernorm.bias")) {
      EXPECT_TRUE(value.eq(0.0).all().item<bool>()) << declaration.name;
    } else if (ends_with("down_proj.weight")) {
      EXPECT_NEAR(deviation, 0.02 / std::sqrt(2.0 * 2), 0.0005) << declaration.name;
    } else if (ends_with(".weight")) {
      EXPECT_NEAR(deviation, 0.02, 0.001) << declaration.name;
    } else {
      const double bound = 1.0 / std::sqrt(ends_with("down_proj.bias") ? 160.0 : 64.0);
      EXPECT_LE(most, bound) << declaration.name;
      EXPECT_GT(most, 0.9 * bound) << declaration.name;  // the largest of 64 uniform values is below with a chance of 0.9^64 = 0.1 %; the draw is fixed
      EXPECT_FALSE(declaration.matrix);
    }
  }
}

TEST(Phi3Small, AnEmptyStreamFlowsThroughForwardAndBackward) {
  const auto model = make_model(tiny_config());
  const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 5);
  add_gradients(*model);
  for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
    const kernels::PackedBatch batch = kernels::to_device({}, at::kCPU);
    const at::Tensor hidden = model->forward(batch, with(recompute));
    EXPECT_EQ(hidden.size(0), 0);
    kernels::next_token_loss(hidden, model->head(), batch.targets, 1.0).backward();
    for (const ParameterDeclaration& declaration : model->declarations()) EXPECT_EQ(declaration.parameter->gradient.abs().sum().item<float>(), 0.0F);
  }
}

// Dropout acts where a step draws, nowhere else, and the same draws come again in recomputation.
TEST(Phi3Small, DropsOutInTrainingAloneAndRecomputesTheSameDraws) {
  configs::ModelConfig config = tiny_config();
  const auto plain = make_model(config);
  config.embedding_dropout = config.ffn_dropout = 0.1;
  const auto model = make_model(config);
  const at::Tensor plain_storage = allocate(*plain, at::kFloat, at::kCPU), storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*plain, 5);
  initialise(*model, 5);
  add_gradients(*model);
  const data::MicroBatch stream = pack({{1, 2, 4, 5, 6, 7, 8, 9, 10, 11}}, config);
  const kernels::PackedBatch evaluated = kernels::to_device(stream, at::kCPU), trained = kernels::to_device(stream, at::kCPU, kernels::DrawSeed{1, 0});
  EXPECT_TRUE(model->forward(evaluated, {}).equal(plain->forward(evaluated, {})));
  std::vector<at::Tensor> hidden, gradients;
  for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
    add_gradients(*model);
    hidden.push_back(model->forward(trained, with(recompute)));
    kernels::next_token_loss(hidden.back(), model->head(), trained.targets, 1.0).backward();
    gradients.push_back(model->declarations()[3].parameter->gradient.clone());
    EXPECT_TRUE(hidden.back().equal(hidden.front()));
    EXPECT_TRUE(gradients.back().equal(gradients.front()));
  }
  EXPECT_FALSE(hidden.front().equal(model->forward(evaluated, {})));
  const kernels::PackedBatch next_step = kernels::to_device(stream, at::kCPU, kernels::DrawSeed{1, 1});
  EXPECT_FALSE(model->forward(next_step, {}).equal(hidden.front()));
}

}  // namespace
}  // namespace phidias::models
