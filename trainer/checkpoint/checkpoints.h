// Checkpoints of a run directory: written whole or not at all, verified before use, the last good one never lost.
//
//   checkpoints/step-000200/{model/, optimizer/, state.json, manifest.json}     `latest` holds the name of the newest one
//
// Everything is written into a hidden folder, made durable, and renamed; only then do older ones go (retention). A full disk or a kill at
// any moment leaves the previous checkpoint as it was. All functions marked collective give every rank the same result or the same error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "configs/run_config.h"
#include "parallel/communicator.h"
#include "trainer/checkpoint/state_file.h"
#include "trainer/engine/engine.h"

namespace phidias::trainer {

struct FoundCheckpoint {
  std::filesystem::path directory;
  SavedState saved;
};

struct CheckpointSource {
  SaveTarget target;  // of model/
  RecipeKeys recipe;
};

class Checkpoints {
 public:
  // `folder`: <run.output>/checkpoints; created when the first one is written.
  Checkpoints(std::filesystem::path folder, const configs::CheckpointSection& options, parallel::Communicator& ranks);
  void set_source(CheckpointSource source) { source_ = std::move(source); }

  // The newest checkpoint whose manifest verifies; damaged newer ones are named in a warning. Empty when there is none at all. Collective.
  // Throws CheckpointError when there are some but none is good.
  std::optional<FoundCheckpoint> newest_good();

  // Every checkpoint.every_steps steps and at the end of the run.
  bool due(const TrainState& state, bool at_end) const;
  // Collective. Throws CheckpointError (full disk, ...); what was there before stays.
  void save(Engine& engine, const TrainState& state);

 private:
  void write(Engine& engine, const TrainState& state);
  // Rank 0: gives what lies in the hidden folder its name.
  void finish(const std::string& name, const TrainState& state, const std::map<std::string, std::string>& tensors);
  void remove_old();
  std::optional<std::filesystem::path> verified_newest();

  std::filesystem::path folder_;
  configs::CheckpointSection options_;
  parallel::Communicator& ranks_;
  CheckpointSource source_;
};

// "step-000200"
std::string checkpoint_name(std::int64_t step);
// The step of such a name, or -1.
std::int64_t checkpoint_step(const std::string& name);

}  // namespace phidias::trainer
