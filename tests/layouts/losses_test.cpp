// The same losses on every layout: 20 steps of a tiny model under each way of spreading it over ranks, against one rank. Prints the table of
// docs/layouts.md; tests/layouts/run.sh is the command.
#include <algorithm>
#include <cmath>
#include <map>

#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

constexpr double kTolerance = 1e-5;  // relative; float32 sums in another order: 2^-24 per addition, carried through 20 updates
constexpr int kSteps = 20;

struct Group {
  std::string name, overrides;
};
const Group kDense{"phi3", "model.preset=phi3-tiny"};
// Counter-based draws; loads of the step before, so that accumulation does not change the auxiliary loss.
const Group kMixture{"phimoe", "model.preset=phimoe-tiny model.router=sparsemixer model.router_aux_loss=0.01 model.aux_counts=previous_step"};
const Group kAdapters{"phimoe, LoRA on experts",
                      "model.preset=phimoe-tiny model.router=sparsemixer model.lora.rank=4 model.lora.alpha=8 'model.lora.targets=[w1, w2, w3]'"};

struct Layout {
  std::string name, overrides;
  int ranks = 1;
};

std::vector<Layout> shard_levels() {
  std::vector<Layout> layouts;
  for (const char* level : {"optimizer", "gradients", "parameters"})
    for (const int ranks : {2, 4})
      layouts.push_back({std::string("shard ") + level + ", " + std::to_string(ranks) + " ranks", std::string("parallel.shard=") + level, ranks});
  return layouts;
}

std::vector<Layout> common_layouts() {
  std::vector<Layout> layouts = {{"data 2", "", 2},
                                 {"data 4", "", 4},
                                 {"recompute mlp", "model.recompute=mlp", 1},
                                 {"recompute block", "model.recompute=block", 1},
                                 {"recompute mlp, data 2", "model.recompute=mlp", 2},
                                 {"recompute block, shard parameters, 2 ranks", "model.recompute=block parallel.shard=parameters", 2}};
  for (Layout& layout : shard_levels()) layouts.push_back(std::move(layout));
  return layouts;
}

std::vector<Layout> expert_layouts() {
  return {{"expert 2", "parallel.expert=2", 2},
          {"expert 4", "parallel.expert=4", 4},
          {"data 2 x expert 2", "parallel.expert=2", 4},
          {"expert 2, recompute block", "parallel.expert=2 model.recompute=block", 2},
          {"data 2 x expert 2, shard parameters", "parallel.expert=2 parallel.shard=parameters", 4}};
}

struct Row {
  std::string group, layout, result;
  bool good = false;
};

class Layouts : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_documents();
    write_text(folder_ / "recipe.yaml",
               "method: pretrain\nrun: {output: run}\nmodel: {dtype: float32}\ndata: {train: tokens.jsonl, max_length: 64}\n"
               "batch: {documents: 12, micro_tokens: 128}\noptimizer: {learning_rate: 1.0e-3}\nschedule: {name: constant}\nstop: {steps: " +
                   std::to_string(kSteps) + "}\ncheckpoint: {resume: never}\nlog: {tensorboard: false}\n");
  }

  // Token records with a pattern that can be learned, of uneven lengths.
  void write_documents() {
    std::ofstream file(folder_ / "tokens.jsonl");
    std::uint32_t state = 1;
    const auto draw = [&state](std::uint32_t below) { return (state = state * 1664525u + 1013904223u) / 65536u % below; };
    for (int document = 0; document < 400; ++document) {
      std::uint32_t token = 3 + draw(90);
      file << "{\"input_ids\": [" << token;
      for (std::uint32_t length = 9 + draw(55); length > 0; --length) {
        token = draw(10) < 7 ? token * 5 % 89 + 3 : 3 + draw(90);
        file << ", " << token;
      }
      file << "]}\n";
    }
  }

  ProgramResult train(const std::string& output, const Group& group, const Layout& layout) {
    const std::string launcher = layout.ranks > 1 ? PHIDIAS_SOURCE_DIR "/launch/mpirun.sh -n " + std::to_string(layout.ranks) : "";
    return phidias("train recipe.yaml run.output=" + output + " " + group.overrides + " " + layout.overrides, launcher);
  }

  std::vector<double> losses(const std::string& run) {
    std::vector<double> values;
    for (const Json& line : read_lines(folder_ / run / "metrics.jsonl"))
      if (line.contains("loss")) values.push_back(line["loss"]);
    return values;
  }

  static std::string first_error(const std::string& text) {
    std::size_t at = text.find("error:");
    if (at == std::string::npos) at = 0;
    return text.substr(at, text.find('\n', at) - at);
  }

  void compare(const Group& group, const std::vector<Layout>& layouts) {
    const ProgramResult alone = train("alone", group, {"n = 1", "", 1});
    const std::vector<double> expected = alone.code == 0 ? losses("alone") : std::vector<double>{};
    rows_.push_back({group.name, "n = 1", alone.code == 0 ? "reference" : "did not run: " + first_error(alone.err), expected.size() == kSteps});
    int number = 0;
    for (const Layout& layout : layouts) {
      const std::string output = "run-" + std::to_string(number++);
      const ProgramResult result = train(output, group, layout);
      rows_.push_back(result.code == 0 ? compared(group, layout, expected, losses(output))
                                       : Row{group.name, layout.name, "did not run: " + first_error(result.err), false});
    }
    std::filesystem::remove_all(folder_ / "alone");
    report();
  }

  Row compared(const Group& group, const Layout& layout, const std::vector<double>& expected, const std::vector<double>& actual) {
    if (expected.size() != kSteps || actual.size() != kSteps) return {group.name, layout.name, "nothing to compare with", false};
    double largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) largest = std::max(largest, std::abs(actual[i] - expected[i]) / expected[i]);
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", largest);
    return {group.name, layout.name, text, largest <= kTolerance};
  }

  void report() {
    std::printf("\n| model | layout | largest relative difference of the loss |\n|---|---|---|\n");
    for (const Row& row : rows_) {
      std::printf("| %s | %s | %s%s |\n", row.group.c_str(), row.layout.c_str(), row.result.c_str(), row.good ? "" : " **fails**");
      EXPECT_TRUE(row.good) << row.group << ", " << row.layout << ": " << row.result;
    }
    std::fflush(stdout);
  }

  std::vector<Row> rows_;
};

TEST_F(Layouts, ADenseModelHasTheLossesOfOneRank) { compare(kDense, common_layouts()); }

TEST_F(Layouts, AMixtureHasTheLossesOfOneRank) {
  std::vector<Layout> layouts = common_layouts();
  for (Layout& layout : expert_layouts()) layouts.push_back(std::move(layout));
  compare(kMixture, layouts);
}

TEST_F(Layouts, AdaptersOnExpertsHaveTheLossesOfOneRank) {
  std::vector<Layout> layouts = expert_layouts();
  layouts.insert(layouts.begin(), {"data 2", "", 2});
  layouts.push_back({"shard parameters, 2 ranks", "parallel.shard=parameters", 2});
  compare(kAdapters, layouts);
}

}  // namespace
}  // namespace phidias::launch
