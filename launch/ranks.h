// One process of a job: starts the world, runs the command, and turns what it throws into one message and an exit code that no rank waits for.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "launch/cli.h"
#include "parallel/world.h"

namespace phidias::launch {

// Exit code and message of an exception that the front program cannot know (torch's); nothing: an internal error.
using Explain = std::function<std::optional<std::pair<int, std::string>>(const std::exception& error)>;

// "runs/web/kept: Permission denied".
std::string describe(const std::filesystem::filesystem_error& error);

int run_on_ranks(const Invocation& invocation, const std::function<int(parallel::World&)>& run, const Explain& explain = {});

}  // namespace phidias::launch
