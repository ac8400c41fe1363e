// One status line of a long job: rewritten in place on a terminal, a plain line every `interval_seconds` elsewhere. Rank 0 only.
//
//   Progress progress("tokenise", total_bytes, "MB", 1e6);
//   progress.update(done_bytes);       // "tokenise  34 %  120/350 MB  41.2 MB/s  5.6 s left"
//   progress.finish();
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace phidias {

class Progress {
 public:
  // total = 0: unknown. `unit_size` scales counts for printing (1e6 for MB). `enabled` false prints nothing.
  Progress(std::string title, std::int64_t total, std::string unit, double unit_size = 1.0, bool enabled = true);
  ~Progress();
  void update(std::int64_t done);
  void finish();

 private:
  void print(bool last);
  std::string title_, unit_;
  std::int64_t total_, done_ = 0;
  double unit_size_;
  bool enabled_, terminal_, finished_ = false;
  std::chrono::steady_clock::time_point start_, last_print_;
};

// "0.4 s", "12 s", "3 min 20 s", "2 h 05 min".
std::string format_duration(double seconds);
// "512 B", "1.7 MB", "2.50 GB" (powers of ten).
std::string format_bytes(double bytes);

}  // namespace phidias
