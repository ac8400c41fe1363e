// A checkpoint of a mixture of experts is the same files whatever layout wrote it, and no layout loses an expert.
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "configs/presets.h"
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

// An engine and the groups of ranks it needs.
class Layout {
 public:
  Layout(int expert_ranks, Shard shard) {
    parallel::World& world = mpi_test::world();
    world.arrange({.data = 0, .expert = expert_ranks, .context = 1});
    experts_ = world.expert_group(world.host());
    replicas_ = world.expert_replicas(world.host());
    const kernels::ExpertRanks experts{experts_.get(), experts_.get(), experts_->rank(), experts_->size()};
    build(experts, {&world.host(), &world.host(), replicas_.get(), world.expert_rank()}, shard);
  }
  Layout() { build({}, {&alone_, &alone_}, Shard::none); }

  Engine& engine() { return *engine_; }
  std::map<std::string, std::string> save(const fs::path& directory) { return engine_->save(directory, {}); }

 private:
  void build(const kernels::ExpertRanks& experts, const EngineRanks& ranks, Shard shard) {
    const configs::ModelConfig config = configs::read_preset("phimoe-tiny");
    EngineOptions options;
    options.shard = shard;
    options.optimizer.skip_unused_experts = true;
    engine_ = std::make_unique<Engine>(models::make_model(config, experts), ranks, options);
    engine_->initialise(models::fresh_weights(config, 5));
  }
  parallel::SingleProcess alone_;
  std::unique_ptr<parallel::Communicator> experts_, replicas_;
  std::unique_ptr<Engine> engine_;
};

// One token on each rank and two experts per token: most experts of the first step are unused.
void train(Engine& engine, int steps) {
  const int rank = engine.host().rank(), ranks = engine.host().size();
  NextToken objective;
  for (int step = 0; step < steps; ++step) {
    data::MicroBatch micro;
    micro.tokens = {3 + rank + step};
    micro.positions = {0};
    micro.targets = {7};
    micro.segments.push_back({0, 1, -1, false, static_cast<std::uint64_t>(rank)});
    micro.target_tokens = 1;
    micro.is_last = true;
    data::GlobalBatch batch;
    batch.step = step;
    batch.target_tokens = batch.tokens = ranks;
    engine.accumulate(objective, micro, batch);
    engine.step(1e-2);
  }
}

TEST(ExpertCheckpoint, IsTheSameFilesFromEveryLayoutThatReadIt) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  std::vector<std::pair<int, Shard>> layouts = {{1, Shard::none}, {1, Shard::parameters}};
  for (const int experts : {2, 4})
    if (world.size() % experts == 0) layouts.insert(layouts.end(), {{experts, Shard::none}, {experts, Shard::optimizer}, {experts, Shard::parameters}});

  std::map<std::string, std::string> written;
  {
    Layout writer(layouts.back().first, layouts.back().second);
    train(writer.engine(), 2);
    written = writer.save(folder / "first");
  }
  if (world.rank() == 0) {
    // Value and two moments of every tensor, all experts of both layers among them.
    const auto model = models::make_model(configs::read_preset("phimoe-tiny"));
    EXPECT_EQ(written.size(), 3 * models::all_checkpoint_tensors(*model).size());
    EXPECT_TRUE(written.contains("exp_avg.model.layers.1.block_sparse_moe.experts.3.w2.weight"));
    EXPECT_NE(read_file(folder / "first/optimizer/optimizer.safetensors").find("updates.model.layers"), std::string::npos) << "the test's premise";
  }
  const auto expect_same = [&](const std::string& name, const std::map<std::string, std::string>& again) {
    EXPECT_EQ(again, written) << name;
    if (world.rank() != 0) return;
    for (const char* file : {"model/model.safetensors", "optimizer/optimizer.safetensors"})
      EXPECT_TRUE(read_file(folder / name / file) == read_file(folder / "first" / file)) << name << " " << file;
  };
  for (const auto& [experts, shard] : layouts) {
    Layout reader(experts, shard);
    reader.engine().load(folder / "first");
    const std::string name = std::to_string(experts) + "-" + std::to_string(static_cast<int>(shard));
    expect_same(name, reader.save(folder / name));
  }
  if (world.rank() == 0) {
    Layout alone;
    alone.engine().load(folder / "first");
    expect_same("alone", alone.save(folder / "alone"));
  }
}

TEST(ExpertCheckpoint, WithoutAnExpertIsRefusedByEveryRank) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const int experts = world.size();
  Layout writer(experts, Shard::none);
  writer.save(folder / "whole");
  if (world.rank() == 0) {
    // The last expert's tensor of the weights gets another name.
    std::string bytes = read_file(folder / "whole/model/model.safetensors");
    const std::string name = "layers.1.block_sparse_moe.experts.3.w2";
    ASSERT_NE(bytes.find(name), std::string::npos);
    bytes.replace(bytes.find(name), name.size(), "layers.1.block_sparse_moe.experts.9.w2");
    write_file_atomic(folder / "whole/model/model.safetensors", bytes);
  }
  world.host().barrier();
  EXPECT_THROW(writer.engine().load(folder / "whole"), CheckpointError);
}

}  // namespace
}  // namespace phidias::trainer
