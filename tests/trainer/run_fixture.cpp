#include "tests/trainer/run_fixture.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "base/atomic_file.h"
#include "base/signals.h"

extern char** environ;

namespace phidias::trainer_test {
namespace fs = std::filesystem;

SharedFolder::SharedFolder(parallel::World& world) : world_(world) {
  static std::atomic<int> number = 0;
  const std::string name = "phidias-trainer-test-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
  path_ = parallel::broadcast_string(world.host(), (fs::temp_directory_path() / name).string());
  fs::create_directories(path_);
  world.host().barrier();
}

SharedFolder::~SharedFolder() {
  world_.host().barrier();
  std::error_code ignored;
  if (world_.rank() == 0) fs::remove_all(path_, ignored);
}

fs::path golden_folder() { return fs::path(PHIDIAS_SOURCE_DIR) / "tests/golden/trajectory"; }

configs::RunConfig recipe(const fs::path& output, const std::vector<std::string>& overrides) {
  static std::atomic<int> number = 0;
  const fs::path file = fs::temp_directory_path() / ("phidias-recipe-" + std::to_string(::getpid()) + "-" + std::to_string(number++) + ".yaml");
  const std::string golden = golden_folder().string();
  std::ofstream(file) << "method: sft\n"
                         "run:\n  name: trajectory\n  output: "
                      << output.string()
                      << "\n"
                         "model:\n  path: "
                      << golden << "/model\n  tokenizer: " << PHIDIAS_SOURCE_DIR
                      << "/recipes/quickstart/tokenizer\n  dtype: float32\n"
                         "data:\n  train: "
                      << golden
                      << "/train.jsonl\n  shuffle: false\n  max_length: 64\n"
                         "batch:\n  documents: 8\n  micro_tokens: 512\n"
                         "optimizer:\n  learning_rate: 4.0e-3\n  weight_decay: 0.1\n  clip_norm: 2.0\n"
                         "schedule:\n  name: cosine\n  warmup_steps: 4\n  min_ratio: 0.1\n"
                         "stop:\n  steps: 20\n"
                         "log:\n  every_steps: 5\n";
  const configs::RunConfig config = configs::read_run_config(file.string(), overrides);
  fs::remove(file);
  return config;
}

ExitCode run(const configs::RunConfig& config, parallel::World& world) {
  const SignalWatch signals;
  const ExitCode code = trainer::train(config, world, signals, {});
  world.host().barrier();
  return code;
}

std::vector<Json> metrics_of(const fs::path& output) {
  std::vector<Json> lines;
  std::istringstream text(read_file(output / "metrics.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(parse_json(line, "metrics.jsonl"));
  return lines;
}

std::vector<double> field_of_steps(const fs::path& output, const std::string& field) {
  std::vector<double> values;
  for (const Json& line : metrics_of(output))
    if (line.contains("loss")) values.push_back(line.at(field).get<double>());
  return values;
}

double last_value(const fs::path& output, const std::string& field) {
  double value = 0;
  for (const Json& line : metrics_of(output))
    if (line.contains(field)) value = line.at(field).get<double>();
  return value;
}

std::vector<std::string> environment_without_mpi() {
  std::vector<std::string> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool mpi = false;
    for (const char* prefix : {"OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_"}) mpi = mpi || text.starts_with(prefix);
    if (!mpi) kept.push_back(text);
  }
  return kept;
}

}  // namespace phidias::trainer_test
