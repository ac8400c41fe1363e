// One job at a time in a run directory: two that write the same checkpoints and metrics would ruin both.
#pragma once

#include <filesystem>

namespace phidias {

// Holds `<directory>.lock` locked for its lifetime; the system releases it when the process dies, however it dies. Beside the directory, not in
// it, so that the directory can be moved aside. A file system without locks is used without one.
class RunLock {
 public:
  // Waits `patience_seconds` for ranks of a killed job that are still on their way out, then throws ConfigError naming the process.
  explicit RunLock(const std::filesystem::path& directory, double patience_seconds = 12);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace phidias
