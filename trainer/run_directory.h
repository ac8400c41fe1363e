// A run directory: config.yaml, environment.json, metrics.jsonl, log files, checkpoints/, final/ (docs: "A run directory").
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/run_lock.h"
#include "configs/run_config.h"
#include "parallel/world.h"

namespace phidias::trainer {

class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}
  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path checkpoints() const { return root_ / "checkpoints"; }
  std::filesystem::path final_model() const { return root_ / "final"; }
  std::filesystem::path metrics() const { return root_ / "metrics.jsonl"; }
  std::filesystem::path tensorboard() const { return root_ / "tensorboard"; }
  std::filesystem::path model_files() const { return root_ / "model-files"; }  // a preset's tokenizer

  // Collective. Locks the folder for this job (run_lock.h), creates it and opens this rank's log file. With checkpoint.resume: never a run that is already
  // there is moved to
  // "<output>.previous-N" as a whole: nothing is overwritten.
  void open(configs::Resume resume, parallel::World& world, LogLevel level);
  // Rank 0: config.yaml and environment.json. `environment` is the machine's part from describe_environment.
  void write_config(const configs::RunConfig& config, const std::string& environment) const;

 private:
  std::filesystem::path root_;
  std::unique_ptr<RunLock> lock_;  // rank 0
};

// Collective: commit, versions, processor, hosts and ranks, as a JSON text.
std::string describe_environment(parallel::World& world, at::Device device, parallel::Communicator& gradients);

}  // namespace phidias::trainer
