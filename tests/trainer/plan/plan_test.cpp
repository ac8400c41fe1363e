// The arithmetic of `phidias plan` against numbers worked out by hand, and its judgements.
#include "trainer/plan/plan.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "configs/presets.h"
#include "trainer/plan/plan_text.h"

namespace phidias::trainer {
namespace {

constexpr std::int64_t kGB = 1'000'000'000;

configs::RunConfig recipe(const std::string& preset, const std::vector<std::string>& overrides = {}) {
  return configs::parse_run_config("method: sft\nrun: {output: run}\nmodel: {preset: " + preset +
                                       ", dtype: bfloat16}\ndata: {train: t.jsonl, max_length: 512}\nbatch: {documents: 64, micro_tokens: 2048}\n"
                                       "optimizer: {learning_rate: 1}\nstop: {steps: 1}\n",
                                   "recipe.yaml", overrides);
}

// A plan with what it borrows.
struct Planned {
  Planned(const configs::RunConfig& of, int ranks, const std::string& gpu)
      : config(of), shape(configs::read_preset(of.model.preset)), model(models::make_model(shape, {.size = static_cast<int>(of.parallel.expert)})) {
    options = {.ranks = ranks, .kind = gpu_kind(gpu, ranks), .model = model.get(), .shape = &shape};
    plan = make_plan(config, options);
  }
  configs::RunConfig config;
  configs::ModelConfig shape;
  std::unique_ptr<models::CausalLM> model;
  PlanOptions options;
  Plan plan;
};

ActivationShape shape_of(std::int64_t tokens, models::Recompute recompute = models::Recompute::none) {
  ActivationShape shape;
  shape.tokens = tokens;
  shape.longest_document = tokens;
  shape.recompute = recompute;
  return shape;
}

TEST(Activations, EverythingTakenIsGivenBack) {
  const configs::ModelConfig model = configs::read_preset("phi3-60m");
  for (const auto recompute : {models::Recompute::none, models::Recompute::mlp, models::Recompute::block}) {
    for (const bool frozen : {false, true}) {
      ActivationShape shape = shape_of(1024, recompute);
      if (frozen) shape.kept = {.qkv = false, .o = false, .up = false, .down = false, .router = false, .head = false};
      // Ids, positions, targets, flags and keys of the batch (29 bytes a token), the host's copy (12), cos and sin, the embedding's gradient.
      const std::int64_t left = 1024 * (29 + 12) + 1024 * model.rotary_dim() * 4 + 1024 * model.hidden_size * 4;
      EXPECT_EQ(plan_activations(model, shape).left, left) << static_cast<int>(recompute) << frozen;
    }
  }
}

TEST(Activations, ABlockKeepsWhatTheFormulaSays) {
  configs::ModelConfig model = configs::read_preset("phi3-60m");
  const auto kept = [&](models::Recompute recompute) {
    model.num_layers = 5;
    const std::int64_t more = plan_activations(model, shape_of(1000, recompute)).kept;
    model.num_layers = 4;
    return (more - plan_activations(model, shape_of(1000, recompute)).kept) / 1000;  // per token and block
  };
  const std::int64_t hidden = 512, rows = 3 * 512, inner = 2048, heads = 8, b = 4;
  EXPECT_EQ(kept(models::Recompute::none), (4 * hidden + rows + hidden + 3 * inner) * b + 4 * heads + 8);
  EXPECT_EQ(kept(models::Recompute::mlp), (4 * hidden + rows + hidden) * b + 4 * heads + 8);
  EXPECT_EQ(kept(models::Recompute::block), hidden * b);
}

TEST(Activations, AnEmptyMicroBatchNeedsScratchAlone) {
  const ActivationPlan plan = plan_activations(configs::read_preset("phi3-tiny"), shape_of(0));
  EXPECT_EQ(plan.kept, 0);
  EXPECT_EQ(plan.logits_chunk, 0);
}

TEST(Activations, RecomputationAndFrozenWeightsNeedLess) {
  const configs::ModelConfig model = configs::read_preset("phi3-60m");
  const auto peak = [&](const ActivationShape& shape) { return plan_activations(model, shape).peak.total(); };
  const ActivationShape none = shape_of(2048);
  ActivationShape frozen = none;
  frozen.kept = {.qkv = false, .o = false, .up = false, .down = false, .router = false, .head = false};
  EXPECT_GT(peak(none), peak(shape_of(2048, models::Recompute::mlp)));
  EXPECT_GT(peak(shape_of(2048, models::Recompute::mlp)), peak(shape_of(2048, models::Recompute::block)));
  EXPECT_GT(peak(none), peak(frozen));
}

TEST(Communication, FollowsTheRingFormulas) {
  const auto sent = [](const std::string& level) { return Planned(recipe("phi3-60m", {"parallel.shard=" + level}), 4, "h100-80").plan; };
  const double parameters = static_cast<double>(configs::read_preset("phi3-60m").parameter_count());
  const double leaves = 0.75, slack = 1e-3 * parameters;  // padding of units: 32 elements each, and 128 of a shard group
  const Plan none = sent("none"), optimizer = sent("optimizer"), gradients = sent("gradients"), whole = sent("parameters");
  ASSERT_EQ(none.micro_batches, 4);  // 64 x 512 tokens over 4 ranks of 2048
  EXPECT_NEAR(none.sent.all_reduce, 2 * leaves * 4 * parameters, slack);
  EXPECT_EQ(none.sent.all_gather + none.sent.reduce_scatter + none.sent.all_to_all, 0);
  EXPECT_NEAR(optimizer.sent.reduce_scatter, leaves * 4 * parameters, slack);
  EXPECT_NEAR(optimizer.sent.all_gather, leaves * 2 * parameters, slack);
  EXPECT_NEAR(gradients.sent.reduce_scatter, 4 * optimizer.sent.reduce_scatter, 1);
  EXPECT_NEAR(gradients.sent.all_gather, optimizer.sent.all_gather, 1);
  const double edges = 2.0 * 32064 * 512;
  EXPECT_NEAR(whole.sent.all_gather, 4 * leaves * 2 * (2 * parameters - edges), 4 * slack);
}

TEST(Plan, MediumNeedsEighteenBytesAParameter) {
  const Planned medium(recipe("phi-3-medium-4k", {"model.recompute=block"}), 8, "b200-192");
  EXPECT_FALSE(medium.plan.possible());
  const RankMemory& memory = medium.plan.memory;
  const double states = static_cast<double>(memory.weights + memory.gradients + memory.masters + memory.moments);
  EXPECT_NEAR(states, 18.0 * 13'960'238'080, 1e-4 * states);  // padding
}

TEST(Plan, AnImpossibleOneNamesWhatHelpsAndItIsTrue) {
  const Planned medium(recipe("phi-3-medium-4k", {"model.recompute=block"}), 8, "h100-80");
  ASSERT_FALSE(medium.plan.possible());
  const std::vector<std::string> found = remedies(medium.plan, medium.options);
  ASSERT_FALSE(found.empty());
  const std::string text = why_impossible(medium.plan, found);
  EXPECT_NE(text.find("phi-3-medium-4k cannot train on 8 x h100-80"), std::string::npos) << text;
  EXPECT_NE(text.find("parallel.shard: "), std::string::npos) << text;
  const std::size_t at = found[0].find("parallel.shard: ");
  ASSERT_EQ(at, 0u) << found[0];
  const Planned better(recipe("phi-3-medium-4k", {"model.recompute=block", "parallel.shard=" + found[0].substr(16)}), 8, "h100-80");
  EXPECT_TRUE(better.plan.possible());
}

TEST(Plan, TheLargestMicroBatchFitsAndAnEighthMoreDoesNot) {
  const auto config = [](std::int64_t tokens) { return recipe("phi-3-mini-4k", {"batch.micro_tokens=" + std::to_string(tokens), "batch.documents=4096"}); };
  const Planned first(config(2048), 1, "h100-80");
  const std::int64_t largest = first.plan.largest_micro_tokens / 512 * 512;
  ASSERT_GT(largest, 2048);
  EXPECT_TRUE(Planned(config(largest), 1, "h100-80").plan.fits());
  const Planned over(config(largest * 9 / 8 / 512 * 512), 1, "h100-80");
  EXPECT_FALSE(over.plan.fits());
  EXPECT_TRUE(over.plan.possible());
  EXPECT_NE(verdict(over.plan).find("set batch.micro_tokens to"), std::string::npos) << verdict(over.plan);
}

TEST(Plan, ShardingDividesStatesByTheRanks) {
  const Planned one(recipe("phi-3-mini-4k", {"parallel.shard=parameters"}), 1, "h200-141");
  const Planned eight(recipe("phi-3-mini-4k", {"parallel.shard=parameters"}), 8, "h200-141");
  EXPECT_NEAR(static_cast<double>(eight.plan.memory.moments), static_cast<double>(one.plan.memory.moments) / 8, 1e-4 * kGB);
  EXPECT_EQ(one.plan.memory.communication, 0);
  EXPECT_GT(eight.plan.memory.communication, 0);
  EXPECT_EQ(one.plan.sent.total(), 0);
}

TEST(Plan, AxesThatDoNotFitAreRefused) {
  EXPECT_THROW(Planned(recipe("phi3-60m", {"parallel.data=3"}), 4, "h100-80"), ConfigError);
  EXPECT_THROW(gpu_kind("h100", 1), ConfigError);
}

TEST(Plan, LongerDocumentsCostMoreWork) {
  const Planned brief(recipe("phi-3-mini-4k"), 1, "h200-141");
  const Planned lengthy(recipe("phi-3-mini-4k", {"data.max_length=2048"}), 1, "h200-141");
  EXPECT_GT(brief.plan.tokens_per_second, lengthy.plan.tokens_per_second);
  EXPECT_NEAR(brief.plan.mfu, brief.plan.efficiency, 1e-9);  // everything trains, nothing is computed twice
  EXPECT_LT(Planned(recipe("phi-3-mini-4k", {"model.recompute=block"}), 1, "h200-141").plan.mfu, brief.plan.mfu);
}

}  // namespace
}  // namespace phidias::trainer
