#include "trainer/root_work.h"

#include <string>

namespace phidias::trainer {
namespace {

[[noreturn]] void throw_error(ExitCode code, const std::string& message) {
  switch (code) {
    case ExitCode::usage:
      throw ConfigError(message);
    case ExitCode::memory:
      throw OutOfMemory(message);
    case ExitCode::communication:
      throw CommunicationError(message);
    default:
      throw CheckpointError(message);
  }
}

}  // namespace

void on_root(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise) {
  std::string failure;  // exit code in the first byte, then the text; empty: fine
  if (ranks.rank() == 0) {
    try {
      work();
    } catch (const Error& error) {
      failure = std::string(1, static_cast<char>(error.code())) + error.what();
    } catch (const std::exception& error) {
      failure = std::string(1, static_cast<char>(otherwise)) + error.what();
    }
  }
  failure = parallel::broadcast_string(ranks, failure);
  if (!failure.empty()) throw_error(static_cast<ExitCode>(static_cast<unsigned char>(failure[0])), failure.substr(1));
}

}  // namespace phidias::trainer
