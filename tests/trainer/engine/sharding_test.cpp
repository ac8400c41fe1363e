// Every level of sharding on any number of ranks gives the numbers of one rank that holds everything, and checkpoints go from any layout to any other.
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "models/hub/model_directory.h"
#include "models/initialise.h"
#include "parallel/single_process.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"
#include "trainer/engine/engine.h"
#include "trainer/objectives/next_token.h"

namespace phidias::trainer {
namespace {
namespace fs = std::filesystem;

using configs::Shard;
using trainer_test::SharedFolder;

constexpr int kDocuments = 5;  // on two and four ranks some have a micro-batch less
constexpr std::uint64_t kSeed = 3;
// Layouts differ in the order in which float32 gradients are added, 6e-8 relative each time; ten steps of AdamW let that grow to 1e-6.
constexpr double kRelative = 1e-5;

// One micro-batch of a step with `targets` target tokens over all ranks.
struct Variant {
  const char* name;
  at::ScalarType dtype = at::kFloat;
  bool tied = false;
  std::vector<std::string> trainable = {};
  models::Recompute recompute = models::Recompute::none;
};

configs::ModelConfig config_of(const Variant& variant) {
  configs::ModelConfig config = models::read_model_config(trainer_test::golden_folder() / "model");
  config.tied_head = variant.tied;
  return config;
}

EngineOptions options_of(const Variant& variant, Shard shard) {
  EngineOptions options;
  options.dtype = variant.dtype;
  options.optimizer.learning_rate = 4e-3;
  options.trainable = variant.trainable;
  options.forward.recompute = variant.recompute;
  options.shard = shard;
  options.buckets = {.bytes = 20000, .first_bytes = 5000};
  return options;
}

// `ranks`: those of the job, or a single process.
std::unique_ptr<Engine> make_engine(const Variant& variant, Shard shard, parallel::Communicator& ranks) {
  const configs::ModelConfig config = config_of(variant);
  auto engine = std::make_unique<Engine>(models::make_model(config), EngineRanks{&ranks, &ranks}, options_of(variant, shard));
  engine->initialise(models::fresh_weights(config, kSeed));
  return engine;
}

data::MicroBatch document(int number, int step) {
  data::MicroBatch micro;
  const int length = 12 + 3 * number;
  for (int t = 0; t < length; ++t) {
    micro.tokens.push_back((7 * number + 3 * t + step) % 90);
    micro.positions.push_back(t);
    micro.targets.push_back(t + 1 < length ? (7 * number + 3 * (t + 1) + step) % 90 : data::kIgnoredTarget);
  }
  micro.segments.push_back({0, length, -1, false, static_cast<std::uint64_t>(number)});
  micro.target_tokens = length - 1;
  return micro;
}

StepResult one_step(Engine& engine, int step) {
  const int rank = engine.host().rank(), ranks = engine.host().size(), micro_batches = (kDocuments + ranks - 1) / ranks;
  data::GlobalBatch batch;
  for (int number = 0; number < kDocuments; ++number) batch.target_tokens += document(number, step).target_tokens;
  NextToken objective;
  for (int i = 0; i < micro_batches; ++i) {
    const int number = i * ranks + rank;
    data::MicroBatch micro = number < kDocuments ? document(number, step) : data::MicroBatch{};
    micro.is_last = i + 1 == micro_batches;
    engine.accumulate(objective, micro, batch);
  }
  return engine.step(4e-3);
}

std::vector<double> losses(Engine& engine, int first, int steps) {
  std::vector<double> found;
  for (int step = first; step < first + steps; ++step) {
    const StepResult result = one_step(engine, step);
    found.push_back(result.loss);
    found.push_back(result.grad_norm);
  }
  return found;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double relative) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], relative * expected[i]) << "number " << i;
}

class Sharding : public ::testing::TestWithParam<std::tuple<Variant, Shard>> {};

TEST_P(Sharding, GivesTheLossesAndNormsOfOneRank) {
  const auto& [variant, shard] = GetParam();
  parallel::SingleProcess alone;
  const auto sharded = make_engine(variant, shard, mpi_test::world().host()), reference = make_engine(variant, Shard::none, alone);
  // A bfloat16 weight that rounds the other way differs by 2^-8 of itself, one in thousands of them at a time.
  const double relative = variant.dtype == at::kFloat ? kRelative : 2e-3;
  expect_near(losses(*sharded, 0, 10), losses(*reference, 0, 10), relative);
}

TEST_P(Sharding, EvaluatesAndHoldsWhatThePlanSays) {
  const auto& [variant, shard] = GetParam();
  parallel::SingleProcess alone;
  const auto sharded = make_engine(variant, shard, mpi_test::world().host()), reference = make_engine(variant, Shard::none, alone);
  NextToken objective;
  std::vector<double> sum = {0.0};
  // The last rank has nothing to evaluate.
  const int rank = mpi_test::world().rank(), ranks = mpi_test::world().size();
  sum[0] = sharded->evaluate(objective, ranks > 1 && rank == ranks - 1 ? data::MicroBatch{} : document(rank, 0)).loss;
  sharded->sum_over_ranks(sum);
  double expected = 0;
  for (int r = 0; r < std::max(1, ranks - 1); ++r) expected += reference->evaluate(objective, document(r, 0)).loss;
  EXPECT_NEAR(sum[0], expected, 1e-6 * expected);

  one_step(*sharded, 0);
  UnitOptions options{variant.dtype, configs::Decay::matrices, configs::StateDType::float32, variant.trainable, shard};
  const StateBytes plan = UnitLayout(sharded->model().declarations(), options, {ranks, ranks}).state_bytes(), held = sharded->memory();
  EXPECT_EQ(held.values, plan.values);
  EXPECT_EQ(held.gradients, plan.gradients);
  EXPECT_EQ(held.masters, plan.masters);
  EXPECT_EQ(held.moments, plan.moments);
  EXPECT_EQ(held.value_buffers, plan.value_buffers);
  EXPECT_EQ(held.gradient_buffers, plan.gradient_buffers);
}

const Variant kPlain{.name = "float32"};

std::string level_name(Shard shard) {
  static const char* const kLevels[] = {"none", "optimizer", "gradients", "parameters"};
  return kLevels[static_cast<int>(shard)];
}

INSTANTIATE_TEST_SUITE_P(Levels, Sharding,
                         ::testing::Combine(::testing::Values(kPlain, Variant{.name = "bfloat16", .dtype = at::kBFloat16},
                                                              Variant{.name = "tied", .tied = true},
                                                              Variant{.name = "attention_alone", .trainable = {"*self_attn*"}},
                                                              Variant{.name = "last_block_alone", .dtype = at::kBFloat16, .trainable = {"*layers.1.*"}},
                                                              Variant{.name = "recomputed", .recompute = models::Recompute::block},
                                                              Variant{.name = "tied_recomputed_mlp", .tied = true, .recompute = models::Recompute::mlp}),
                                            ::testing::Values(Shard::none, Shard::optimizer, Shard::gradients, Shard::parameters)),
                         [](const auto& info) { return std::string(std::get<0>(info.param).name) + "_" + level_name(std::get<1>(info.param)); });

class Checkpoint : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  Variant variant() const { return {.name = "checkpoint", .dtype = GetParam()}; }
  SaveTarget target() const { return {{}, GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(DTypes, Checkpoint, ::testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& info) { return info.param == at::kFloat ? "float32" : "bfloat16"; });

TEST_P(Checkpoint, OfAnyLevelReadsAtEveryOtherWithEqualHashes) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  parallel::SingleProcess alone;
  const std::vector<Shard> levels = {Shard::none, Shard::optimizer, Shard::gradients, Shard::parameters};
  for (const Shard from : levels) {
    const std::string name = std::to_string(static_cast<int>(from));
    const auto writer = make_engine(variant(), from, world.host());
    losses(*writer, 0, 3);
    const auto written = writer->save(folder / name, target());
    for (const Shard to : levels) {
      const auto reader = make_engine(variant(), to, world.host());
      reader->load(folder / name);
      EXPECT_EQ(reader->save(folder / (name + "-again"), target()), written);
    }
    // One rank alone reads it, and what it writes is read by all.
    if (world.rank() == 0) {
      const auto one = make_engine(variant(), Shard::none, alone);
      one->load(folder / name);
      EXPECT_EQ(one->save(folder / (name + "-alone"), target()), written);
    }
    world.host().barrier();
    const auto back = make_engine(variant(), from, world.host());
    back->load(folder / (name + "-alone"));
    EXPECT_EQ(losses(*back, 3, 2), losses(*writer, 3, 2)) << "the same bits as without a checkpoint";
  }
}

TEST_P(Checkpoint, ThatCannotBeWrittenOrReadIsTheSameErrorOnEveryRank) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const auto engine = make_engine(variant(), Shard::parameters, world.host());
  if (world.rank() == 0) std::ofstream(folder / "file") << "not a folder";
  world.host().barrier();
  EXPECT_THROW(engine->save(folder / "file" / "checkpoint", target()), CheckpointError);
  EXPECT_THROW(engine->load(folder / "absent"), CheckpointError);
  losses(*engine, 0, 1);  // and the ranks are still together
}

TEST(ShardedBuilding, NeverAllocatesMoreThanAShardAndItsBuffers) {
  // Every allocation of a tensor is reported to the profiler's hook.
  class Largest : public c10::MemoryReportingInfoBase {
   public:
    void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override { bytes = std::max<std::int64_t>(bytes, size); }
    bool memoryProfilingEnabled() const override { return true; }
    std::int64_t bytes = 0;
  };
  const int ranks = mpi_test::world().size();
  const auto largest = std::make_shared<Largest>();
  const configs::ModelConfig config = config_of(kPlain);
  auto model = models::make_model(config);
  const UnitLayout layout(model->declarations(), UnitOptions{.shard = Shard::parameters}, {ranks, ranks});
  std::int64_t limit = ranks == 1 ? layout.state_bytes().gradients : 0;  // one rank's gradients are one memory
  for (const Unit& unit : layout.units()) limit = std::max<std::int64_t>(limit, unit.shard() * static_cast<std::int64_t>(sizeof(float)));
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, largest);
    parallel::Communicator& host = mpi_test::world().host();
    Engine engine(std::move(model), EngineRanks{&host, &host}, options_of(kPlain, Shard::parameters));
    engine.initialise(models::fresh_weights(config, kSeed));
  }
  EXPECT_GT(largest->bytes, 0) << "the hook is not called";
  EXPECT_LE(largest->bytes, limit);
}

}  // namespace
}  // namespace phidias::trainer
