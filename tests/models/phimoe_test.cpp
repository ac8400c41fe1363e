#include "models/phimoe.h"

#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "models/routing_record.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).norm().item<double>() / (expected.norm().item<double>() + 1e-30);
}

// As for phi3_test.cpp: two float32 implementations of the same formulas. Experts must agree exactly.
constexpr double kLogProbability = 2e-4, kGradient = 5e-5, kWeight = 1e-5;

struct PhiMoe : testing::Test {
  PhiMoe() : directory(std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/phimoe"), golden(read_json(directory / "golden.json")) {
    documents = golden["documents"].get<Documents>();
    targets = golden["targets"].get<double>();
    aux_coefficient = golden["aux_coefficient"].get<double>();
  }

  kernels::PackedBatch batch_of(const configs::ModelConfig& config, bool training = false) const {
    const std::optional<kernels::DrawSeed> seed =
        training ? std::optional<kernels::DrawSeed>({golden["seed"].get<std::uint64_t>(), golden["step"].get<std::int64_t>()}) : std::nullopt;
    return kernels::to_device(pack(documents, config), at::kCPU, seed);
  }

  static ForwardOptions with_record(Recompute recompute = Recompute::none) {
    ForwardOptions options;
    options.recompute = recompute;
    options.routing = std::make_shared<RoutingRecord>();
    options.routing->keep_choices = true;
    return options;
  }

  // Forward and backward of all documents packed, with the auxiliary loss of the whole batch as transformers counts it (coefficient 0: without).
  LossAndGradients run(CausalLM& model, const kernels::PackedBatch& batch, const ForwardOptions& options, double coefficient, double& aux) const {
    add_gradients(model);
    LossAndGradients result;
    const at::Tensor loss = kernels::next_token_loss(model.forward(batch, options), model.head(), batch.targets, 1.0 / targets);
    const double rows = static_cast<double>(batch.size()) * static_cast<double>(model.config().num_layers),
                 experts = static_cast<double>(model.config().num_experts);
    at::Tensor counts = options.routing->layers[0].top_counts.clone(), sums = options.routing->layers[0].probability_sum.clone();
    for (std::size_t layer = 1; layer < options.routing->layers.size(); ++layer) {
      counts = counts + options.routing->layers[layer].top_counts;
      sums = sums + options.routing->layers[layer].probability_sum;
    }
    aux = experts * (counts.to(at::kDouble) / rows).mul(sums.to(at::kDouble) / rows).sum().item<double>();
    // next_token_loss leaves the sum as its value and scales gradients by 1 / targets already.
    if (coefficient > 0) options.routing->aux_gradient = (counts.to(at::kFloat) * (coefficient * experts / (rows * rows)));
    loss.backward();
    result.loss = loss.item<double>() / targets;
    for (const ParameterDeclaration& declaration : model.declarations())
      for (const LogicalTensor& tensor : declaration.tensors)
        result.gradients[tensor.name] = declaration.parameter->gradient.reshape(-1).narrow(0, tensor.offset, tensor.count()).view(tensor.shape).clone();
    return result;
  }

  void expect_routing(const RoutingRecord& record, const kernels::PackedBatch& batch, const SafetensorsFile& expected) const {
    for (std::size_t layer = 0; layer < record.layers.size(); ++layer) {
      for (std::size_t i = 0; i < documents.size(); ++i) {
        const auto rows = [&](const at::Tensor& t) { return t.narrow(0, batch.segments[i].begin, batch.segments[i].end - batch.segments[i].begin); };
        const std::string key = std::to_string(layer) + "." + std::to_string(i);
        EXPECT_TRUE(rows(record.layers[layer].experts).equal(expected.tensor("experts." + key))) << key;
        EXPECT_LT(rows(record.layers[layer].weights).sub(expected.tensor("weights." + key)).abs().max().item<double>(), kWeight) << key;
      }
    }
  }

  std::filesystem::path directory;
  Json golden;
  Documents documents;
  double targets = 0, aux_coefficient = 0;
};

// Packed, with the rotary list of each document; transformers ran them one by one. Documents of 5 and 8 tokens take the short list, 9 and 17 the long one.
TEST_F(PhiMoe, LogProbabilitiesAndRoutingEqualTransformers) {
  const LoadedModel loaded = load_model(directory);
  const SafetensorsFile expected(directory / "golden.tensors");
  const kernels::PackedBatch batch = batch_of(loaded.config);
  const ForwardOptions options = with_record();
  const at::NoGradGuard no_gradients;
  const at::Tensor logprobs = at::log_softmax(kernels::last_logits(loaded.model->forward(batch, options), loaded.model->head()), 1);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const at::Tensor rows = logprobs.narrow(0, batch.segments[i].begin, batch.segments[i].end - batch.segments[i].begin);
    EXPECT_LT(rows.sub(expected.tensor("logprobs." + std::to_string(i))).abs().max().item<double>(), kLogProbability) << i;
  }
  expect_routing(*options.routing, batch, expected);
  const at::Tensor weights = options.routing->layers[0].weights;
  EXPECT_GT(weights.lt(0.999).sum().item<std::int64_t>(), weights.numel() / 4);  // else the mixer is not exercised
}

TEST_F(PhiMoe, LossesAndEveryGradientEqualTransformers) {
  const LoadedModel loaded = load_model(directory);
  const SafetensorsFile expected(directory / "golden.tensors");
  double aux = 0;
  const LossAndGradients result = run(*loaded.model, batch_of(loaded.config), with_record(), aux_coefficient, aux);
  EXPECT_NEAR(result.loss, golden["loss"].get<double>(), 1e-5);
  EXPECT_NEAR(aux, golden["aux_loss"].get<double>(), 1e-5);
  for (const auto& [name, gradient] : result.gradients) EXPECT_LT(relative_error(gradient, expected.tensor("grad." + name)), kGradient) << name;
}

TEST_F(PhiMoe, TrainingWithJitterAndDrawnExpertsEqualsThePlainReference) {
  const LoadedModel loaded = load_model(directory);
  const SafetensorsFile expected(directory / "training.tensors");
  const ForwardOptions options = with_record();
  const kernels::PackedBatch batch = batch_of(loaded.config, /*training=*/true);
  double aux = 0;
  const LossAndGradients result = run(*loaded.model, batch, options, 0.0, aux);
  EXPECT_NEAR(result.loss, golden["training_loss"].get<double>(), 1e-5);
  expect_routing(*options.routing, batch, expected);
  std::size_t compared = 0;
  for (const auto& [name, gradient] : result.gradients) {
    if (expected.find("grad." + name) == nullptr) continue;
    EXPECT_LT(relative_error(gradient, expected.tensor("grad." + name)), kGradient) << name;
    ++compared;
  }
  EXPECT_GT(compared, 30U);
}

TEST_F(PhiMoe, DeterministicRouterDrawsNothingInTraining) {
  const LoadedModel loaded = load_model(directory);
  ForwardOptions options = with_record(), evaluation = with_record();
  options.router = configs::Router::deterministic;
  double aux = 0;
  const LossAndGradients training = run(*loaded.model, batch_of(loaded.config, true), options, 0.0, aux);
  const LossAndGradients plain = run(*loaded.model, batch_of(loaded.config), evaluation, 0.0, aux);
  EXPECT_EQ(training.loss, plain.loss);
  for (const auto& [name, gradient] : training.gradients) EXPECT_TRUE(gradient.equal(plain.gradients.at(name))) << name;
}

TEST_F(PhiMoe, FrozenRouterLearnsNothingAndChangesNoOtherGradient) {
  const LoadedModel loaded = load_model(directory);
  ForwardOptions options = with_record(), deterministic = with_record();
  options.router = configs::Router::frozen;
  deterministic.router = configs::Router::deterministic;
  double aux = 0;
  const LossAndGradients frozen = run(*loaded.model, batch_of(loaded.config, true), options, 0.0, aux);
  const LossAndGradients plain = run(*loaded.model, batch_of(loaded.config, true), deterministic, 0.0, aux);
  for (const auto& [name, gradient] : frozen.gradients) {
    if (name.find("gate") != std::string::npos)
      EXPECT_EQ(gradient.count_nonzero().item<std::int64_t>(), 0) << name;
    else
      EXPECT_LT(relative_error(gradient, plain.gradients.at(name)), 1e-6) << name;  // the score's product may take another road
  }
}

TEST_F(PhiMoe, RecomputationGivesTheSameBitsAndStatistics) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const LoadedModel loaded = load_model(directory, dtype);
    const kernels::PackedBatch batch = batch_of(loaded.config, /*training=*/true);
    const ForwardOptions options = with_record();
    double aux = 0;
    const LossAndGradients plain = run(*loaded.model, batch, options, aux_coefficient, aux);
    for (const Recompute recompute : {Recompute::mlp, Recompute::block}) {
      const ForwardOptions again = with_record(recompute);
      double aux_again = 0;
      const LossAndGradients result = run(*loaded.model, batch, again, aux_coefficient, aux_again);
      EXPECT_EQ(plain.loss, result.loss);
      EXPECT_EQ(aux, aux_again);
      for (const auto& [name, gradient] : plain.gradients) EXPECT_TRUE(gradient.equal(result.gradients.at(name))) << name << " in " << c10::toString(dtype);
      for (std::size_t layer = 0; layer < options.routing->layers.size(); ++layer)
        EXPECT_TRUE(options.routing->layers[layer].load.equal(again.routing->layers[layer].load));
    }
  }
}

TEST_F(PhiMoe, AnEmptyStreamRunsAndLeavesZeroGradients) {
  const LoadedModel loaded = load_model(directory);
  add_gradients(*loaded.model);
  for (const ParameterDeclaration& declaration : loaded.model->declarations()) declaration.parameter->gradient.fill_(NAN);
  const kernels::PackedBatch batch = kernels::to_device(data::MicroBatch{}, at::kCPU, kernels::DrawSeed{});
  const at::Tensor hidden = loaded.model->forward(batch, with_record());
  EXPECT_EQ(hidden.size(0), 0);
  hidden.sum().backward();
  for (const ParameterDeclaration& declaration : loaded.model->declarations()) {
    if (declaration.name.starts_with("lm_head")) continue;  // written by the loss
    EXPECT_EQ(declaration.parameter->gradient.count_nonzero().item<std::int64_t>(), 0) << declaration.name;
  }
}

TEST_F(PhiMoe, DeclaresTheReleasedNamesOfItsOwnExperts) {
  const LoadedModel loaded = load_model(directory);
  const SafetensorsFile file(directory / "model.safetensors");
  std::set<std::string> names;
  for (int rank = 0; rank < 3; ++rank) {
    kernels::ExpertRanks ranks;
    ranks.rank = rank;
    ranks.size = 3;
    const auto model = make_model(loaded.config, ranks);
    EXPECT_TRUE(model->collective());
    for (const ParameterDeclaration& declaration : model->declarations()) {
      for (const LogicalTensor& tensor : declaration.tensors) {
        const bool is_expert = tensor.name.find(".experts.") != std::string::npos;
        EXPECT_EQ(declaration.placement == Placement::expert, is_expert) << tensor.name;
        EXPECT_NE(file.find(tensor.name), nullptr) << tensor.name;
        EXPECT_EQ(names.insert(tensor.name).second, is_expert || rank == 0) << tensor.name;
      }
    }
  }
  EXPECT_EQ(names.size(), file.header().tensors.size());
  EXPECT_FALSE(make_model(loaded.config)->collective());
}

TEST_F(PhiMoe, ExpertsThatCannotBeSharedAreRefused) {
  const LoadedModel loaded = load_model(directory);
  kernels::ExpertRanks ranks;
  ranks.size = 4;  // 6 experts
  EXPECT_THROW(make_model(loaded.config, ranks), ConfigError);
}

}  // namespace
}  // namespace phidias::models
