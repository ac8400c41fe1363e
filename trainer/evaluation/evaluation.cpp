#include "trainer/evaluation/evaluation.h"

#include <algorithm>
#include <cmath>

namespace phidias::trainer {
namespace {

void report(TrainState& state, const std::string& suffix, double loss_sum, double target_tokens) {
  const double loss = loss_sum / std::max(target_tokens, 1.0);
  state.validation["validation_loss" + suffix] = loss;
  state.validation["validation_perplexity" + suffix] = std::exp(loss);
  state.validation["validation_target_tokens" + suffix] = target_tokens;
}

void add(std::vector<double>& sums, const LossSum& part) {
  sums[0] += part.loss;
  for (std::size_t i = 0; i < part.metrics.size(); ++i) sums[1 + i] += part.metrics[i];
}

}  // namespace

bool Evaluation::due_at_start(const TrainState& state) const { return !files_.empty() && options_.at_start && state.step == 0; }

bool Evaluation::due(const TrainState& state, bool at_end) const {
  return !files_.empty() && (at_end || (options_.every_steps > 0 && state.step % options_.every_steps == 0));
}

std::vector<std::string> Evaluation::names() const {
  std::vector<std::string> names;
  for (const char* name : {"validation_loss", "validation_perplexity"}) {
    if (!files_.empty()) names.emplace_back(name);
    for (const ValidationFile& file : files_)
      if (files_.size() > 1) names.push_back(name + ("/" + file.name));
  }
  return names;
}

void Evaluation::run(Engine& engine, Objective& objective, TrainState& state) {
  const std::vector<std::string> metric_names = objective.metric_names();
  double all_loss = 0, all_targets = 0;
  state.validation.clear();
  for (ValidationFile& file : files_) {
    std::vector<double> sums(1 + metric_names.size(), 0.0);
    double targets = 0;
    for (std::int64_t step = 0; step < file.pass.steps(); ++step) {
      const data::GlobalBatch batch = file.pass.batch(step);
      for (const data::MicroBatch& micro : batch.micro_batches) add(sums, engine.evaluate(objective, micro));
      targets += static_cast<double>(batch.target_tokens);
    }
    engine.sum_over_ranks(sums);
    const std::string suffix = "/" + file.name;
    if (files_.size() > 1) report(state, suffix, sums[0], targets);
    for (std::size_t i = 0; i < metric_names.size(); ++i)
      state.validation["validation_" + metric_names[i] + (files_.size() > 1 ? suffix : "")] = sums[1 + i] / std::max(targets, 1.0);
    all_loss += sums[0];
    all_targets += targets;
  }
  report(state, "", all_loss, all_targets);
  state.validation_step = state.step;
}

}  // namespace phidias::trainer
