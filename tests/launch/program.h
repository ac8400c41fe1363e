// Runs the built program as a user does and looks at what it prints, writes and returns.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"

namespace phidias::launch {

struct ProgramResult {
  int code = -1;
  std::string out, err;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline std::vector<Json> read_lines(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

// A folder of its own for each test, removed afterwards; the quickstart's tokenizer is the model's.
class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "phidias-program-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!HasFailure()) std::filesystem::remove_all(folder_);
  }

  // `arguments` as a shell would read them; `prefix` may be an mpirun command or environment assignments.
  ProgramResult phidias(const std::string& arguments, const std::string& prefix = "", const std::string& input = "") {
    const std::string command = "cd " + folder_.string() + " && " + prefix + " " + PHIDIAS_BINARY_DIR "/bin/phidias " + arguments + " >out.txt 2>err.txt" +
                                (input.empty() ? " </dev/null" : " <" + input);
    const int status = std::system(command.c_str());
    ProgramResult result;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = slurp(folder_ / "out.txt");
    result.err = slurp(folder_ / "err.txt");
    return result;
  }

  // A tiny model directory with the shipped tokenizer at folder/model.
  void make_model(const std::string& extra = "") {
    const ProgramResult result =
        phidias("init --preset phi3-quickstart --tokenizer " PHIDIAS_SOURCE_DIR "/recipes/quickstart/tokenizer --output model " + extra);
    ASSERT_EQ(result.code, 0) << result.err;
  }

  // Conversations of the generator at folder/tasks.
  void make_tasks(int train = 64, int test = 8) {
    const ProgramResult result = phidias("data make-tasks --output tasks --train " + std::to_string(train) + " --test " + std::to_string(test));
    ASSERT_EQ(result.code, 0) << result.err;
  }

  // A short recipe at folder/recipe.yaml.
  void write_recipe(const std::string& more = "") {
    write_text(folder_ / "recipe.yaml",
               "method: sft\nrun: {output: run}\nmodel: {path: model, dtype: float32}\n"
               "data: {train: tasks/train.jsonl, validation: tasks/test.jsonl, max_length: 256}\n"
               "batch: {documents: 8, micro_tokens: 1024}\noptimizer: {learning_rate: 1.0e-3}\nstop: {steps: 6}\ncheckpoint: {every_steps: 2}\n" +
                   more);
  }

  std::filesystem::path folder_;
};

}  // namespace phidias::launch
