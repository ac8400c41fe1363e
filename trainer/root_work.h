// Work that rank 0, or every rank, does between collectives: one rank's error is everybody's error, so that no rank waits for ever in the next one.
#pragma once

#include <functional>

#include "base/error.h"
#include "parallel/communicator.h"

namespace phidias::trainer {

// Collective. An Error on rank 0 is thrown by every rank with its exit code and text; other exceptions become `otherwise`.
void on_root(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise = ExitCode::data);
// Collective. Every rank works; when some fail, every rank throws the error of the first of them.
void on_every_rank(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise = ExitCode::data);

}  // namespace phidias::trainer
