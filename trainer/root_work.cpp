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

// Exit code in the first byte, then the text; empty: fine.
std::string failure_of(const std::function<void()>& work, ExitCode otherwise) {
  try {
    work();
  } catch (const Error& error) {
    return std::string(1, static_cast<char>(error.code())) + error.what();
  } catch (const std::exception& error) {
    return std::string(1, static_cast<char>(otherwise)) + error.what();
  }
  return {};
}

void throw_failure(const std::string& failure) {
  if (!failure.empty()) throw_error(static_cast<ExitCode>(static_cast<unsigned char>(failure[0])), failure.substr(1));
}

}  // namespace

void on_root(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise) {
  throw_failure(parallel::broadcast_string(ranks, ranks.rank() == 0 ? failure_of(work, otherwise) : ""));
}

void on_every_rank(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise) {
  for (const std::string& failure : parallel::all_gather_strings(ranks, failure_of(work, otherwise))) throw_failure(failure);
}

}  // namespace phidias::trainer
