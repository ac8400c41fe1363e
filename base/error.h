// Error types of the whole program. The text of an error says what is wrong, where (file:line or tensor name) and what to do.
//
// Libraries throw; only `main` turns an error into an exit code (design: commands.md, "Exit codes"). A new kind of failure gets a
// type here only when it needs an exit code of its own.
#pragma once

#include <stdexcept>
#include <string>

namespace phidias {

enum class ExitCode : int {
  success = 0,
  usage = 2,          // bad usage or configuration
  data = 3,           // bad data or checkpoint
  communication = 4,  // a rank or a link failed
  memory = 5,         // out of memory
  diverged = 6,       // too many non-finite steps
  interrupted = 130,  // SIGINT after a safe save
  user_signal = 138,  // SIGUSR1 after a safe save
  terminated = 143,   // SIGTERM after a safe save
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// A recipe, a flag or a model configuration is wrong.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitCode::usage, message) {}
};

// A data file, tokenizer file or record is wrong.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::data, message) {}
};

// A weight file, checkpoint or model directory is missing, damaged or does not fit.
class CheckpointError : public Error {
 public:
  explicit CheckpointError(const std::string& message) : Error(ExitCode::data, message) {}
};

// A rank died, a collective timed out or a link broke.
class CommunicationError : public Error {
 public:
  explicit CommunicationError(const std::string& message) : Error(ExitCode::communication, message) {}
};

// Host or device memory is exhausted; the text carries the memory table where one is known.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(ExitCode::memory, message) {}
};

// Too many steps with a non-finite loss or gradient.
class DivergedError : public Error {
 public:
  explicit DivergedError(const std::string& message) : Error(ExitCode::diverged, message) {}
};

}  // namespace phidias
