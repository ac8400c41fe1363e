// Work that rank 0 does for all: its error is everybody's error, so that no rank waits for ever in the next collective.
#pragma once

#include <functional>

#include "base/error.h"
#include "parallel/communicator.h"

namespace phidias::trainer {

// Collective. An Error on rank 0 is thrown by every rank with its exit code and text; other exceptions become `otherwise`.
void on_root(parallel::Communicator& ranks, const std::function<void()>& work, ExitCode otherwise = ExitCode::data);

}  // namespace phidias::trainer
