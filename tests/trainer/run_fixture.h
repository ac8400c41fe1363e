// Small runs of trainer::train for tests: a recipe over the trajectory's model and data, a run directory that disappears, its metrics.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "parallel/world.h"
#include "trainer/train.h"

namespace phidias::trainer_test {

// A folder that all ranks share; removed with the object. Collective.
class SharedFolder {
 public:
  explicit SharedFolder(parallel::World& world);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  parallel::World& world_;
  std::filesystem::path path_;
};

std::filesystem::path golden_folder();  // tests/golden/trajectory

// The golden trajectory's recipe with its output in `output`, and overrides "key.path=value".
configs::RunConfig recipe(const std::filesystem::path& output, const std::vector<std::string>& overrides = {});

ExitCode run(const configs::RunConfig& config, parallel::World& world);

// Lines of metrics.jsonl. Call after a barrier (train ends with one).
std::vector<Json> metrics_of(const std::filesystem::path& output);
// Only the lines of steps, and of them one field.
std::vector<double> field_of_steps(const std::filesystem::path& output, const std::string& field);
// The last value of a field, whatever line it stands on.
double last_value(const std::filesystem::path& output, const std::string& field);

// Environment of this process without anything that tells a child that it belongs to an MPI job.
std::vector<std::string> environment_without_mpi();

}  // namespace phidias::trainer_test
