// Experts spread over ranks: their gradients are summed over replicas alone, their state is sharded over replicas, unused ones can be left alone, and
// rank 0 sees all of them. The model is the smallest that has experts: no layer, two weights, arithmetic in plain autograd.
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "models/layers/weight_residence.h"
#include "parallel/single_process.h"
#include "tests/support/mpi_test.h"
#include "trainer/engine/engine.h"

namespace phidias::trainer {
namespace {

using configs::Shard;

constexpr int kExperts = 4, kWidth = 50, kTokens = 8;

// Token t is sent to expert t % 3: the last expert gets none.
int expert_of(int token) { return token % 3; }

class TwoWeights : public models::CausalLM {
 public:
  TwoWeights(int expert_rank, int expert_ranks) : local_(kExperts / expert_ranks), first_(expert_rank * local_) {
    declare("shared", {kWidth}, models::Placement::dense);
    declare("experts", {local_, kWidth}, models::Placement::expert);
    declarations_.back().tensors.clear();
    for (int e = 0; e < local_; ++e) declarations_.back().tensors.push_back({"experts." + std::to_string(first_ + e), {kWidth}, e * kWidth});
    declare("head", {kWidth}, models::Placement::dense);
    declarations_.back().block = 1;
    config_.num_layers = 1;
    config_.num_experts = kExperts;
    config_.experts_per_token = 1;
  }
  const configs::ModelConfig& config() const override { return config_; }
  const std::vector<models::ParameterDeclaration>& declarations() const override { return declarations_; }
  void add_adapters(const configs::LoraSection&) override {}
  at::Tensor forward(const kernels::PackedBatch&, const models::ForwardOptions&) override { return {}; }
  kernels::Head head() override { return {}; }
  at::Tensor prefill(const kernels::PackedBatch&, const std::vector<std::int64_t>&, std::vector<kernels::KeyValueCache>&) override { return {}; }
  at::Tensor decode(const at::Tensor&, const std::vector<std::int64_t>&, const std::vector<std::int64_t>&, const std::vector<bool>&,
                    std::vector<kernels::KeyValueCache>&) override {
    return {};
  }
  // The expert's row if it is here.
  at::Tensor expert(int number) const {
    const int row = number - first_;
    return row >= 0 && row < local_ ? storage_[1].value[row] : at::Tensor();
  }
  const at::Tensor& shared() const { return storage_[0].value; }
  const at::Tensor& norm() const { return storage_[2].value; }

 private:
  void declare(const std::string& name, std::vector<std::int64_t> shape, models::Placement placement) {
    models::ParameterDeclaration declaration;
    declaration.name = name;
    declaration.shape = std::move(shape);
    declaration.placement = placement;
    declaration.block = 0;
    declaration.parameter = &storage_[declarations_.size()];
    declaration.tensors = {{name, declaration.shape, 0}};
    declarations_.push_back(declaration);
  }

  int local_, first_;
  configs::ModelConfig config_;
  kernels::Parameter storage_[3];
  std::vector<models::ParameterDeclaration> declarations_;
};

// Sum over tokens of (shared . x)^2 + (expert . x)^2 + (head . x)^2, where x depends on the token. A rank has its own tokens' dense terms, and of
// the tokens of its expert group those that its experts get.
class Quadratic : public Objective {
 public:
  Quadratic(int rank, int ranks, int expert_ranks) : rank_(rank), ranks_(ranks), expert_ranks_(expert_ranks) {}

  Outcome forward(models::CausalLM& model, const kernels::PackedBatch&, const models::ForwardOptions& options, double scale) override {
    auto& weights = static_cast<TwoWeights&>(model);
    at::Tensor sum = at::zeros({1}).requires_grad_();
    report_loads(options.routing->layers.at(0));
    if (options.weights != nullptr) {
      options.weights->before_forward(0);
      sum = models::enter_block(*options.weights, 0, sum, {}).first;
    }
    for (int t = 0; t < kTokens; ++t) {
      if (t % ranks_ == rank_) sum = sum.add(term(weights.shared(), t));
      const bool of_my_group = t % ranks_ / expert_ranks_ == rank_ / expert_ranks_;
      const at::Tensor expert = weights.expert(expert_of(t));
      if (of_my_group && expert.defined()) sum = sum.add(term(expert, t));
    }
    if (options.weights != nullptr) {
      sum = models::leave_block(*options.weights, 0, sum, {}).first;
      options.weights->after_forward(0);
      options.weights->before_forward(1);
    }
    for (int t = rank_; t < kTokens; t += ranks_) sum = sum.add(term(weights.norm(), t));
    return {sum.sum().mul(scale), sum.detach().sum(), {}};
  }
  Outcome evaluate(models::CausalLM&, const kernels::PackedBatch&, const models::ForwardOptions&) override { return {}; }

 private:
  void report_loads(kernels::LayerRouting& layer) const {
    layer.load = at::zeros({kExperts}, at::kLong);
    layer.top_counts = layer.load;
    layer.probability_sum = at::zeros({kExperts});
    for (int t = rank_; t < kTokens; t += ranks_) layer.load[expert_of(t)].add_(1);
  }
  static at::Tensor term(const at::Tensor& weight, int token) { return weight.mul(0.1 * (token + 1)).sum().sub(1.0).square(); }
  int rank_, ranks_, expert_ranks_;
};

struct Case {
  int expert_ranks;
  Shard shard;
  bool skip;
};

void fill(const models::ParameterDeclaration&, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end, at::Tensor out) {
  for (std::int64_t i = begin; i < end; ++i) out[i - begin].fill_(0.01 * static_cast<double>(i + 1) + 0.001 * static_cast<double>(tensor.name.back()));
}

class ExpertUnits : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto& [expert_ranks, shard, skip] = GetParam();
    parallel::World& world = mpi_test::world();
    if (world.size() % expert_ranks != 0) GTEST_SKIP() << "needs a multiple of " << expert_ranks << " ranks";
    world.arrange({.data = 0, .expert = expert_ranks, .context = 1});
    replicas_ = world.expert_replicas(world.host());
    const EngineRanks ranks{&world.host(), &world.host(), replicas_.get(), world.expert_rank()};
    spread_ = std::make_unique<Engine>(std::make_unique<TwoWeights>(world.expert_rank(), expert_ranks), ranks, options(shard, skip));
    spread_->initialise(fill);
    alone_ = std::make_unique<Engine>(std::make_unique<TwoWeights>(0, 1), EngineRanks{&single_, &single_}, options(Shard::none, skip));
    alone_->initialise(fill);
  }
  static EngineOptions options(Shard shard, bool skip) {
    EngineOptions made;
    made.shard = shard;
    made.optimizer.learning_rate = 1e-2;
    made.optimizer.decay = configs::Decay::all;
    made.optimizer.skip_unused_experts = skip;
    return made;
  }
  static StepResult step(Engine& engine, int rank, int ranks, int expert_ranks) {
    Quadratic objective(rank, ranks, expert_ranks);
    data::MicroBatch micro;  // the objective has tokens of its own; the engine wants to see one
    micro.tokens = {1};
    micro.positions = {0};
    micro.targets = {data::kIgnoredTarget};
    micro.segments.push_back({0, 1, -1, false, 0});
    micro.is_last = true;
    data::GlobalBatch batch;
    batch.target_tokens = kTokens;
    engine.accumulate(objective, micro, batch);
    return engine.step(1e-2);
  }

  parallel::SingleProcess single_;
  std::unique_ptr<parallel::Communicator> replicas_;
  std::unique_ptr<Engine> spread_, alone_;
};

TEST_P(ExpertUnits, TrainAsOnOneRankAndAreWholeOnRankZero) {
  parallel::World& world = mpi_test::world();
  for (int i = 0; i < 5; ++i) {
    const StepResult found = step(*spread_, world.rank(), world.size(), GetParam().expert_ranks), expected = step(*alone_, 0, 1, 1);
    EXPECT_NEAR(found.loss, expected.loss, 1e-5 * expected.loss);  // float32 sums in another order, five steps
    EXPECT_NEAR(found.grad_norm, expected.grad_norm, 1e-5 * expected.grad_norm);
  }
  std::map<std::string, at::Tensor> expected;
  alone_->visit_weights([&](const std::string& name, const at::Tensor& value) { expected[name] = value.clone(); });
  int seen = 0;
  spread_->visit_weights([&](const std::string& name, const at::Tensor& value) {
    ++seen;
    EXPECT_LT(value.sub(expected.at(name)).abs().max().item<float>(), 1e-5F) << name;
  });
  EXPECT_EQ(seen, world.rank() == 0 ? kExperts + 2 : 0);
  at::Tensor start = at::zeros({kWidth});
  models::LogicalTensor last{"experts.3", {kWidth}, 0};
  fill({}, last, 0, kWidth, start);
  EXPECT_EQ(expected.at("experts.3").equal(start), GetParam().skip) << "without a token it only decays, or nothing happens to it";
}

INSTANTIATE_TEST_SUITE_P(Layouts, ExpertUnits,
                         ::testing::Values(Case{1, Shard::none, false}, Case{1, Shard::parameters, true}, Case{2, Shard::none, false},
                                           Case{2, Shard::none, true}, Case{2, Shard::optimizer, true}, Case{2, Shard::gradients, false},
                                           Case{2, Shard::parameters, true}, Case{4, Shard::none, false}, Case{4, Shard::optimizer, false},
                                           Case{4, Shard::parameters, true}));

}  // namespace
}  // namespace phidias::trainer
