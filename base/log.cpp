#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>

#include "base/error.h"

namespace phidias {
namespace {

struct Logger {
  std::mutex mutex;
  LogOptions options;
  int file = -1;
};

Logger& logger() {
  static Logger instance;
  return instance;
}

const char* label(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug: ";
    case LogLevel::info:
      return "";
    case LogLevel::warning:
      return "warning: ";
    case LogLevel::error:
      return "error: ";
  }
  return "";
}

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  localtime_r(&now.tv_sec, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text, length) + " ";
}

// One write per line: lines of several ranks on one terminal stay whole. A full disk must not end a run because of its log.
void put(int descriptor, const std::string& line) {
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t wrote = ::write(descriptor, line.data() + done, line.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    done += static_cast<std::size_t>(wrote);
  }
}

void emit(LogLevel level, std::string_view message) {
  Logger& log = logger();
  const std::lock_guard lock(log.mutex);
  if (level < log.options.level) return;
  const std::string text = label(level) + std::string(message) + "\n";
  if (log.file >= 0) put(log.file, timestamp() + text);
  if (log.options.rank == 0)
    put(STDERR_FILENO, text);
  else if (level >= LogLevel::warning)
    put(STDERR_FILENO, "[rank " + std::to_string(log.options.rank) + "] " + text);
}

}  // namespace

void configure_logging(const LogOptions& options) {
  int file = -1;
  if (!options.file.empty()) {
    file = ::open(options.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) throw DataError("cannot write the log " + options.file.string() + ": " + std::strerror(errno));
  }
  Logger& log = logger();
  const std::lock_guard lock(log.mutex);
  if (log.file >= 0) ::close(log.file);
  log.file = file;
  log.options = options;
}

void log_debug(std::string_view message) { emit(LogLevel::debug, message); }
void log_info(std::string_view message) { emit(LogLevel::info, message); }
void log_warning(std::string_view message) { emit(LogLevel::warning, message); }
void log_error(std::string_view message) { emit(LogLevel::error, message); }

}  // namespace phidias
