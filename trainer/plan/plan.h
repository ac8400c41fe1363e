// What a recipe will need on a number of ranks, from arithmetic alone: memory of a rank by class, bytes communicated per step, expected speed.
//
//   const Plan plan = make_plan(config, {.ranks = 8, .kind = gpu_kind("h100-80", 8), ...});
//   if (!plan.possible()) throw ConfigError(why_impossible(plan));
//
// The recipe must name a model (directory or preset); its data is not read: documents are taken to be data.max_length tokens long, and a rank's
// micro-batches to be full as far as a step has tokens. Memory is that of the fullest moment of training; checkpoints are written in less, evaluation
// runs without gradients. docs/plan.md explains every number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/model_config.h"
#include "configs/run_config.h"
#include "parallel/world.h"
#include "trainer/engine/unit_layout.h"
#include "trainer/plan/activations.h"
#include "trainer/plan/communication.h"
#include "trainer/plan/gpu_kinds.h"

namespace phidias::trainer {

struct PlanOptions {
  int ranks = 1;
  GpuKind kind;
  double efficiency = 0.45;           // part of the peak reached by the work that is really done, recomputation included
  std::int64_t process_bytes = 0;     // CPU: of the program itself (its libraries), before any tensor
  int threads = 1;                    // CPU: of a rank
  models::CausalLM* model = nullptr;  // declared for one rank, adapters included
  const configs::ModelConfig* shape = nullptr;
};

// Bytes of one rank.
struct RankMemory {
  std::int64_t weights = 0, gradients = 0, masters = 0, moments = 0;
  std::int64_t activations = 0, logits = 0;  // at the fullest moment
  std::int64_t communication = 0;            // gathered weights and gradients on their way
  std::int64_t reserve = 0;                  // process, libraries, allocator
  std::int64_t total() const { return weights + gradients + masters + moments + activations + logits + communication + reserve; }
};

struct Plan {
  configs::RunConfig config;  // dtype and lengths resolved
  configs::ModelConfig model;
  parallel::MeshShape mesh;
  GpuKind kind;
  int ranks = 1;
  std::int64_t micro_batches = 1;  // of a step, per rank
  std::int64_t micro_tokens = 0;   // of the fullest micro-batch
  RankMemory memory;
  std::string peak_phase;
  CommunicationBytes sent;                                // per rank and step
  double efficiency = 0, tokens_per_second = 0, mfu = 0;  // of all ranks; 0: peak not known
  std::int64_t largest_micro_tokens = 0;                  // that fits; 0: not even data.max_length
  bool fits() const { return memory.total() <= kind.memory_bytes; }
  bool possible() const { return largest_micro_tokens > 0; }
};

// `config`: lengths (data_setup.h) and dtype resolved. Throws ConfigError where the axes do not fit the ranks.
Plan make_plan(const configs::RunConfig& config, const PlanOptions& options);

// One change each that makes an impossible plan possible ("parallel.shard: parameters", "16 GPUs"), or, where none does alone, several together.
std::vector<std::string> remedies(const Plan& plan, const PlanOptions& options);

}  // namespace phidias::trainer
