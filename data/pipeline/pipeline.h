// Runs a pipeline: raw documents -> stages -> kept and dropped shards, manifest.json, errors.jsonl.
//
//   PipelineConfig config = read_pipeline_config("web.yaml", overrides);
//   PipelineOutcome outcome = run_pipeline(config, {.group = &world.host(), .version = "0.3.0"});
//
// The stages are cut into segments at the collective ones (unit_worker.h). Every segment goes through units of a few megabytes, each finished one a file in
// <output>/work, so that a killed run continues and memory does not grow with the corpus; a collective stage decides between two segments.
// The same input and configuration give the same bytes on any number of ranks and threads.
#pragma once

#include <functional>
#include <string>

#include "base/json_fwd.h"
#include "data/pipeline/pipeline_config.h"
#include "parallel/communicator.h"

namespace phidias::data::pipeline {

struct PipelineOptions {
  parallel::Communicator* group = nullptr;  // host memory, all ranks
  int local_ranks = 1;                      // of this machine: cores and memory are shared among them
  const ModelServices* models = nullptr;
  std::string version;
  bool progress = false;
  std::function<int()> stop_signal;  // 0, or the signal that asks for a safe stop
};

struct PipelineOutcome {
  int signal = 0;             // stopped by it; what is finished is kept for the next start
  bool was_finished = false;  // an earlier start has done it all
  std::string manifest;       // path
};

// Collective. Throws ConfigError, DataError (also when on_error: stop meets a document that cannot be read).
PipelineOutcome run_pipeline(const PipelineConfig& config, const PipelineOptions& options);

}  // namespace phidias::data::pipeline
