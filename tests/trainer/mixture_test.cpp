// Runs over a mixture of two phases: what a step holds, stopping and resuming around the phases' border, on any number of ranks.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer_test {
namespace {
namespace fs = std::filesystem;

constexpr const char* kFolder = "PHIDIAS_TEST_MIXTURE_FOLDER";
constexpr const char* kSteps = "PHIDIAS_TEST_MIXTURE_STEPS";

// Documents of 3 to 40 words; the score of document i is i mod 5.
void write_source(const fs::path& path, int documents, const std::string& word) {
  std::ofstream file(path);
  for (int i = 0; i < documents; ++i) {
    file << R"({"id": ")" << word << i << R"(", "text": ")";
    for (int w = 0; w < 3 + i * 11 % 38; ++w) file << (w > 0 ? " " : "") << word << (i * 7 + w) % 10;
    file << R"(", "annotations": {"score": )" << i % 5 << "}}\n";
  }
}

void write_mixture(const fs::path& folder) {
  write_source(folder / "web.jsonl", 80, "w");
  write_source(folder / "synthetic.jsonl", 20, "s");
  std::ofstream(folder / "mixture.yaml")
      << "sources: {web: " << (folder / "web.jsonl").string() << ", synthetic: " << (folder / "synthetic.jsonl").string()
      << "}\nphases:\n"
         "  - {name: general, tokens: 1500, sources: {web: 3, synthetic: 1}}\n"
         "  - name: reasoning\n    tokens: 1000\n    context: 32\n    disjoint_from: general\n"
         "    sources: {web: {weight: 1, where: {score: {minimum: 3}}}, synthetic: {weight: 1, max_epochs: 3, reuse_epochs: 4}}\n";
}

configs::RunConfig mixture_recipe(const fs::path& folder, const std::string& output, const std::vector<std::string>& more = {}) {
  std::vector<std::string> overrides = {"method=pretrain",
                                        "model.path=",
                                        "model.preset=phi3-quickstart",
                                        "data.train=null",
                                        "data.mixture=" + (folder / "mixture.yaml").string(),
                                        "data.shuffle=true",
                                        "batch.documents=8",
                                        "stop=null",
                                        "schedule.name=constant",
                                        "schedule.warmup_steps=1",
                                        "checkpoint.keep=10",
                                        "optimizer.learning_rate=1e-5"};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return recipe(folder / output, overrides);
}

// Run by the test below in a process of its own, alone.
TEST(MixtureRun, DISABLED_StopsEarly) {
  run(mixture_recipe(std::getenv(kFolder), "resumed", {"stop.steps=" + std::string(std::getenv(kSteps))}), mpi_test::world());
}

void run_alone(const fs::path& folder, int steps) {
  std::vector<std::string> environment = environment_without_mpi();
  environment.push_back(std::string(kFolder) + "=" + folder.string());
  environment.push_back(std::string(kSteps) + "=" + std::to_string(steps));
  std::vector<char*> variables;
  for (std::string& text : environment) variables.push_back(text.data());
  variables.push_back(nullptr);
  std::string program = fs::read_symlink("/proc/self/exe").string(), filter = "--gtest_filter=MixtureRun.*", disabled = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, variables.data()), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// What the lines of two runs say of their data, step by step.
void expect_equal_data(const fs::path& a, const fs::path& b) {
  const std::vector<Json> first = metrics_of(a), second = metrics_of(b);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i)
    for (const char* key : {"step", "phase", "source_tokens", "tokens", "target_tokens", "documents", "total_tokens", "epoch"})
      EXPECT_EQ(first[i].at(key), second[i].at(key)) << "line " << i << ", " << key;
}

TEST(Mixture, ARunEndsWithItsLastPhaseAndCountsItsSources) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  if (world.rank() == 0) write_mixture(folder.path());
  world.host().barrier();
  EXPECT_EQ(run(mixture_recipe(folder.path(), "run"), world), ExitCode::success);
  if (world.rank() != 0) return;
  const std::vector<Json> lines = metrics_of(folder / "run");
  std::int64_t tokens = 0;
  for (const Json& line : lines) tokens += line.at("tokens").get<std::int64_t>();
  EXPECT_GE(tokens, 2500);
  EXPECT_LE(tokens, 2500 + 4 * 64) << "at most one document per source and phase beyond";
  EXPECT_EQ(lines.front()["phase"], "general");
  EXPECT_EQ(lines.back()["phase"], "reasoning");
  std::int64_t by_source = 0;
  for (const auto& [phase, sources] : lines.back()["source_tokens"].items())
    for (const auto& [source, count] : sources.items()) by_source += count.get<std::int64_t>();
  EXPECT_EQ(by_source, tokens);
  EXPECT_EQ(lines.back()["total_tokens"], tokens);
  for (const Json& line : lines) EXPECT_LE(line.at("documents"), 8);
  const Json general = lines.back()["source_tokens"]["general"];
  EXPECT_NEAR(general["web"].get<double>(), 0.75 * 1500, 64) << "reached by less than one document";
}

TEST(Mixture, StoppedAloneAndResumedOnAnyNumberOfRanksEqualsNoStop) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  if (world.rank() == 0) write_mixture(folder.path());
  world.host().barrier();
  EXPECT_EQ(run(mixture_recipe(folder.path(), "whole"), world), ExitCode::success);
  const std::vector<Json> lines = metrics_of(folder / "whole");
  int border = 0;  // steps whose last document is of the first phase
  for (const Json& line : lines) border += line["phase"] == "general" ? 1 : 0;
  ASSERT_GT(border, 2);
  ASSERT_LT(border + 2, static_cast<int>(lines.size()));
  // Every single step is resumed in data/mixture/mixture_sampler; here the ones around the border, on several ranks the border alone.
  const std::vector<int> stops = world.size() == 1 ? std::vector<int>{border - 1, border, border + 1} : std::vector<int>{border};
  for (const int steps : stops) {
    if (world.rank() == 0) {
      fs::remove_all(folder / "resumed");
      run_alone(folder.path(), steps);
    }
    world.host().barrier();
    EXPECT_EQ(run(mixture_recipe(folder.path(), "resumed"), world), ExitCode::success);
    if (world.rank() == 0) {
      expect_equal_data(folder / "whole", folder / "resumed");
      const std::vector<double> whole = field_of_steps(folder / "whole", "loss"), resumed = field_of_steps(folder / "resumed", "loss");
      // One rank repeats bit for bit. Several add the same float32 terms in another order: some 2^-23 of a loss near 7, each step; other documents would
      // change a loss by more than 1e-2. The small rate keeps AdamW, whose first updates have the size of the rate whatever the gradient's, from
      // blowing such differences up.
      for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], resumed[i], world.size() == 1 ? 0.0 : 1e-5) << "step " << i + 1;
      if (world.size() == 1) {
        EXPECT_EQ(read_file(folder / "whole/final/model.safetensors"), read_file(folder / "resumed/final/model.safetensors"));
      }
    }
    world.host().barrier();
  }
}

TEST(Mixture, AChangedMixtureAndTooManyTokensAreRefused) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  if (world.rank() == 0) write_mixture(folder.path());
  world.host().barrier();
  EXPECT_THROW(run(mixture_recipe(folder.path(), "run", {"stop.tokens=2501"}), world), ConfigError);
  EXPECT_EQ(run(mixture_recipe(folder.path(), "run", {"stop.steps=2"}), world), ExitCode::success);
  world.host().barrier();
  if (world.rank() == 0) {
    const fs::path file = folder / "mixture.yaml";
    std::string text = read_file(file);
    text.replace(text.find("web: 3"), 6, "web: 4");
    write_file_atomic(file, text);
  }
  world.host().barrier();
  EXPECT_THROW(run(mixture_recipe(folder.path(), "run", {"stop.steps=4"}), world), CheckpointError);
}

}  // namespace
}  // namespace phidias::trainer_test
