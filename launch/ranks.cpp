#include "launch/ranks.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <new>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace phidias::launch {

std::string describe(const std::filesystem::filesystem_error& error) { return error.path1().string() + ": " + error.code().message(); }

int run_on_ranks(const Invocation& invocation, const std::function<int(parallel::World&)>& run, const Explain& explain) {
  try {
    parallel::World world = parallel::World::start();
    configure_logging({.rank = world.rank(), .world_size = world.size(), .level = invocation.quiet ? LogLevel::warning : LogLevel::info});
    const auto fail = [&world](int code, const std::string& message) {  // one message, and no rank waits for this one
      // What every rank finds wrong at once is rank 0's to say; it ends this process while it waits. What only this rank met is said after that.
      if (world.rank() != 0) std::this_thread::sleep_for(std::chrono::seconds(1));
      if (world.size() > 1) world.abort(code, message);
      std::fprintf(stderr, "phidias: error: %s\n", message.c_str());
      return code;
    };
    try {
      return run(world);
    } catch (const Error& error) {
      return fail(static_cast<int>(error.code()), error.what());
    } catch (const std::filesystem::filesystem_error& error) {  // no space, no permission: told by the system
      return fail(static_cast<int>(ExitCode::data), describe(error));
    } catch (const std::bad_alloc&) {
      return fail(static_cast<int>(ExitCode::memory), "out of host memory");
    } catch (const std::exception& error) {
      if (const auto known = explain ? explain(error) : std::nullopt) return fail(known->first, known->second);
      return fail(1, std::string("internal error: ") + error.what());
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "phidias: error: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}

}  // namespace phidias::launch
