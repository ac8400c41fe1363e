#include "models/phi3.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "configs/presets.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

// As transformers trains: the padding token's row learns nothing from look-ups.
ForwardOptions like_transformers(Recompute recompute = Recompute::none) {
  ForwardOptions options;
  options.train_pad_embedding = false;
  options.recompute = recompute;
  return options;
}

double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  return (actual.sub(expected).norm().item<double>()) / (expected.norm().item<double>() + 1e-30);
}

class Phi3Golden : public testing::TestWithParam<std::string> {
 protected:
  GoldenCase golden_{GetParam()};
};

// Two float32 implementations of the same formulas; 2e-4 is what transformers' own kernels differ by among each other, times ten.
constexpr double kLogProbability = 2e-4;
constexpr double kGradient = 5e-5;  // norm of the difference over the norm, per tensor

TEST_P(Phi3Golden, LogProbabilitiesEqualTransformers) {
  const kernels::PackedBatch batch = kernels::to_device(pack(golden_.documents, golden_.loaded.config), at::kCPU);
  const at::NoGradGuard no_gradients;
  const at::Tensor logits = kernels::last_logits(golden_.model().forward(batch, {}), golden_.model().head());
  const at::Tensor logprobs = at::log_softmax(logits, 1);
  for (std::size_t i = 0; i < golden_.documents.size(); ++i) {
    const data::Segment& segment = batch.segments[i];
    const at::Tensor rows = logprobs.narrow(0, segment.begin, segment.end - segment.begin);
    const at::Tensor targets = batch.targets.narrow(0, segment.begin, segment.end - segment.begin - 1);
    const at::Tensor chosen = rows.narrow(0, 0, rows.size(0) - 1).gather(1, targets.unsqueeze(1)).squeeze(1);
    EXPECT_LT(chosen.sub(golden_.tensor("target_logprobs." + std::to_string(i))).abs().max().item<double>(), kLogProbability) << "document " << i;
    if (i + 1 == golden_.documents.size()) {
      EXPECT_LT(rows.sub(golden_.tensor("logprobs." + std::to_string(i))).abs().max().item<double>(), kLogProbability);
    }
  }
}

TEST_P(Phi3Golden, LossAndEveryGradientEqualTransformers) {
  const LossAndGradients result = run_training(golden_.model(), golden_.documents, like_transformers());
  EXPECT_NEAR(result.loss, golden_.golden["loss"].get<double>(), 1e-5);
  for (const auto& [name, gradient] : result.gradients) EXPECT_LT(relative_error(gradient, golden_.tensor("grad." + name)), kGradient) << name;
}

TEST_P(Phi3Golden, PackedDocumentsEqualSingleOnes) {
  const LossAndGradients packed = run_training(golden_.model(), golden_.documents, like_transformers());
  const LossAndGradients single = run_training(golden_.model(), golden_.documents, like_transformers(), /*packed=*/false);
  EXPECT_NEAR(packed.loss, single.loss, 1e-6);
  // Sums over rows are taken in another order: a few float32 roundings.
  for (const auto& [name, gradient] : packed.gradients) EXPECT_LT(relative_error(gradient, single.gradients.at(name)), 3e-6) << name;
}

TEST_P(Phi3Golden, RecomputationGivesTheSameBits) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const LoadedModel loaded = load_model(golden_.directory, dtype);
    const LossAndGradients plain = run_training(*loaded.model, golden_.documents, like_transformers());
    for (const Recompute recompute : {Recompute::mlp, Recompute::block}) {
      const LossAndGradients again = run_training(*loaded.model, golden_.documents, like_transformers(recompute));
      EXPECT_EQ(plain.loss, again.loss);
      for (const auto& [name, gradient] : plain.gradients) EXPECT_TRUE(gradient.equal(again.gradients.at(name))) << name << " in " << c10::toString(dtype);
    }
  }
}

struct CountingListener : kernels::GradientListener {
  std::map<std::string, int> ready;
  void gradient_ready(kernels::Parameter& parameter) override { ++ready[parameter.name]; }
};

TEST_P(Phi3Golden, EveryParameterReportsItsGradientOncePerBackward) {
  for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
    CountingListener listener;
    for (const ParameterDeclaration& declaration : golden_.model().declarations()) declaration.parameter->listener = &listener;
    run_training(golden_.model(), golden_.documents, like_transformers(recompute));
    EXPECT_EQ(listener.ready.size(), golden_.model().declarations().size());
    for (const auto& [name, count] : listener.ready) EXPECT_EQ(count, 1) << name;
    for (const ParameterDeclaration& declaration : golden_.model().declarations()) EXPECT_EQ(declaration.parameter->contributions, 0) << declaration.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Phi3Golden, testing::ValuesIn(golden_names()), [](const auto& info) { return info.param; });

std::unique_ptr<CausalLM> tiny(configs::ModelConfig config, at::Tensor& storage) {
  auto model = make_model(config);
  storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 3);
  return model;
}

configs::ModelConfig tiny_config() {
  configs::ModelConfig config;
  config.vocab_size = 40;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_layers = 2;
  config.num_heads = config.num_kv_heads = 2;
  config.head_dim = 8;
  config.max_positions = config.original_max_positions = 64;
  config.initializer_range = 0.3;
  return config;
}

TEST(Phi3, ParametersCarryHuggingFaceNamesInTheModuleTree) {
  DecoderForCausalLM model(tiny_config(), phi3_parts(tiny_config()));
  const at::Tensor storage = allocate(model, at::kFloat, at::kCPU);
  model.expose_parameters();
  const auto parameters = model.named_parameters();
  ASSERT_EQ(parameters.size(), model.declarations().size());
  for (const ParameterDeclaration& declaration : model.declarations()) {
    ASSERT_NE(parameters.find(declaration.name), nullptr) << declaration.name;
    EXPECT_TRUE(parameters[declaration.name].is_same(declaration.parameter->value));
  }
  EXPECT_NE(parameters.find("model.layers.1.self_attn.qkv_proj.weight"), nullptr);
  EXPECT_EQ(model.declarations().front().name, "model.embed_tokens.weight");
  EXPECT_EQ(model.declarations().back().name, "lm_head.weight");
  EXPECT_EQ(model.declarations()[1].block, 0);
  EXPECT_FALSE(model.declarations()[1].matrix);
}

TEST(Phi3, DeclarationNeedsNoMemoryAndCountsLikeTheReleasedModels) {
  for (const auto& [preset, parameters, tensors] : {std::tuple("phi-3.5-mini", 3821079552L, 195U), std::tuple("phi-3-medium-4k", 13960238080L, 243U)}) {
    const auto model = make_model(configs::read_preset(preset));
    std::int64_t count = 0;
    for (const ParameterDeclaration& declaration : model->declarations()) {
      std::int64_t product = 1;
      for (const std::int64_t size : declaration.shape) product *= size;
      count += product;
    }
    EXPECT_EQ(count, parameters) << preset;
    EXPECT_EQ(model->declarations().size(), tensors) << preset;
  }
}

TEST(Phi3, ATiedHeadIsDeclaredOnceAndUsedTwice) {
  configs::ModelConfig config = tiny_config();
  config.tied_head = true;
  const auto model = make_model(config);
  for (const ParameterDeclaration& declaration : model->declarations()) EXPECT_NE(declaration.name, "lm_head.weight");
  EXPECT_EQ(model->head().weight, model->declarations().front().parameter);
  EXPECT_EQ(model->head().weight->uses, 2);
}

TEST(Phi3, AnEmptyStreamFlowsThroughForwardAndBackward) {
  at::Tensor storage;
  const auto model = tiny(tiny_config(), storage);
  add_gradients(*model);
  for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
    ForwardOptions options;
    options.recompute = recompute;
    const kernels::PackedBatch batch = kernels::to_device({}, at::kCPU);
    const at::Tensor hidden = model->forward(batch, options);
    EXPECT_EQ(hidden.size(0), 0);
    kernels::next_token_loss(hidden, model->head(), batch.targets, 1.0).backward();
    for (const ParameterDeclaration& declaration : model->declarations()) EXPECT_EQ(declaration.parameter->gradient.abs().sum().item<float>(), 0.0F);
  }
}

TEST(Phi3, TheInclusiveWindowSeesOneKeyMore) {
  configs::ModelConfig config = tiny_config();
  config.sliding_window = 3;
  at::Tensor storage, wider_storage;
  const auto model = tiny(config, storage);
  config.sliding_window = 4;
  const auto wider = tiny(config, wider_storage);
  const kernels::PackedBatch batch = kernels::to_device(pack({{1, 2, 3, 4, 5, 6, 7, 8}}, config), at::kCPU);
  const at::NoGradGuard no_gradients;
  ForwardOptions inclusive;
  inclusive.inclusive_window = true;
  EXPECT_TRUE(model->forward(batch, inclusive).equal(wider->forward(batch, {})));
  EXPECT_FALSE(model->forward(batch, {}).equal(wider->forward(batch, {})));
}

TEST(Phi3, TrainingThePadEmbeddingChangesOnlyItsRow) {
  GoldenCase golden("mha_window");
  const std::string table = "model.embed_tokens.weight";
  const at::Tensor frozen = run_training(golden.model(), golden.documents, like_transformers()).gradients.at(table);
  const at::Tensor trained = run_training(golden.model(), golden.documents, {}).gradients.at(table);
  const auto pad = golden.loaded.config.pad_token_id;
  EXPECT_EQ(frozen[pad].abs().sum().item<float>(), 0.0F);
  EXPECT_GT(trained[pad].abs().sum().item<float>(), 0.0F);
  EXPECT_EQ(trained.sub(frozen).abs().sum().item<float>(), trained[pad].abs().sum().item<float>());
}

struct RecordingSource : WeightSource {
  std::string calls;
  void before_forward(int block) override { calls += "+" + std::to_string(block); }
  void after_forward(int block) override { calls += "-" + std::to_string(block); }
  void before_backward(int block) override { calls += "(" + std::to_string(block); }
  void after_backward(int block) override { calls += ")" + std::to_string(block); }
};

TEST(Phi3, WeightsAreAskedForAroundEveryBlockAndAgainInRecomputation) {
  at::Tensor storage;
  const auto model = tiny(tiny_config(), storage);
  add_gradients(*model);
  RecordingSource source;
  ForwardOptions options;
  options.weights = &source;
  run_training(*model, {{1, 2, 3}}, options);
  EXPECT_EQ(source.calls, "+-1--1+0-0+1-1+2(1)1(0)0");
  source.calls.clear();
  options.recompute = Recompute::block;
  run_training(*model, {{1, 2, 3}}, options);
  EXPECT_EQ(source.calls, "+-1--1+0-0+1-1+2(1)1(0)0");
}

TEST(Phi3, OnlyTrainableParametersReceiveGradients) {
  for (const Recompute recompute : {Recompute::none, Recompute::mlp, Recompute::block}) {
    at::Tensor storage;
    const auto model = tiny(tiny_config(), storage);
    const ParameterDeclaration& chosen = model->declarations()[9];  // a matrix of block 1; the embedding is frozen
    chosen.parameter->value.requires_grad_();
    chosen.parameter->gradient = at::zeros(chosen.shape, at::kFloat);
    ForwardOptions options;
    options.recompute = recompute;
    const kernels::PackedBatch batch = kernels::to_device(pack({{1, 2, 3, 4}}, model->config()), at::kCPU);
    kernels::next_token_loss(model->forward(batch, options), model->head(), batch.targets, 1.0).backward();
    EXPECT_GT(chosen.parameter->gradient.abs().sum().item<float>(), 0.0F) << chosen.name;
  }
}

TEST(Phi3, ImpossibleConfigurationsAreRefused) {
  configs::ModelConfig config = tiny_config();
  config.num_kv_heads = 3;
  EXPECT_THROW(make_model(config), ConfigError);
  config = tiny_config();
  config.vocab_size = 0;
  EXPECT_THROW(make_model(config), ConfigError);
}

TEST(Phi3, TokensOutsideTheVocabularyAreRefused) {
  at::Tensor storage;
  const auto model = tiny(tiny_config(), storage);
  EXPECT_THROW(model->forward(kernels::to_device(pack({{1, 40}}, model->config()), at::kCPU), {}), DataError);
}

}  // namespace
}  // namespace phidias::models
