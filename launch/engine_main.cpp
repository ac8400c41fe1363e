// The program behind `phidias` for commands that need a model. Started by launch/main.cpp with the same arguments; under mpirun one process is one
// rank. Next: launch/train_command.cpp.
#include <c10/util/Exception.h>

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/allocator.h"
#include "launch/cli.h"
#include "launch/commands.h"
#include "launch/model_services.h"
#include "launch/ranks.h"
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
  int operator()(const TrainHeadCommand& command) { return run_train_head(command, invocation.json); }
  int operator()(const DataRunCommand& command) {
    const data::pipeline::ModelServices models = make_model_services();
    return run_data(command, invocation, world, &models);
  }
  template <class T>
  int operator()(const T&) {
    return static_cast<int>(ExitCode::usage);
  }
};

int run(const Invocation& invocation, parallel::World& world) {
  if (world.size() > 1 && !std::holds_alternative<TrainCommand>(invocation.command) && !std::holds_alternative<DataRunCommand>(invocation.command))
    throw ConfigError("only train and data run work on several ranks");
  return std::visit(Runner{invocation, world}, invocation.command);
}

}  // namespace

int main(int argc, char** argv) {
  kernels::keep_freed_memory();  // before the first allocation of any size
  const auto parsed = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const auto& invocation = std::get<Invocation>(parsed);
  const auto explain = [](const std::exception& error) -> std::optional<std::pair<int, std::string>> {
    if (const auto* memory = dynamic_cast<const c10::OutOfMemoryError*>(&error))
      return std::pair(static_cast<int>(ExitCode::memory), std::string(memory->what_without_backtrace()));
    return std::nullopt;
  };
  return run_on_ranks(invocation, [&](parallel::World& world) { return run(invocation, world); }, explain);
}
