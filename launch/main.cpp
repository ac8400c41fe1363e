// The program a user calls. Commands that need no model run here; the others run in phidias-engine beside it, so that help, tokenising and
// checking a recipe never wait for LibTorch to load (0.2 s). Next: launch/engine_main.cpp, launch/train_command.cpp.
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "launch/cli.h"
#include "launch/commands.h"
#include "launch/ranks.h"

namespace {

using namespace phidias;
using namespace phidias::launch;

std::filesystem::path own_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

struct Runner {
  const Invocation& invocation;
  int operator()(const TokenizeCommand& command) { return run_tokenize(command); }
  int operator()(const MakeTasksCommand& command) { return run_make_tasks(command); }
  int operator()(const MakeNoiseCommand& command) { return run_make_noise(command); }
  int operator()(const InspectCommand& command) { return run_inspect(command, invocation.json); }
  int operator()(const DataRunCommand& command) {
    return run_on_ranks(invocation, [&](parallel::World& world) { return run_data(command, invocation, world, nullptr); });
  }
  int operator()(const TrainClassifierCommand& command) { return run_train_classifier(command, invocation.json); }
  int operator()(const SyntheticCommand& command) { return run_synthetic(command, invocation.json); }
  int operator()(const TokenizeCorpusCommand& command) { return run_tokenize_corpus(command, invocation.json); }
  int operator()(const MixtureCommand& command) { return run_mixture(command, invocation.json); }
  int operator()(const StagesCommand& command) { return run_stages(command, invocation.json); }
  int operator()(const RecipesCommand& command) { return run_recipes(command); }
  int operator()(const ReportCommand& command) { return run_report(command); }
  int operator()(const VersionCommand&) { return run_version(invocation.json); }
  template <class T>
  int operator()(const T&) {
    return static_cast<int>(ExitCode::usage);
  }
};

int run(const Invocation& invocation, char** argv) {
  if (needs_engine(invocation.command)) {
    const std::filesystem::path engine = own_folder() / "phidias-engine";
    execv(engine.c_str(), argv);
    throw ConfigError("cannot start " + engine.string() + ": it belongs beside the program phidias");
  }
  if (invocation.quiet) configure_logging({.level = LogLevel::warning});
  return std::visit(Runner{invocation}, invocation.command);
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  try {
    return run(std::get<Invocation>(parsed), argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "phidias: error: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    std::fprintf(stderr, "phidias: error: %s\n", describe(error).c_str());
    return static_cast<int>(ExitCode::data);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "phidias: internal error: %s\n", error.what());
    return 1;
  }
}
