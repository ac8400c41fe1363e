// Training runs as a user starts, stops, resumes and breaks them.
#include <thread>

#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

class Train : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    make_model();
    make_tasks();
    write_recipe();
  }
  std::vector<double> losses(const std::string& run) {
    std::vector<double> values;
    for (const Json& line : read_lines(folder_ / run / "metrics.jsonl")) {
      if (line.contains("loss")) values.push_back(line["loss"]);
    }
    return values;
  }
  const std::string ranks_ = PHIDIAS_SOURCE_DIR "/launch/mpirun.sh -n 2";
};

TEST_F(Train, LeavesACompleteRunDirectory) {
  const ProgramResult result = phidias("train recipe.yaml");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* file : {"config.yaml", "environment.json", "metrics.jsonl", "log.txt", "checkpoints/latest", "final/config.json", "final/model.safetensors",
                           "final/tokenizer.json", "checkpoints/step-000006/manifest.json"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / "run" / file)) << file;
  }
  EXPECT_EQ(losses("run").size(), 6u);
  EXPECT_EQ(phidias("recipes validate run/config.yaml").code, 0);
  EXPECT_EQ(phidias("report run").code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/report/index.html"));
}

TEST_F(Train, QuietSaysNothingWhenAllIsWell) {
  const ProgramResult result = phidias("train recipe.yaml --quiet");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  EXPECT_EQ(losses("run").size(), 6u);
}

TEST_F(Train, TwiceIsBitEqual) {
  ASSERT_EQ(phidias("train recipe.yaml").code, 0);
  ASSERT_EQ(phidias("train recipe.yaml run.output=again").code, 0);
  EXPECT_EQ(losses("run"), losses("again"));
  EXPECT_EQ(slurp(folder_ / "run/final/model.safetensors"), slurp(folder_ / "again/final/model.safetensors"));
}

TEST_F(Train, TwoRanksGiveTheLossesOfOne) {
  ASSERT_EQ(phidias("train recipe.yaml").code, 0);
  const ProgramResult result = phidias("train recipe.yaml run.output=two", ranks_);
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<double> one = losses("run"), two = losses("two");
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], two[i], 1e-5 * one[i]) << i;  // the order of float32 sums differs
}

TEST_F(Train, ResumesOnAnotherNumberOfRanksWithTheSameLosses) {
  ASSERT_EQ(phidias("train recipe.yaml run.output=whole").code, 0);
  ASSERT_EQ(phidias("train recipe.yaml").code, 0);  // then as if it had been killed after step 4
  std::filesystem::remove_all(folder_ / "run/final");
  std::filesystem::remove_all(folder_ / "run/checkpoints/step-000006");
  write_text(folder_ / "run/checkpoints/latest", "step-000004\n");
  const ProgramResult result = phidias("train recipe.yaml", ranks_);
  ASSERT_EQ(result.code, 0) << result.err;
  const std::vector<double> whole = losses("whole"), resumed = losses("run");
  ASSERT_EQ(whole.size(), resumed.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], resumed[i], 1e-5 * whole[i]) << i;
}

TEST_F(Train, UserSignalSavesAndTheNextStartContinues) {
  ASSERT_EQ(phidias("train recipe.yaml run.output=whole stop.steps=40").code, 0);
  std::thread signal([this] {
    const auto started = [this] { return std::filesystem::exists(folder_ / "stopped/metrics.jsonl") && !slurp(folder_ / "stopped/metrics.jsonl").empty(); };
    for (int i = 0; i < 6000 && !started(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::system("pkill -USR1 -f 'phidias train recipe.yaml run.output=stopped'");
  });
  const ProgramResult stopped = phidias("train recipe.yaml run.output=stopped stop.steps=40");
  signal.join();
  EXPECT_EQ(stopped.code, 138) << stopped.err;
  ASSERT_EQ(phidias("train recipe.yaml run.output=stopped stop.steps=40").code, 0);
  EXPECT_EQ(losses("whole"), losses("stopped"));
}

TEST_F(Train, MistakesOfARecipeAreReportedTogether) {
  write_text(folder_ / "bad.yaml",
             "method: sft\nrun: {output: run}\nmodel: {path: model}\ndata: {train: tasks/train.jsonl}\nbatch: {documents: -1}\n"
             "optimizer: {learning_rat: 1}\nstop: {steps: six}\n");
  const ProgramResult result = phidias("train bad.yaml");
  EXPECT_EQ(result.code, 2);
  for (const char* part : {"bad.yaml:5:", "bad.yaml:6:", "learning_rate", "bad.yaml:7:"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
}

TEST_F(Train, ABrokenLineNamesFileAndLine) {
  write_text(folder_ / "tasks/broken.jsonl", slurp(folder_ / "tasks/train.jsonl") + "{\"messages\": [}\n");
  const ProgramResult stop = phidias("train recipe.yaml data.train=tasks/broken.jsonl");
  EXPECT_EQ(stop.code, 3);
  EXPECT_NE(stop.err.find("broken.jsonl:65"), std::string::npos) << stop.err;
  const ProgramResult skip = phidias("train recipe.yaml data.train=tasks/broken.jsonl data.on_error=skip");
  EXPECT_EQ(skip.code, 0) << skip.err;
}

TEST_F(Train, ABadRankEndsTheJobWithOneMessage) {
  const ProgramResult result = phidias("train recipe.yaml model.path=nowhere", ranks_);
  EXPECT_EQ(result.code, 3) << result.err;
  const std::size_t first = result.err.find("error:");
  ASSERT_NE(first, std::string::npos);
}

TEST_F(Train, ADamagedCheckpointFallsBackToTheOneBefore) {
  ASSERT_EQ(phidias("train recipe.yaml").code, 0);
  const std::vector<double> whole = losses("run");
  std::filesystem::remove_all(folder_ / "run/final");
  const auto weights = folder_ / "run/checkpoints/step-000006/model/model.safetensors";
  std::filesystem::resize_file(weights, std::filesystem::file_size(weights) / 2);
  const ProgramResult result = phidias("train recipe.yaml");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("step-000006"), std::string::npos) << result.err;
  EXPECT_EQ(losses("run"), whole);
}

}  // namespace
}  // namespace phidias::launch
