// What a run has done so far: everything a checkpoint must remember besides tensors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/batch_source.h"

namespace phidias::trainer {

struct TrainState {
  std::int64_t step = 0;           // optimizer steps done (skipped ones included); the next step has this index
  data::DataPosition data;         // where the next step's records begin
  double epochs = 0;               // data.step's position in epochs (mixture: part of its tokens)
  std::int64_t target_tokens = 0;  // trained so far
  double seconds = 0;              // training time over all starts, as agreed by the ranks
  double warmup_consumed = 0;      // schedule unit consumed when warm-up ended (schedule.h)
  std::int64_t bad_steps = 0;      // skipped steps in all
  std::int64_t bad_steps_in_a_row = 0;
  std::map<std::string, double> validation;  // the newest evaluation: validation_loss, validation_loss/<file>, ...
  std::vector<double> expert_counts;         // mixture of experts: loads of the last step (LoadBalance::previous_counts)
  std::int64_t validation_step = -1;         // the step it belongs to
};

// Why a loop ended.
enum class LoopEnd { finished, stopped_by_signal };

}  // namespace phidias::trainer
