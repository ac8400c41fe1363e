// Rank-aware log lines: to standard error, and to the run's log file once one is set.
//
//   log_info("tokenised 1200 records in 0.4 s");
//   log_warning("checkpoint step-000200 is damaged (" + reason + "); using step-000100");
//
// Rank 0 writes to the terminal; other ranks only warnings and errors, with their rank in front. Every rank writes all of its lines
// to its own file. Thread-safe. This is the only process-wide state of base/: it is set once by the command, never read by a
// computation.
#pragma once

#include <filesystem>
#include <string_view>

namespace phidias {

enum class LogLevel { debug, info, warning, error };

struct LogOptions {
  int rank = 0;
  int world_size = 1;
  LogLevel level = LogLevel::info;  // lines below it go nowhere
  std::filesystem::path file;       // empty: terminal only; opened for appending
};

void configure_logging(const LogOptions& options);

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace phidias
