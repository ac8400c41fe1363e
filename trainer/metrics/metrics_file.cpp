#include "trainer/metrics/metrics_file.h"

#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace phidias::trainer {

MetricsFile::MetricsFile(const std::filesystem::path& path) : path_(path), file_(path, std::ios::app) {
  if (!file_) throw DataError(path.string() + ": cannot be opened for writing");
}

void MetricsFile::after_step(const StepReport& report) {
  const TrainState& state = *report.state;
  const StepSeconds& seconds = report.result.seconds;
  OrderedJson line = {
      {"step", state.step}, {"loss", report.result.loss}, {"learning_rate", report.result.learning_rate}, {"grad_norm", report.result.grad_norm}};
  for (const auto& [name, value] : report.result.metrics) line[name] = value;
  if (!report.result.expert_load.empty()) line["expert_load"] = report.result.expert_load;
  if (!report.result.finite) line["skipped"] = true;
  if (state.bad_steps > 0) line["bad_steps"] = state.bad_steps;
  line["tokens"] = report.tokens;
  line["target_tokens"] = report.target_tokens;
  line["documents"] = report.documents;
  line["epoch"] = state.epochs;
  line["total_tokens"] = state.data.tokens;
  if (!state.data.phase.empty()) line["phase"] = state.data.phase;
  for (const data::SourceProgress& progress : state.data.sources) line["source_tokens"][progress.phase][progress.source] = progress.tokens;
  if (state.validation_step == state.step)
    for (const auto& [name, value] : state.validation) line[name] = value;
  line["tokens_per_second"] = report.tokens_per_second;
  line["mfu"] = report.mfu;
  line["memory"] = report.memory_bytes;
  line["seconds"] = {{"step", seconds.whole},        {"data", seconds.data},     {"forward", seconds.forward},
                     {"backward", seconds.backward}, {"reduce", seconds.reduce}, {"optimizer", seconds.optimizer}};
  file_ << line.dump() << "\n" << std::flush;
  if (!file_) throw DataError(path_.string() + ": cannot be written (is the disk full?)");
}

void MetricsFile::after_first_evaluation(const TrainState& state) {
  OrderedJson line = {{"step", state.step}};
  for (const auto& [name, value] : state.validation) line[name] = value;
  file_ << line.dump() << "\n" << std::flush;
}

void cut_metrics_back(const std::filesystem::path& path, std::int64_t step) {
  if (!std::filesystem::exists(path)) return;
  std::string kept;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.value("step", step + 1) <= step) kept += line + "\n";
  }
  write_file_atomic(path, kept);
}

}  // namespace phidias::trainer
