// The program behind `phidias` for commands that need a model. Started by launch/main.cpp with the same arguments; under mpirun one process is one
// rank. Next: launch/train_command.cpp.
#include <c10/util/Exception.h>

#include <chrono>
#include <cstdio>
#include <new>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "kernels/allocator.h"
#include "launch/cli.h"
#include "launch/commands.h"
#include "parallel/world.h"

namespace {

using namespace phidias;
using namespace phidias::launch;

struct Runner {
  const Invocation& invocation;
  parallel::World& world;
  int operator()(const TrainCommand& command) { return run_train(command, invocation, world); }
  int operator()(const GenerateCommand& command) { return run_generate(command, invocation.json); }
  int operator()(const ChatCommand& command) { return run_chat(command); }
  int operator()(const ScoreCommand& command) { return run_score(command, invocation.json); }
  int operator()(const ExportCommand& command) { return run_export(command, invocation.json); }
  int operator()(const InitCommand& command) { return run_init(command); }
  int operator()(const PlanCommand& command) { return run_plan(command, invocation.json, world); }
  template <class T>
  int operator()(const T&) {
    return static_cast<int>(ExitCode::usage);
  }
};

int run(const Invocation& invocation, parallel::World& world) {
  if (world.size() > 1 && !std::holds_alternative<TrainCommand>(invocation.command)) throw ConfigError("only train runs on several ranks");
  return std::visit(Runner{invocation, world}, invocation.command);
}

}  // namespace

int main(int argc, char** argv) {
  kernels::keep_freed_memory();  // before the first allocation of any size
  const auto parsed = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const auto& invocation = std::get<Invocation>(parsed);
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
      return run(invocation, world);
    } catch (const Error& error) {
      return fail(static_cast<int>(error.code()), error.what());
    } catch (const c10::OutOfMemoryError& error) {
      return fail(static_cast<int>(ExitCode::memory), error.what_without_backtrace());
    } catch (const std::bad_alloc&) {
      return fail(static_cast<int>(ExitCode::memory), "out of host memory");
    } catch (const c10::Error& error) {
      return fail(1, std::string("internal error: ") + error.what());
    } catch (const std::exception& error) {
      return fail(1, std::string("internal error: ") + error.what());
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "phidias: error: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
