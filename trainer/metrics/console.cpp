#include "trainer/metrics/console.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "base/log.h"
#include "base/progress.h"

namespace phidias::trainer {
namespace {

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string with_thousands(double value) {
  std::string digits = formatted("%.0f", value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string validation_line(const TrainState& state) {
  std::string line = "evaluation after step " + std::to_string(state.step) + ":";
  for (const auto& [name, value] : state.validation)
    if (name.starts_with("validation_loss")) line += "  " + name + " " + formatted("%.4f", value);
  return line;
}

}  // namespace

void Console::after_first_evaluation(const TrainState& state) { log_info(validation_line(state)); }

void Console::after_step(const StepReport& report) {
  const TrainState& state = *report.state;
  if (state.data.phase != phase_) log_info("phase " + state.data.phase + " (step " + std::to_string(state.step) + ")");
  phase_ = state.data.phase;
  const bool evaluated = state.validation_step == state.step;
  if (evaluated) log_info(validation_line(state));
  if (!evaluated && report.result.finite && state.step != known_steps_ && state.step % std::max<std::int64_t>(every_steps_, 1) != 0) return;
  std::string line = "step " + std::to_string(state.step);
  if (known_steps_ > 0) line += "/" + std::to_string(known_steps_);
  line += "  loss " + formatted("%.4f", report.result.loss) + "  lr " + formatted("%.2e", report.result.learning_rate) + "  norm " +
          formatted("%.3g", report.result.grad_norm) + "  " + with_thousands(report.tokens_per_second) + " tok/s";
  if (report.mfu > 0) line += "  mfu " + formatted("%.1f", 100 * report.mfu) + " %";
  line += "  " + format_bytes(static_cast<double>(report.memory_bytes));
  if (report.seconds_left >= 0) line += "  " + format_duration(report.seconds_left) + " left";
  log_info(line);
}

}  // namespace phidias::trainer
