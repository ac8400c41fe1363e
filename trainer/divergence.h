// Counts steps without a finite loss or gradient, names the documents they were made of, and ends a run that produces nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/batch.h"
#include "parallel/communicator.h"
#include "trainer/engine/engine.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

class DivergenceGuard {
 public:
  using Describe = std::function<std::string(std::uint64_t record_id)>;
  DivergenceGuard(std::int64_t max_bad_steps, parallel::Communicator& ranks, Describe describe)
      : max_bad_steps_(max_bad_steps), ranks_(ranks), describe_(std::move(describe)) {}

  // Collective when the step was not finite. Throws DivergedError after max_bad_steps such steps in a row.
  void after_step(TrainState& state, const data::GlobalBatch& batch, const StepResult& result);

 private:
  std::string documents_of(const data::GlobalBatch& batch);

  std::int64_t max_bad_steps_;
  parallel::Communicator& ranks_;
  Describe describe_;
};

}  // namespace phidias::trainer
