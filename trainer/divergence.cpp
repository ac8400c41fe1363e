#include "trainer/divergence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace phidias::trainer {
namespace {

constexpr std::size_t kDocumentsNamed = 16;  // per rank

}  // namespace

std::string DivergenceGuard::documents_of(const data::GlobalBatch& batch) {
  std::string names;
  std::size_t documents = 0;
  for (const data::MicroBatch& micro : batch.micro_batches) {
    for (const data::Segment& segment : micro.segments) {
      if (++documents > kDocumentsNamed) continue;
      names += (names.empty() ? "" : ", ") + describe_(segment.record_id);
    }
  }
  if (documents > kDocumentsNamed) names += " and " + std::to_string(documents - kDocumentsNamed) + " more";
  std::string all;
  for (const std::string& part : parallel::all_gather_strings(ranks_, names))
    if (!part.empty()) all += (all.empty() ? "" : ", ") + part;
  return all;
}

void DivergenceGuard::after_step(TrainState& state, const data::GlobalBatch& batch, const StepResult& result) {
  if (result.finite) {
    state.bad_steps_in_a_row = 0;
    return;
  }
  ++state.bad_steps;
  ++state.bad_steps_in_a_row;
  const std::string what = std::isfinite(result.loss) ? "gradient" : "loss";
  const std::string text = "step " + std::to_string(state.step) + ": the " + what + " is not finite; documents: " + documents_of(batch);
  const std::int64_t limit = std::max<std::int64_t>(max_bad_steps_, 1);
  if (state.bad_steps_in_a_row >= limit)
    throw DivergedError(text + "\n" + std::to_string(state.bad_steps_in_a_row) +
                        " bad steps in a row (divergence.max_bad_steps): lower optimizer.learning_rate, or look at these documents");
  if (ranks_.rank() == 0)
    log_warning(text + "; the step is skipped (" + std::to_string(state.bad_steps_in_a_row) + " in a row, " + std::to_string(limit) + " end the run)");
}

}  // namespace phidias::trainer
