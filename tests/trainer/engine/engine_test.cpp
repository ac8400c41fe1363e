// The engine on any number of ranks: buckets, empty micro-batches, gradients that autograd delivers, steps that are not finite.
#include "trainer/engine/engine.h"

#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/hub/model_directory.h"
#include "parallel/single_process.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"
#include "trainer/objectives/next_token.h"

namespace phidias::trainer {
namespace {

// One micro-batch of a step with `targets` target tokens over all ranks.
void accumulate(Engine& engine, Objective& objective, data::MicroBatch micro, std::int64_t targets, bool is_last) {
  micro.is_last = is_last;
  data::GlobalBatch batch;
  batch.target_tokens = batch.tokens = targets;
  engine.accumulate(objective, micro, batch);
}

using trainer_test::golden_folder;

EngineOptions options(BucketSizes buckets = {}) {
  EngineOptions made;
  made.optimizer.learning_rate = 1e-3;
  made.buckets = buckets;
  return made;
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options, const char* model = "trajectory", parallel::Communicator& host = mpi_test::world().host()) {
  const models::ModelDirectory directory(golden_folder().parent_path() / model / "model");
  auto engine = std::make_unique<Engine>(models::make_model(directory.config()), EngineRanks{&host, &host}, options);
  engine->initialise(models::range_reader(directory, engine->model()));
  return engine;
}

// A document that counts upwards; `rank` makes ranks differ.
data::MicroBatch document(int rank, int length = 20) {
  data::MicroBatch micro;
  for (int t = 0; t < length; ++t) {
    micro.tokens.push_back((3 * rank + t) % 90);
    micro.positions.push_back(t);
    micro.targets.push_back(t + 1 < length ? (3 * rank + t + 1) % 90 : data::kIgnoredTarget);
  }
  micro.segments.push_back({0, length, -1, false, 0});
  micro.target_tokens = length - 1;
  return micro;
}

StepResult one_step(Engine& engine, Objective& objective, const data::MicroBatch& micro, std::int64_t target_tokens) {
  accumulate(engine, objective, micro, target_tokens, /*is_last=*/true);
  return engine.step(1e-3);
}

TEST(Engine, ManySmallBucketsGiveTheNumbersOfOne) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  auto one = make_engine(options()), many = make_engine(options({.bytes = 2000, .first_bytes = 500}));
  NextToken objective;
  for (int step = 0; step < 3; ++step) {
    const StepResult a = one_step(*one, objective, document(rank), 19 * ranks), b = one_step(*many, objective, document(rank), 19 * ranks);
    EXPECT_EQ(a.loss, b.loss);  // a sum over ranks has a fixed order per element, so these are bits
    EXPECT_EQ(a.grad_norm, b.grad_norm);
  }
}

TEST(Engine, RanksWithoutWorkJoinTheReductions) {
  const int rank = mpi_test::world().rank();
  auto engine = make_engine(options({.bytes = 2000, .first_bytes = 500}));
  NextToken objective;
  const StepResult result = one_step(*engine, objective, rank == 0 ? document(0) : data::MicroBatch{}, 19);
  EXPECT_TRUE(result.finite);
  EXPECT_GT(result.grad_norm, 0.0);
  double norm[] = {result.grad_norm, -result.grad_norm};
  mpi_test::world().host().all_reduce(norm, 2, parallel::DataType::float64, parallel::ReduceOp::max);
  EXPECT_EQ(norm[0], -norm[1]) << "ranks disagree";
}

TEST(Engine, AccumulationEqualsOneMicroBatchPerRank) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  auto together = make_engine(options()), apart = make_engine(options());
  NextToken objective;
  const std::int64_t targets = 2 * 19 * ranks;
  for (Engine* engine : {together.get(), apart.get()}) accumulate(*engine, objective, document(rank), targets, false);
  accumulate(*together, objective, document(rank + 1), targets, true);
  accumulate(*apart, objective, document(rank + 1), targets, false);
  accumulate(*apart, objective, {}, targets, true);  // an empty last micro-batch
  const StepResult a = together->step(1e-3), b = apart->step(1e-3);
  EXPECT_EQ(a.loss, b.loss);
  EXPECT_EQ(a.grad_norm, b.grad_norm);
}

// The head's gradient is ready in forward, before the loads of the experts are summed over ranks; a rank without tokens must come to the sums in the same
// order.
TEST(Engine, LoadsAreBalancedWhereARankHasNoTokensInTheLastMicroBatch) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  parallel::SingleProcess single;
  auto spread = make_engine(options({.bytes = 1, .first_bytes = 1}), "trajectory_moe"), alone = make_engine(options(), "trajectory_moe", single);
  NextToken objective;
  for (int step = 0; step < 2; ++step) {
    accumulate(*spread, objective, rank == 0 ? document(step) : data::MicroBatch{}, 19, true);
    accumulate(*alone, objective, document(step), 19, true);
    const StepResult found = spread->step(1e-3), expected = alone->step(1e-3);
    EXPECT_NEAR(found.loss, expected.loss, 1e-5 * expected.loss) << "of " << ranks;  // float32, two updates
    EXPECT_NEAR(found.metrics.at("aux_loss"), expected.metrics.at("aux_loss"), 1e-6);
    EXPECT_GT(found.metrics.at("aux_loss"), 1.0);
  }
}

// 0.5 * sum of squares of every parameter, in plain autograd: the gradient is the weights themselves and arrives in .grad.
class WeightsSquared : public Objective {
 public:
  Outcome forward(models::CausalLM& model, const kernels::PackedBatch&, const models::ForwardOptions&, double scale) override {
    at::Tensor sum;
    for (const auto& declaration : model.declarations()) {
      const at::Tensor part = declaration.parameter->value.square().sum().mul(0.5);
      sum = sum.defined() ? sum.add(part) : part;
    }
    return {sum.mul(scale), sum.detach(), {}};
  }
  Outcome evaluate(models::CausalLM&, const kernels::PackedBatch&, const models::ForwardOptions&) override { return {}; }
};

TEST(Engine, GradientsThatAutogradDeliversReachTheFlatBuffer) {
  const int ranks = mpi_test::world().size();
  auto engine = make_engine(options({.bytes = 2000, .first_bytes = 500}));
  double squares = 0;
  for (const auto& declaration : engine->model().declarations()) squares += declaration.parameter->value.detach().to(at::kDouble).square().sum().item<double>();
  WeightsSquared objective;
  accumulate(*engine, objective, document(0), ranks, false);
  accumulate(*engine, objective, document(0), ranks, true);
  const StepResult result = engine->step(1e-3);
  EXPECT_NEAR(result.grad_norm, 2 * std::sqrt(squares), 1e-5 * std::sqrt(squares));  // two micro-batches; float32 sums of 20 thousand values
  EXPECT_NEAR(result.loss, squares, 1e-5 * squares);                                 // two halves
}

class NotANumber : public NextToken {
 public:
  Outcome forward(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options, double scale) override {
    Outcome outcome = NextToken::forward(model, batch, options, scale);
    outcome.loss_sum = at::full_like(outcome.loss_sum, std::numeric_limits<double>::quiet_NaN());
    return outcome;
  }
};

TEST(Engine, AStepThatIsNotFiniteOnOneRankChangesNothingOnAny) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  auto engine = make_engine(options());
  NextToken sane;
  NotANumber broken;
  const at::Tensor before = engine->model().declarations().front().parameter->value.detach().clone();
  Objective& objective = rank == ranks - 1 ? static_cast<Objective&>(broken) : sane;
  const StepResult skipped = one_step(*engine, objective, document(rank), 19 * ranks);
  EXPECT_FALSE(skipped.finite);
  EXPECT_TRUE(before.equal(engine->model().declarations().front().parameter->value));
  EXPECT_TRUE(one_step(*engine, sane, document(rank), 19 * ranks).finite);
  EXPECT_FALSE(before.equal(engine->model().declarations().front().parameter->value));
}

TEST(Engine, FrozenParametersKeepTheirBitsAndHaveNoState) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  EngineOptions only_attention = options();
  only_attention.trainable = {"*self_attn*"};
  auto engine = make_engine(only_attention);
  std::vector<at::Tensor> before;
  for (const auto& declaration : engine->model().declarations()) before.push_back(declaration.parameter->value.detach().clone());
  NextToken objective;
  for (int step = 0; step < 2; ++step) one_step(*engine, objective, document(rank), 19 * ranks);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& declaration = engine->model().declarations()[i];
    const bool trained = declaration.name.find("self_attn") != std::string::npos;
    EXPECT_EQ(before[i].equal(declaration.parameter->value), !trained) << declaration.name;
  }
}

TEST(Engine, APatternThatMatchesNothingIsRefused) {
  EngineOptions wrong = options();
  wrong.trainable = {"*self_atn*"};
  EXPECT_THROW(make_engine(wrong), ConfigError);
}

TEST(Engine, Bfloat16ComputesInBfloat16AndKeepsFloat32Masters) {
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  EngineOptions half = options();
  half.dtype = at::kBFloat16;
  auto engine = make_engine(half), full = make_engine(options());
  EXPECT_EQ(engine->model().declarations().front().parameter->value.scalar_type(), at::kBFloat16);
  EXPECT_EQ(engine->model().declarations().front().parameter->gradient.scalar_type(), at::kFloat);
  NextToken objective;
  for (int step = 0; step < 5; ++step) {
    const StepResult a = one_step(*engine, objective, document(rank), 19 * ranks), b = one_step(*full, objective, document(rank), 19 * ranks);
    EXPECT_NEAR(a.loss, b.loss, 0.02 * b.loss);  // bfloat16 keeps 8 bits: 0.4 % per value
  }
}

}  // namespace
}  // namespace phidias::trainer
