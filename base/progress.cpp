#include "base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace phidias {
namespace {

constexpr double kTerminalIntervalSeconds = 0.1;
constexpr double kPlainIntervalSeconds = 10.0;  // lines in a log file

std::string printed(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// Three significant digits are enough for an eye.
std::string compact(double value) { return printed(value >= 100 || value == std::floor(value) ? "%.0f" : value >= 1 ? "%.1f" : "%.2f", value); }

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

}  // namespace

Progress::Progress(std::string title, std::int64_t total, std::string unit, double unit_size, bool enabled)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      unit_size_(unit_size),
      enabled_(enabled),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      last_print_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(std::int64_t done) {
  done_ = done;
  if (!enabled_ || finished_) return;
  if (seconds_since(last_print_) >= (terminal_ ? kTerminalIntervalSeconds : kPlainIntervalSeconds)) print(false);
}

void Progress::finish() {
  if (!enabled_ || finished_) return;
  finished_ = true;
  print(true);
}

void Progress::print(bool last) {
  last_print_ = std::chrono::steady_clock::now();
  const double elapsed = seconds_since(start_);
  const double done = static_cast<double>(done_) / unit_size_, total = static_cast<double>(total_) / unit_size_;
  const double rate = elapsed > 0 ? done / elapsed : 0;
  std::string line = title_;
  if (total_ > 0)
    line += printed("  %.0f %%  ", std::min(100.0, 100.0 * done / total)) + compact(done) + "/" + compact(total);
  else
    line += "  " + compact(done);
  line += " " + unit_ + "  " + compact(rate) + " " + unit_ + "/s";
  if (last)
    line += "  " + format_duration(elapsed);
  else if (total_ > 0 && rate > 0)
    line += "  " + format_duration(std::max(0.0, total - done) / rate) + " left";
  // On a terminal the line overwrites itself; "\x1b[K" clears what a longer one left behind.
  if (terminal_)
    line = "\r" + line + "\x1b[K" + (last ? "\n" : "");
  else
    line += "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

std::string format_duration(double seconds) {
  if (!(seconds >= 0) || !std::isfinite(seconds)) return "?";
  if (seconds < 9.95) return printed("%.1f s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  char text[64];
  if (whole < 3600)
    std::snprintf(text, sizeof(text), "%lld min %02lld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof(text), "%lld h %02lld min", whole / 3600, whole % 3600 / 60);
  return text;
}

std::string format_bytes(double bytes) {
  const char* sign = bytes < 0 ? "-" : "";
  bytes = std::abs(bytes);
  if (bytes < 999.5) return sign + printed("%.0f B", bytes);
  if (bytes < 999.5e3) return sign + printed("%.1f kB", bytes / 1e3);
  if (bytes < 999.5e6) return sign + printed("%.1f MB", bytes / 1e6);
  if (bytes < 999.5e9) return sign + printed("%.2f GB", bytes / 1e9);
  return sign + printed("%.2f TB", bytes / 1e12);
}

}  // namespace phidias
